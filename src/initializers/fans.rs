//! The numbers of inputs and outputs that a weight array connects.

use crate::shape::Shape;

/// Returns fan-in and fan-out, which are at least 1. For a kernel height × width × in × out they are height · width · in and
/// height · width · out, for a matrix its rows and columns. `compute_fans` in Keras.
///
/// ```
/// use gradus::{Shape, initializers::fans};
/// assert_eq!(fans(Shape::from([3, 3, 16, 32])), (144.0, 288.0));
/// ```
pub fn fans(shape: Shape) -> (f64, f64) {
    let (fan_in, fan_out) = match *shape.sizes() {
        [] => (1.0, 1.0),
        [size] => (size as f64, size as f64),
        [ref field @ .., input, output] => {
            let field: f64 = field.iter().map(|size| *size as f64).product();
            (field * input as f64, field * output as f64)
        }
    };
    (fan_in.max(1.0), fan_out.max(1.0))
}
