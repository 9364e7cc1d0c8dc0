//! A tile of a product in registers: up to six rows of sixteen columns.
//!
//! Every element is one chain of fused multiply-adds over ascending k. Twelve vectors of eight hold the tile, two the row
//! of B and one the element of A, which fills the sixteen registers of AVX2 (Goto and van de Geijn 2008 call it the
//! micro-kernel).

use crate::kernels::simd::{SimdLevel, vectorized};

/// Rows of a full tile.
pub(super) const ROWS: usize = 6;

/// Columns of a tile, and of a packed panel.
pub(super) const LANES: usize = 16;

/// A tile; often only its first rows count.
pub(super) type Tile = [[f32; LANES]; ROWS];

/// Calls `$body` with the first `$count` rows of a tile, whose number `$rows` is a constant from 1 to [`ROWS`].
macro_rules! for_rows {
    ($count:expr, $tile:ident, $rows:ident => |$first:ident| $body:expr) => {
        for_rows!(@ $count, $tile, $rows, $first, $body, 1 2 3 4 5 6)
    };
    (@ $count:expr, $tile:ident, $rows:ident, $first:ident, $body:expr, $($number:literal)*) => {
        match $count {
            $($number => {
                const $rows: usize = $number;
                if let Some($first) = $tile.first_chunk_mut::<$rows>() {
                    $body
                }
            })*
            other => unreachable!("a tile has 1 to 6 rows, not {other}"),
        }
    };
}

/// `tile[r][l] ← tile[r][l] + Σₖ a[r][k] · panel[k][l]` for the first `rows` rows, where `row(r)` gives those of A.
#[inline(always)]
pub(super) fn add_rows<'a>(
    level: SimdLevel,
    tile: &mut Tile,
    rows: usize,
    row: impl Fn(usize) -> &'a [f32],
    panel: &[[f32; LANES]],
) {
    for_rows!(rows, tile, R => |tile| by_rows::<R, LANES>(level, tile, std::array::from_fn(&row), panel));
}

/// The same where the k-th elements of the rows lie side by side, `stride` after those before.
pub(super) fn add_columns(
    level: SimdLevel,
    tile: &mut Tile,
    rows: usize,
    a: &[f32],
    stride: usize,
    panel: &[[f32; LANES]],
) {
    for_rows!(rows, tile, R => |tile| by_columns::<R, LANES>(level, tile, a, stride, panel));
}

/// The same where the k-th elements of the rows lie side by side from `bases[k]` on.
pub(super) fn add_bases(
    level: SimdLevel,
    tile: &mut Tile,
    rows: usize,
    a: &[f32],
    bases: &[usize],
    panel: &[[f32; LANES]],
) {
    for_rows!(rows, tile, R => |tile| by_bases::<R, LANES>(level, tile, a, bases, panel));
}

vectorized! {
    /// `tile[r][l] ← tile[r][l] + Σₖ a[r][k] · panel[k][l]`, where `a` are rows.
    #[inline(always)]
    fn by_rows<F: Fma, const R: usize, const L: usize>(
        tile: &mut [[f32; L]; R],
        a: [&[f32]; R],
        panel: &[[f32; L]],
    ) {
        let mut a = a;
        for row in &mut a {
            *row = &row[..panel.len()]; // so that the loop need not check
        }
        let mut sums = *tile;
        for (k, b) in panel.iter().enumerate() {
            for r in 0..R {
                let x = a[r][k];
                F::add_scaled(x, b, &mut sums[r]);
            }
        }
        *tile = sums;
    }
}

vectorized! {
    /// The same where the k-th elements of the `R` rows lie side by side, `stride` after those before.
    #[inline(always)]
    fn by_columns<F: Fma, const R: usize, const L: usize>(
        tile: &mut [[f32; L]; R],
        a: &[f32],
        stride: usize,
        panel: &[[f32; L]],
    ) {
        let mut sums = *tile;
        for (x, b) in a.chunks(stride).zip(panel) {
            let x = &x[..R];
            for r in 0..R {
                F::add_scaled(x[r], b, &mut sums[r]);
            }
        }
        *tile = sums;
    }
}

vectorized! {
    /// The same where the k-th elements of the `R` rows lie side by side from `bases[k]` on.
    #[inline(always)]
    fn by_bases<F: Fma, const R: usize, const L: usize>(
        tile: &mut [[f32; L]; R],
        a: &[f32],
        bases: &[usize],
        panel: &[[f32; L]],
    ) {
        let mut sums = *tile;
        for (&base, b) in bases.iter().zip(panel) {
            let x = &a[base..base + R];
            for r in 0..R {
                F::add_scaled(x[r], b, &mut sums[r]);
            }
        }
        *tile = sums;
    }
}
