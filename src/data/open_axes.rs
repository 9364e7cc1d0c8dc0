//! The sizes of batches along open axes.

use crate::shape::Shape;

/// The shape in which rows are gathered: `largest`, with the largest size among the rows `rows`, at least 1, along each of the
/// axes `open`.
pub(super) fn batch_shape(largest: Shape, open: &[usize], rows: &[usize], shape: impl Fn(usize) -> Shape) -> Shape {
    if open.is_empty() {
        return largest;
    }
    let mut batch = largest;
    for &axis in open {
        let sizes = rows.iter().map(|row| shape(*row).axis(axis));
        batch = batch.with_axis(axis, sizes.max().unwrap_or(1).max(1));
    }
    batch
}
