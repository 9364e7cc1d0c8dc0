//! How many inputs and outputs a weight array connects.

use crate::shape::Shape;

/// Fan-in and fan-out, at least 1. Keras' `compute_fans`: for a kernel height × width × in × out these are
/// height · width · in and height · width · out, for a matrix its rows and columns.
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
