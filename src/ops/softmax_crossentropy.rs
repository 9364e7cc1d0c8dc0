//! Mean over rows of −Σᵢ tᵢ · ln softmax(x)ᵢ, in the stable form; dx = (softmax(x) · Σᵢ tᵢ − t) / rows · dy.

use crate::error::Error;
use crate::kernels::softmax::{self, Targets};
use crate::shape::View;
use crate::tape::{Gradients, Inputs, Op, Var, arity};
use crate::{Key, Result, Shape};

#[derive(Default)]
struct SoftmaxCrossentropy {
    probabilities: Vec<f32>,
}

impl Op for SoftmaxCrossentropy {
    fn name(&self) -> &'static str {
        "softmax_crossentropy"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x, targets] = arity(inputs)?;
        if !targets_fit(x, targets) {
            return Err(Error::expected("logits n × classes, and targets n × classes (one-hot) or n (labels)"));
        }
        self.probabilities = vec![0.0; x.len()];
        Ok(Shape::SCALAR)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _key: Key) {
        let [x, t] = inputs.each();
        let total = softmax::crossentropy(&x, targets(x.shape(), t), x.shape().last(), &mut self.probabilities);
        y[0] = total / x.shape().rows() as f32;
    }

    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let ([x, t], [dx, _]) = (inputs.each(), gradients.each());
        if let Some(dx) = dx {
            let scale = dy[0] / x.shape().rows() as f32;
            softmax::crossentropy_backward(&self.probabilities, targets(x.shape(), t), x.shape().last(), scale, dx);
        }
    }
}

/// One-hot rows like the predictions, or a label for each of their rows.
pub(super) fn targets_fit(predictions: Shape, targets: Shape) -> bool {
    let labels = &predictions.sizes()[..predictions.rank().saturating_sub(1)];
    predictions.rank() > 0 && (targets == predictions || targets.sizes() == labels)
}

pub(super) fn targets<'a>(predictions: Shape, targets: View<'a>) -> Targets<'a> {
    if targets.shape() == predictions { Targets::Rows(targets.data()) } else { Targets::Labels(targets.data()) }
}

impl<'r> Var<'r> {
    /// The mean cross-entropy of softmax(self) against `targets`: rows of probabilities such as one-hot ones, or labels
    /// as whole numbers. Targets get no gradient.
    pub fn softmax_crossentropy(self, targets: Var<'r>) -> Var<'r> {
        self.recorder().apply(SoftmaxCrossentropy::default(), &[self, targets])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;
    use ndarray::{arr1, arr2};

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].softmax_crossentropy(x[1])).variable([3, 4]).input(arr1(&[2.0, 0.0, 3.0])),
            Sample::new(|x| x[0].softmax_crossentropy(x[1]))
                .variable([2, 3])
                .input(arr2(&[[0.0, 1.0, 0.0], [0.5, 0.2, 0.1]])),
        ]
    }

    #[test]
    fn targets_of_another_shape_are_refused() {
        let recorder = Recorder::new(Mode::Training);
        recorder.variable([2, 3]).softmax_crossentropy(recorder.input([2, 4]));
        let message = recorder.finish().unwrap_err().to_string();
        let expected = "softmax_crossentropy: found shapes 2 × 3 and 2 × 4, expected logits n × classes, and targets \
                        n × classes (one-hot) or n (labels)";
        assert_eq!(message, expected);
    }
}
