//! Mean over rows of −Σᵢ tᵢ · ln softmax(x)ᵢ, in the stable form; dx = (softmax(x) · Σᵢ tᵢ − t) / rows · dy. With weights,
//! both are multiplied by the weight of each row.

use crate::error::{Error, Result};
use crate::kernels::softmax::{self, RowWeights, Targets};
use crate::ops::pointwise::{first, weights, weights_fit};
use crate::shape::{Shape, View};
use crate::sizes;
use crate::tape::{Context, Gradients, Inputs, Op, Var};

#[derive(Default)]
struct SoftmaxCrossentropy {
    probabilities: Vec<f32>,
}

impl Op for SoftmaxCrossentropy {
    fn name(&self) -> &'static str {
        "softmax_crossentropy"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x, targets, weights @ ..] = inputs else { return Err(Error::expected("logits and targets")) };
        if !targets_fit(*x, *targets, weights) {
            return Err(Error::expected("logits n × classes, and targets n × classes (one-hot) or n (labels)"));
        }
        self.probabilities = sizes::zeros(x.sizes())?;
        Ok(Shape::SCALAR)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], context: Context<'_>) {
        let (x, t) = (inputs.get(0), inputs.get(1));
        let (targets, weights) = (targets(x.shape(), t), row_weights(inputs));
        if !labels_fit(targets, t.shape(), x.shape().last(), context) {
            return;
        }
        let total = softmax::crossentropy(&x, targets, weights, x.shape().last(), &mut self.probabilities);
        y[0] = total / x.shape().rows() as f32;
    }

    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let (x, t, columns) = (inputs.get(0), inputs.get(1), inputs.get(0).shape().last());
        let Some(dx) = first(gradients, inputs.count()) else { return };
        let (targets, weights) = (targets(x.shape(), t), row_weights(inputs));
        let scale = dy[0] / x.shape().rows() as f32;
        softmax::crossentropy_backward(&self.probabilities, targets, weights, columns, scale, dx);
    }
}

/// Whether targets have the shape of the predictions or are one label per row, and weights, if given, are one per
/// row or position.
pub(in crate::ops) fn targets_fit(predictions: Shape, targets: Shape, weights: &[Shape]) -> bool {
    let labels = &predictions.sizes()[..predictions.rank().saturating_sub(1)];
    let fit = predictions.rank() > 0 && (targets == predictions || targets.sizes() == labels);
    fit && (weights.is_empty() || predictions.rank() > 1) && weights_fit(predictions, weights)
}

/// The targets: rows if they have the shape of the predictions, labels otherwise.
pub(in crate::ops) fn targets<'a>(predictions: Shape, targets: View<'a>) -> Targets<'a> {
    if targets.shape() == predictions { Targets::Rows(targets.data()) } else { Targets::Labels(targets.data()) }
}

/// Whether each label is that of a class. Reports the first one that is not.
pub(in crate::ops) fn labels_fit(targets: Targets<'_>, shape: Shape, classes: usize, context: Context<'_>) -> bool {
    let Targets::Labels(labels) = targets else { return true };
    let Some(at) = labels.iter().position(|value| softmax::label(*value, classes).is_none()) else { return true };
    let problem = || Error::Index { name: "label", value: f64::from(labels[at]), count: classes };
    context.fault(shape.row_of(at), problem);
    false
}

/// The weights of the rows or positions of the batch, the third input if given.
pub(in crate::ops) fn row_weights(inputs: Inputs<'_>) -> RowWeights<'_> {
    let Some(weights) = weights(inputs) else { return RowWeights::NONE };
    RowWeights { weights: weights.data(), group: inputs.get(0).shape().rows() / weights.len() }
}

impl<'r> Var<'r> {
    /// The mean categorical crossentropy of the softmax of logits, for `targets`: one-hot rows or other probabilities, or
    /// integer labels. Targets get no gradient.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (logits, targets) = (recorder.input([1, 2]), recorder.input([1]));
    /// let y = logits.softmax_crossentropy(targets);
    /// let (logits, targets, y) = (logits.id(), targets.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([logits])[0].copy_from_slice(&[3.0, 3.0]);
    /// tape.input_slices([targets])[0].copy_from_slice(&[1.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.693_147_2];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn softmax_crossentropy(self, targets: Var<'r>) -> Var<'r> {
        self.softmax_crossentropy_of(targets, None)
    }

    pub(crate) fn softmax_crossentropy_of(self, targets: Var<'r>, weights: Option<Var<'r>>) -> Var<'r> {
        let inputs: Vec<Var<'r>> = [self, targets].into_iter().chain(weights).collect();
        self.recorder().apply(SoftmaxCrossentropy::default(), &inputs)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;
    use ndarray::{arr1, arr2};

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].softmax_crossentropy(x[1])).variable([3, 4]).input(arr1(&[2.0, 0.0, 3.0])),
            Sample::new(|x| x[0].softmax_crossentropy(x[1]))
                .variable([2, 3])
                .input(arr2(&[[0.0, 1.0, 0.0], [0.5, 0.2, 0.1]])),
            Sample::new(|x| x[0].softmax_crossentropy_of(x[1], Some(x[2])))
                .variable([2, 2, 3])
                .input(arr2(&[[0.0, 2.0], [1.0, 1.0]]))
                .input(arr1(&[0.5, 3.0])),
        ]
    }

    #[test]
    fn targets_of_another_shape_are_rejected() {
        let recorder = Recorder::new(Mode::Training);
        let _ = recorder.variable([2, 3]).softmax_crossentropy(recorder.input([2, 4]));
        let message = recorder.finish().unwrap_err().to_string();
        let expected = "softmax_crossentropy: found shapes 2 × 3 and 2 × 4, expected logits n × classes, and targets \
                        n × classes (one-hot) or n (labels)";
        assert_eq!(message, expected);
    }
}
