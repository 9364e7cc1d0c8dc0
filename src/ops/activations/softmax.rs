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
    /// The softmax over the last axis. Cross-entropy losses use its [`logits`](Var::logits).
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([1, 2]);
    /// let y = x.softmax();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[0.0, 1.098_612_3]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.25, 0.75];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
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
