//! A tile of a product in registers: up to six rows of sixteen columns.
//!
//! Every element is one chain of fused multiply-adds over ascending k. Twelve vectors of eight hold the tile, two the row
//! of B and one the element of A, which fills the sixteen registers of AVX2 (Goto and van de Geijn 2008 call it the
//! micro-kernel).

use crate::kernels::simd::Fma;

/// The most rows of a tile.
pub(super) const ROWS: usize = 12;

/// Columns of a tile, and of a packed panel.
pub(super) const LANES: usize = 16;

/// Runs `$body` for tiles that cover the rows `$range`, with `$first` their first row and `$R`, a constant, their number.
macro_rules! for_tiles {
    ($fma:ident, $range:expr, ($first:ident, $R:ident) => $body:expr) => {{
        let rows: std::ops::Range<usize> = $range;
        let mut $first = rows.start;
        while $first < rows.end {
            let left = rows.end - $first;
            $first += crate::kernels::tile::for_tiles!(@ $fma, left, $R, $body, 12 8 6 5 4 3 2 1);
        }
    }};
    (@ $fma:ident, $left:ident, $R:ident, $body:expr, $($rows:literal)*) => {
        match $left {
            $($rows.. if $rows <= $fma::ROWS => {
                const $R: usize = $rows;
                $body;
                $R
            })*
            _ => break,
        }
    };
}
pub(super) use for_tiles;

/// `tile[r][l] ← tile[r][l] + Σₖ a[r][k] · panel[k][l]`, where `a` are rows.
#[inline(always)]
pub(super) fn by_rows<F: Fma, const R: usize>(tile: &mut [[f32; LANES]; R], a: [&[f32]; R], panel: &[[f32; LANES]]) {
    let mut a = a;
    for row in &mut a {
        *row = &row[..panel.len()]; // so that the loop need not check
    }
    let mut sums = *tile;
    for (k, b) in panel.iter().enumerate() {
        for r in 0..R.min(6) {
            F::add_scaled(a[r][k], b, &mut sums[r]);
        }
        for r in 6..R {
            F::add_scaled(a[r][k], b, &mut sums[r]);
        }
    }
    *tile = sums;
}

/// The same where the k-th elements of the `R` rows lie side by side, `stride` after those before.
#[inline(always)]
pub(super) fn by_columns<F: Fma, const R: usize>(
    tile: &mut [[f32; LANES]; R],
    a: &[f32],
    stride: usize,
    panel: &[[f32; LANES]],
) {
    let mut sums = *tile;
    for (x, b) in a.chunks(stride).zip(panel) {
        let x = &x[..R];
        for r in 0..R.min(6) {
            F::add_scaled(x[r], b, &mut sums[r]);
        }
        for r in 6..R {
            F::add_scaled(x[r], b, &mut sums[r]);
        }
    }
    *tile = sums;
}

/// The same where the k-th elements of the `R` rows lie side by side from `bases[k]` on.
#[inline(always)]
pub(super) fn by_bases<F: Fma, const R: usize>(
    tile: &mut [[f32; LANES]; R],
    a: &[f32],
    bases: &[usize],
    panel: &[[f32; LANES]],
) {
    let mut sums = *tile;
    for (&base, b) in bases.iter().zip(panel) {
        let x = &a[base..base + R];
        for r in 0..R.min(6) {
            F::add_scaled(x[r], b, &mut sums[r]);
        }
        for r in 6..R {
            F::add_scaled(x[r], b, &mut sums[r]);
        }
    }
    *tile = sums;
}
