//! Sizes along open axes: those of a batch follow from those of its rows.

use crate::shape::Shape;

/// The shape in which each of the rows is gathered: `largest`, but along each of the axes `open` the largest size among the
/// rows `rows`, at least 1.
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
