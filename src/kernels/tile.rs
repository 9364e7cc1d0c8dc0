//! A tile of a product in registers: up to six rows of sixteen columns.
//!
//! Every element is one chain of fused multiply-adds over ascending k. Twelve vectors of eight hold the tile, two the row
//! of B and one the element of A, which fills the sixteen registers of AVX2 (Goto and van de Geijn 2008 call it the
//! micro-kernel).

use crate::kernels::simd::vectorized;

/// Rows of a full tile.
pub(super) const ROWS: usize = 6;

/// Columns of a tile, and of a packed panel.
pub(super) const LANES: usize = 16;

vectorized! {
    /// `tile[r][l] ← tile[r][l] + Σₖ a[r][k] · panel[k][l]`, where `a` are rows.
    #[inline(always)]
    pub(super) fn by_rows<F: Fma, const R: usize, const L: usize>(
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
                for l in 0..L {
                    sums[r][l] = F::fma(x, b[l], sums[r][l]);
                }
            }
        }
        *tile = sums;
    }
}

vectorized! {
    /// The same where the k-th elements of the `R` rows lie side by side, `stride` after those before.
    #[inline(always)]
    pub(super) fn by_columns<F: Fma, const R: usize, const L: usize>(
        tile: &mut [[f32; L]; R],
        a: &[f32],
        stride: usize,
        panel: &[[f32; L]],
    ) {
        let mut sums = *tile;
        for (x, b) in a.chunks(stride).zip(panel) {
            let x = &x[..R];
            for r in 0..R {
                for l in 0..L {
                    sums[r][l] = F::fma(x[r], b[l], sums[r][l]);
                }
            }
        }
        *tile = sums;
    }
}

vectorized! {
    /// The same where the k-th elements of the `R` rows lie side by side from `bases[k]` on.
    #[inline(always)]
    pub(super) fn by_bases<F: Fma, const R: usize, const L: usize>(
        tile: &mut [[f32; L]; R],
        a: &[f32],
        bases: &[usize],
        panel: &[[f32; L]],
    ) {
        let mut sums = *tile;
        for (&base, b) in bases.iter().zip(panel) {
            let x = &a[base..base + R];
            for r in 0..R {
                for l in 0..L {
                    sums[r][l] = F::fma(x[r], b[l], sums[r][l]);
                }
            }
        }
        *tile = sums;
    }
}

/// Calls `$body` with `$rows` as a constant, for 1 to [`ROWS`] rows.
macro_rules! for_rows {
    ($count:expr, $rows:ident => $body:expr) => {
        match $count {
            1 => {
                const $rows: usize = 1;
                $body
            }
            2 => {
                const $rows: usize = 2;
                $body
            }
            3 => {
                const $rows: usize = 3;
                $body
            }
            4 => {
                const $rows: usize = 4;
                $body
            }
            5 => {
                const $rows: usize = 5;
                $body
            }
            _ => {
                const $rows: usize = 6;
                $body
            }
        }
    };
}
pub(super) use for_rows;
