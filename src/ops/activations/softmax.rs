//! yᵢ = exp(xᵢ) / Σⱼ exp(xⱼ) over the last axis, dxᵢ = yᵢ · (dyᵢ − Σⱼ yⱼ·dyⱼ).

use crate::error::Result;
use crate::kernels::softmax;
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Origin, Var, arity};

struct Softmax;

impl Op for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        arity(inputs).map(|[x]| x)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x] = inputs.each();
        softmax::forward(&x, x.shape().last(), y);
    }

    fn backward(&mut self, inputs: Inputs<'_>, y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([x], [dx]) = (inputs.each(), gradients.each());
        if let Some(dx) = dx {
            softmax::backward(y, x.shape().last(), dy, dx);
        }
    }
}

impl<'r> Var<'r> {
    /// Probabilities over the last axis. The result remembers its logits, which cross-entropy then takes.
    pub fn softmax(self) -> Var<'r> {
        self.recorder().apply(Softmax, &[self]).with_origin(Origin::Softmax { logits: self })
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].softmax()).variable([3, 5]),
            Sample::new(|x| x[0].softmax()).variable([2, 2, 1]),
            Sample::new(|x| x[0].softmax()).variable([9]),
        ]
    }
}
