//! Activations element by element, each with its slope taken from its result; formulas in
//! [`kernels::activation`](crate::kernels::activation).

use crate::error::Result;
use crate::kernels::activation::{self, Elementwise};
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct Activate(Elementwise);

impl Op for Activate {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        arity(inputs).map(|[x]| x)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x] = inputs.each();
        activation::forward_from(self.0, &x, y);
    }

    fn backward(&mut self, _inputs: Inputs<'_>, y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        if let [Some(dx)] = gradients.each() {
            activation::backward_from(self.0, y, dy, dx);
        }
    }
}

impl<'r> Var<'r> {
    /// This activation, element by element; [`Elementwise::Linear`] is the value itself.
    pub fn activation(self, activation: Elementwise) -> Var<'r> {
        match activation {
            Elementwise::Linear => self,
            activation => self.recorder().apply(Activate(activation), &[self]),
        }
    }

    /// The value itself: Keras' `linear`.
    pub fn linear(self) -> Var<'r> {
        self.activation(Elementwise::Linear)
    }

    /// max(x, 0), and NaN where x is NaN.
    pub fn relu(self) -> Var<'r> {
        self.activation(Elementwise::Relu)
    }

    /// 1 / (1 + e⁻ˣ).
    pub fn sigmoid(self) -> Var<'r> {
        self.activation(Elementwise::Sigmoid)
    }

    /// The hyperbolic tangent.
    pub fn tanh(self) -> Var<'r> {
        self.activation(Elementwise::Tanh)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].relu()).variable([3, 5]),
            Sample::new(|x| x[0].sigmoid()).variable([3, 5]),
            Sample::new(|x| x[0].tanh()).variable([17]),
            Sample::new(|x| x[0].linear()).variable([4]),
        ]
    }
}
