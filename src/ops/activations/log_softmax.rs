//! yᵢ = xᵢ − max x − ln Σⱼ exp(xⱼ − max x) along an axis, dxᵢ = dyᵢ − exp(yᵢ) · Σⱼ dyⱼ.

use crate::error::Result;
use crate::kernels::log_softmax;
use crate::ops::axes;
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct LogSoftmax;

impl Op for LogSoftmax {
    fn name(&self) -> &'static str {
        "log_softmax"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        arity(inputs).map(|[x]| x)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x] = inputs.each();
        log_softmax::forward(&x, x.shape().last(), y);
    }

    fn backward(&mut self, inputs: Inputs<'_>, y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([x], [dx]) = (inputs.each(), gradients.each());
        if let Some(dx) = dx {
            log_softmax::backward(y, x.shape().last(), dy, dx);
        }
    }
}

impl<'r> Var<'r> {
    /// The logarithm of the softmax over the last axis, exact even if probabilities round to 0 or 1.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([1, 2]);
    /// let y = x.log_softmax();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[3.0, 3.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [-0.693_147_2, -0.693_147_2];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn log_softmax(self) -> Var<'r> {
        self.log_softmax_axis(-1)
    }

    /// The logarithm of the softmax over an axis. A negative axis is counted from the end: −1 is the last axis.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2, 1]);
    /// let y = x.log_softmax_axis(0);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[3.0, 3.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [-0.693_147_2, -0.693_147_2];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn log_softmax_axis(self, axis: isize) -> Var<'r> {
        axes::along(self, "log_softmax", axis, |x| x.recorder().apply(LogSoftmax, &[x]))
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].log_softmax()).variable([3, 5]),
            Sample::new(|x| x[0].log_softmax_axis(1)).variable([2, 3, 2]),
            Sample::new(|x| x[0].log_softmax()).variable([4, 1]),
            Sample::new(|x| x[0].log_softmax()).variable([9]),
        ]
    }

    #[test]
    fn scalars_are_rejected() {
        let recorder = Recorder::new(Mode::Training);
        let _ = recorder.scope("activation", || recorder.input([]).log_softmax());
        let expected = "activation: log_softmax: found shape (), expected an array with an axis -1";
        assert_eq!(recorder.finish().unwrap_err().to_string(), expected);
    }
}
