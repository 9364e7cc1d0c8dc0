//! A tile of a product in registers: a few rows of sixteen or thirty-two columns.
//!
//! Every element is one chain of fused multiply-adds over ascending k. With AVX2, six rows of sixteen columns fill
//! twelve of the sixteen registers; with AVX-512, twelve rows of thirty-two fill twenty-four of thirty-two. The others
//! hold a row of B and an element of A (Goto and van de Geijn 2008 call this the micro-kernel).

use crate::kernels::simd::Fma;

/// Maximum number of rows of a tile.
pub(super) const ROWS: usize = 12;

/// Columns of a narrow tile, and of the panels of a convolution.
pub(super) const LANES: usize = 16;

/// Runs `$body` for tiles that cover the rows `$range`. `$first` is the first row of a tile, and the constant `$R` its
/// number of rows.
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

/// `tile[r][l] + Σₖ a[r][k] · panel[k][l]`, where `a` are rows. The tile is passed by value, so that it stays in
/// registers.
#[inline(always)]
pub(super) fn by_rows<F: Fma, const R: usize, const L: usize>(
    tile: [[f32; L]; R],
    a: [&[f32]; R],
    panel: Panel<'_>,
) -> [[f32; L]; R] {
    let (mut a, depth) = (a, a[0].len());
    for row in &mut a {
        *row = &row[..depth]; // removes bounds checks from the loop
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

/// One step of all chains of a tile. It consists of two loops, because one of more than eight iterations is not
/// unrolled.
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
