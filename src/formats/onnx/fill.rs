//! The operation of a constant that nodes compute.

use crate::tape::{Context, Gradients, Inputs, Op, arity};
use crate::{Result, Shape};

/// An operation without inputs whose value is constant.
pub(super) struct Fill {
    shape: Shape,
    values: Vec<f32>,
}

impl Fill {
    pub(super) fn new(shape: Shape, values: &[f32]) -> Fill {
        Fill { shape, values: values.to_vec() }
    }
}

impl Op for Fill {
    fn name(&self) -> &'static str {
        "constant"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [] = arity(inputs)?;
        Ok(self.shape)
    }

    fn forward(&mut self, _inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        y.copy_from_slice(&self.values);
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], _dy: &mut [f32], _gradients: Gradients<'_>) {}
}
