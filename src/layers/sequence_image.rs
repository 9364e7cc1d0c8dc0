//! Sequences as images with one column, for layers that compute them by operations on images.

use super::Padding;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::Var;

/// Returns the shape steps × 1 × n of the only input, a sequence of steps × n. `last` names the last axis in the error.
///
/// # Errors
/// [`Error::Shape`] for several inputs, or an input that is not a sequence.
pub(super) fn image_shape(inputs: &[Shape], last: &str) -> Result<Shape> {
    let [x] = inputs else { return Err(Error::expected("one input")) };
    match x.sizes() {
        &[steps, size] => Ok(Shape::from([steps, 1, size])),
        _ => Err(Error::expected(format!("sequences steps × {last}; Reshape adds a missing axis"))),
    }
}

/// Checks that sequences, as images, have the steps of a window if they are not padded.
///
/// # Errors
/// [`Error::Shape`] for shorter sequences.
pub(super) fn check_steps(images: Shape, window: usize, padding: Padding) -> Result<()> {
    if padding != Padding::Valid || images.axis(0) >= window {
        return Ok(());
    }
    Err(Error::expected(format!("sequences of at least {window} steps, or padding `same`")))
}

/// Reshapes sequences, rows × steps × n, to images, rows × steps × 1 × n.
pub(super) fn to_images(x: Var<'_>) -> Var<'_> {
    let [rows, steps, size] = [0, 1, 2].map(|axis| x.shape().axis(axis));
    x.reshape([rows, steps, 1, size])
}

/// Reshapes images with one column to sequences.
pub(super) fn to_sequences(y: Var<'_>) -> Var<'_> {
    let [rows, steps, size] = [0, 1, 3].map(|axis| y.shape().axis(axis));
    y.reshape([rows, steps, size])
}
