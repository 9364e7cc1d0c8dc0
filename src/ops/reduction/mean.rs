//! y = Σ x / n over all elements, dx = dy / n.

use crate::error::Result;
use crate::kernels::reduce;
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct Mean;

impl Op for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        arity(inputs).map(|[_]| Shape::SCALAR)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x] = inputs.each();
        y[0] = reduce::sum(&x) / x.len() as f32;
    }

    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([x], [dx]) = (inputs.each(), gradients.each());
        if let Some(dx) = dx {
            dx.fill(dy[0] / x.len() as f32);
        }
    }
}

impl<'r> Var<'r> {
    /// The mean of all elements, a scalar.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([3]);
    /// let y = x.mean();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, 2.0, 3.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [2.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn mean(self) -> Var<'r> {
        self.recorder().apply(Mean, &[self])
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| x[0].mean()).variable([3, 5]), Sample::new(|x| x[0].mean()).variable([1])]
    }
}
