//! How many inputs and outputs a weight array connects.

use crate::shape::Shape;

/// Fan-in and fan-out, at least 1. Keras' `compute_fans`: for a kernel height × width × in × out these are
/// height · width · in and height · width · out, for a matrix its rows and columns.
pub fn fans(shape: Shape) -> (f64, f64) {
    let (fan_in, fan_out) = match *shape.sizes() {
        [] => (1, 1),
        [size] => (size, size),
        [ref field @ .., input, output] => {
            let field: usize = field.iter().product();
            (field * input, field * output)
        }
    };
    (fan_in.max(1) as f64, fan_out.max(1) as f64)
}
