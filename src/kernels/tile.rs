//! A tile of a product in registers: a few rows of sixteen or thirty-two columns.
//!
//! Every element is one chain of fused multiply-adds over ascending k. With AVX2 six rows of sixteen columns fill twelve of the
//! sixteen registers, with AVX-512 twelve rows of thirty-two fill twenty-four of thirty-two; the others hold a row of B and
//! an element of A (Goto and van de Geijn 2008 call it the micro-kernel).

use crate::kernels::simd::Fma;

/// The most rows of a tile.
pub(super) const ROWS: usize = 12;

/// Columns of a narrow tile, and of the panels of a convolution.
pub(super) const LANES: usize = 16;

/// Runs `$body` for tiles that cover the rows `$range`, with `$first` their first row and `$R`, a constant, their number.
macro_rules! for_tiles {
    ($fma:ident, $range:expr, ($first:ident, $R:ident) => $body:expr) => {{
        let rows: std::ops::Range<usize> = $range;
        let mut $first = rows.start;
        while $first < rows.end {
            let left = rows.end - $first;
            $first += crate::kernels::tile::for_tiles!(@ $fma, left, $R, $body, 12 8 6 4 3 2 1);
        }
    }};
    (@ $fma:ident, $left:ident, $R:ident, $body:expr, $($rows:literal)*) => {
        match $left {
            $($rows.. if const { $rows <= $fma::ROWS } => {
                const $R: usize = $rows;
                $body;
                $R
            })*
            _ => break,
        }
    };
}
pub(super) use for_tiles;

/// Rows of B, at a distance of `stride`.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    pub(super) rows: &'a [f32],
    pub(super) stride: usize,
}

impl<'a> Panel<'a> {
    /// The first `L` elements of each row.
    #[inline(always)]
    fn rows<const L: usize>(self) -> impl Iterator<Item = &'a [f32; L]> {
        self.rows.chunks(self.stride).map_while(|row| row.first_chunk())
    }
}

/// `tile[r][l] + Σₖ a[r][k] · panel[k][l]`, where `a` are rows. By value, so that a tile is never anywhere but in registers.
#[inline(always)]
pub(super) fn by_rows<F: Fma, const R: usize, const L: usize>(
    tile: [[f32; L]; R],
    a: [&[f32]; R],
    panel: Panel<'_>,
) -> [[f32; L]; R] {
    let (mut a, depth) = (a, a[0].len());
    for row in &mut a {
        *row = &row[..depth]; // so that the loop need not check
    }
    let mut sums = tile;
    for (k, b) in (0..depth).zip(panel.rows::<L>()) {
        add_outer::<F, R, L>(|r| a[r][k], b, &mut sums);
    }
    sums
}

/// Rows of A whose k-th elements are contiguous, at a distance of `stride` for successive k.
#[inline(always)]
pub(super) fn by_columns<F: Fma, const R: usize, const L: usize>(
    tile: [[f32; L]; R],
    a: &[f32],
    stride: usize,
    panel: Panel<'_>,
) -> [[f32; L]; R] {
    let mut sums = tile;
    for (x, b) in a.chunks(stride).zip(panel.rows::<L>()) {
        let x = &x[..R];
        add_outer::<F, R, L>(|r| x[r], b, &mut sums);
    }
    sums
}

/// One step of all chains of a tile. Two loops, as one of more than eight turns is not unrolled.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "ranges of constants are unrolled, iterators over them are not")]
fn add_outer<F: Fma, const R: usize, const L: usize>(a: impl Fn(usize) -> f32, b: &[f32; L], sums: &mut [[f32; L]; R]) {
    for r in 0..R.min(6) {
        F::add_scaled(a(r), b, &mut sums[r]);
    }
    for r in 6..R {
        F::add_scaled(a(r), b, &mut sums[r]);
    }
}
