//! The sizes of batches along open axes.

use crate::shape::Shape;

/// The shape in which rows are gathered: `any`, with the largest size among the rows `rows`, at least 1, along each of the axes
/// `open`.
pub(super) fn batch_shape(any: Shape, open: &[usize], rows: &[usize], shape: impl Fn(usize) -> Shape) -> Shape {
    if open.is_empty() {
        return any;
    }
    let mut batch = any;
    for &axis in open {
        let sizes = rows.iter().map(|row| shape(*row).axis(axis));
        batch = batch.with_axis(axis, sizes.max().unwrap_or(1).max(1));
    }
    batch
}
