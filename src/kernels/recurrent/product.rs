//! The product of the states of a step with the recurrent weights, which are packed once for all steps.
//!
//! Every element is one chain of fused multiply-adds over ascending k, started at 0, as in `matmul`.

use super::rows::{Rows, RowsMut};
use crate::kernels::simd::{Fma, vectorized};
use crate::kernels::tile::{Panel, by_rows, for_tiles};
use crate::kernels::transposed::read_transposed;

/// Columns of the widest strip. Packed weights and sums have a multiple of it.
const STRIP: usize = 32;

/// Some columns of the recurrent weights, or their transpose.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    /// The weights, row by row.
    pub(crate) weights: &'a [f32],
    /// The number of columns of all weights.
    pub(crate) stride: usize,
    /// The first column.
    pub(crate) first: usize,
    /// The number of columns.
    pub(crate) width: usize,
    /// Whether the columns are the rows of the operand.
    pub(crate) transposed: bool,
}

impl Columns<'_> {
    /// The rows and columns of the operand.
    #[inline(always)]
    fn sizes(&self) -> [usize; 2] {
        let rows = self.weights.len() / self.stride;
        if self.transposed { [self.width, rows] } else { [rows, self.width] }
    }
}

/// The columns for which a row of sums has room.
pub(crate) fn padded(columns: usize) -> usize {
    columns.next_multiple_of(STRIP)
}

vectorized! {
    /// Packs columns of the weights into strips with the width of a tile. `panels` has a row for each row of the operand, and
    /// [`padded`] columns.
    pub(crate) fn pack<F: Fma>(columns: Columns<'_>, panels: &mut [f32]) {
        if const { F::COLUMNS == STRIP } {
            pack_strips::<F, STRIP>(columns, panels);
        } else {
            pack_strips::<F, 16>(columns, panels);
        }
    }
}

#[inline(always)]
fn pack_strips<F: Fma, const L: usize>(columns: Columns<'_>, panels: &mut [f32]) {
    let Columns { weights, stride, first, transposed, .. } = columns;
    let [depth, width] = columns.sizes();
    for (number, strip) in panels.as_chunks_mut::<L>().0.chunks_exact_mut(depth).enumerate() {
        let at = number * L;
        if at >= width {
            break;
        }
        let width = L.min(width - at);
        if transposed {
            read_transposed::<F, L>(&weights[at * stride + first..], stride, width, strip, |_| ());
        } else {
            for (strip, row) in strip.iter_mut().zip(weights.chunks_exact(stride)) {
                strip[..width].copy_from_slice(&row[first + at..][..width]);
            }
        }
    }
}

vectorized! {
    /// `sums[r][j] = Σₖ a[r][k] · b[k][j]`, for `sizes` = [rows, depth, columns]. `panels` are the packed `b`, and each row of
    /// `sums` has [`padded`] columns.
    pub(super) fn multiply<F: Fma>(a: Rows<'_>, sizes: [usize; 3], panels: &[f32], sums: RowsMut<'_>) {
        if const { F::COLUMNS == STRIP } {
            multiply_strips::<F, STRIP>(a, sizes, panels, sums);
        } else {
            multiply_strips::<F, 16>(a, sizes, panels, sums);
        }
    }
}

#[inline(always)]
fn multiply_strips<F: Fma, const L: usize>(
    a: Rows<'_>,
    [rows, depth, width]: [usize; 3],
    panels: &[f32],
    mut sums: RowsMut<'_>,
) {
    for (at, panel) in (0..width).step_by(L).zip(panels.chunks_exact(depth * L)) {
        for_tiles!(F, 0..rows, (row, R) => {
            let a = std::array::from_fn(|r| a.row(row + r, depth));
            let tile = by_rows::<F, R, L>([[0.0; L]; R], a, Panel { rows: panel, stride: L });
            for (r, tile) in tile.iter().enumerate() {
                let sums = sums.row(row + r, at + L);
                // Converts −0 to 0, as in every product.
                sums[at..].iter_mut().zip(tile).for_each(|(sum, value)| *sum = value + 0.0);
            }
        });
    }
}
