//! y = max(x − τ, 0) with Σ y = 1 over the last axis (Martins and Astudillo 2016); dx = dy − mean of dy over the support;
//! [`kernels::sparsemax`](crate::kernels::sparsemax).

use crate::error::{Error, Result};
use crate::kernels::sparsemax;
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct Sparsemax;

impl Op for Sparsemax {
    fn name(&self) -> &'static str {
        "sparsemax"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x] = arity(inputs)?;
        if x.rank() == 0 { Err(Error::expected("at least one axis")) } else { Ok(x) }
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x] = inputs.each();
        sparsemax::forward(&x, x.shape().last(), y);
    }

    fn backward(&mut self, inputs: Inputs<'_>, y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        if let ([x], [Some(dx)]) = (inputs.each(), gradients.each()) {
            sparsemax::backward(y, x.shape().last(), dy, dx);
        }
    }
}

impl<'r> Var<'r> {
    /// The sparsemax over the last axis: the closest vector of probabilities, in which small elements become 0.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([1, 3]);
    /// let y = x.sparsemax();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[0.5, 0.0, -2.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [0.75, 0.25, 0.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn sparsemax(self) -> Var<'r> {
        self.recorder().apply(Sparsemax, &[self])
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].sparsemax()).variable([3, 5]),
            Sample::new(|x| (x[0] * 5.0).sparsemax()).variable([2, 2, 3]),
        ]
    }
}
