//! Reading a matrix transposed, in squares of 16 × 16 elements.

use super::simd::Fma;

/// Rows and columns of a square.
pub(super) const SIDE: usize = 16;

/// Reads `width` columns, at a distance of `stride` in `columns`, as rows of a panel. Calls `seen` with each group of sixteen
/// elements that is read.
#[inline(always)]
pub(super) fn read_transposed<F: Fma, const N: usize>(
    columns: &[f32],
    stride: usize,
    width: usize,
    panel: &mut [[f32; N]],
    mut seen: impl FnMut(&[f32; SIDE]),
) {
    let mut square = [[0.0; SIDE]; SIDE];
    for l in (0..width).step_by(SIDE) {
        let columns = &columns[l * stride..];
        for (number, panel) in panel.chunks_mut(SIDE).enumerate() {
            for (values, column) in square.iter_mut().zip(columns.chunks(stride)).take(width - l) {
                let column = &column[number * SIDE..];
                match column.first_chunk() {
                    Some(column) if panel.len() == SIDE => *values = *column,
                    _ => values[..panel.len()].copy_from_slice(&column[..panel.len()]),
                }
            }
            F::transpose(&mut square);
            for (panel, row) in panel.iter_mut().zip(&square) {
                panel[l..l + SIDE].copy_from_slice(row);
                seen(row);
            }
        }
    }
}
