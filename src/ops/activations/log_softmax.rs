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
    /// Logarithms of probabilities over the last axis, exact where the probabilities round to 0 or 1.
    pub fn log_softmax(self) -> Var<'r> {
        self.log_softmax_axis(-1)
    }

    /// The same along an axis, which is counted from the first, or below 0 from the last, which is −1.
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
    fn a_scalar_has_no_axis() {
        let recorder = Recorder::new(Mode::Training);
        let _ = recorder.scope("activation", || recorder.input([]).log_softmax());
        let expected = "activation: log_softmax: found shape (), expected an array that has an axis -1";
        assert_eq!(recorder.finish().unwrap_err().to_string(), expected);
    }
}
