//! The common shape of the inputs of a merging layer.

use crate::error::{Error, Result};
use crate::shape::Shape;

/// Returns the shape to which at least two inputs of equal rank broadcast.
///
/// # Errors
/// [`Error::Shape`] for fewer than two inputs, or for shapes that do not broadcast.
pub(super) fn merged_shape(inputs: &[Shape]) -> Result<Shape> {
    let [first, second, others @ ..] = inputs else { return Err(Error::expected("at least two inputs")) };
    let merge = |merged: Shape, next: &Shape| merged.broadcast(next).filter(|_| merged.rank() == next.rank());
    let shape = others.iter().chain([second]).try_fold(*first, merge);
    shape.ok_or_else(|| Error::expected("inputs of the same shape, or of size 1 along an axis"))
}
