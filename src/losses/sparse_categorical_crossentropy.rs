//! Cross-entropy against labels.

use super::{Accepts, FromSpec, Loss, ONE_OUTPUT, OutputScale, Shape, Spec, TargetKind, Var, crossentropy};
use crate::settings::options;

options! {
    /// −ln p of the right class, for targets that are integer labels 0, 1, … classes − 1: one for each position of the
    /// output. Keras' `SparseCategoricalCrossentropy`.
    ///
    /// An output of shape 8 × 6 × 3 takes labels of shape 8 × 6 per row, and the loss is the mean over the rows and their
    /// positions.
    ///
    /// Takes probabilities; where they are a softmax, the loss is computed from its logits, which is exact.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct SparseCategoricalCrossentropy("SparseCategoricalCrossentropy") {
        /// Whether predictions are logits, to which softmax is still to be applied. Defaults to `false`: predictions are
        /// probabilities.
        value from_logits: bool = false,
        /// Label of positions that are left out: the loss is the mean over the other positions, 0 if there are none. The
        /// label need not be a class of the output; −1 and 255 are common. Defaults to `None`: all positions count.
        into ignore_class: Option<i32> = None,
    }
}

impl SparseCategoricalCrossentropy {
    /// Of probabilities.
    pub fn new() -> SparseCategoricalCrossentropy {
        SparseCategoricalCrossentropy::with_defaults()
    }

    /// The sum of the losses of the positions that are not ignored, each times the weight of its row, over their number.
    fn valid_mean<'r>(&self, ignored: i32, prediction: Var<'r>, target: Var<'r>, weights: Option<Var<'r>>) -> Var<'r> {
        // A reshaped softmax would lose its logits.
        let (prediction, from_logits) = match prediction.logits() {
            Some(logits) if !self.from_logits => (logits, true),
            _ => (prediction, self.from_logits),
        };
        let (shape, classes) = (prediction.shape(), prediction.shape().last());
        let positions = shape.len() / classes;
        // Labels are whole numbers: 1 where one differs, 0 where it is the ignored one.
        let apart = target.reshape(positions) - ignored as f32;
        let valid = (apart * apart).clip(0.0, 1.0);
        let count = valid.sum().clip(1.0, f32::MAX);
        let weights = weights.map(|weights| {
            let rows = weights.shape().len();
            let each = weights.reshape([rows, 1]) * valid.reshape([rows, positions / rows]);
            each.reshape(positions)
        });
        let labels = target.reshape(positions).kept(valid);
        let rows = prediction.reshape([positions, classes]);
        let mean = crossentropy(rows, labels, Some(weights.unwrap_or(valid)), from_logits);
        mean * (positions as f32) / count
    }
}

impl Loss for SparseCategoricalCrossentropy {
    fn accepts(&self, _output: Shape) -> Accepts {
        let remedy = "CategoricalCrossentropy takes one-hot rows, and arrays of integers are labels";
        let ignored = self.ignore_class.map(i64::from);
        Accepts::new(&[TargetKind::Labels]).at_least(2, ONE_OUTPUT).ignored_label(ignored).remedy(remedy)
    }

    fn output_scale(&self) -> OutputScale {
        if self.from_logits { OutputScale::SoftmaxLogits } else { OutputScale::Plain }
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        match self.ignore_class {
            Some(ignored) => self.valid_mean(ignored, prediction, target, None),
            None => crossentropy(prediction, target, None, self.from_logits),
        }
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        match self.ignore_class {
            Some(ignored) => self.valid_mean(ignored, prediction, target, Some(weights)),
            None => crossentropy(prediction, target, Some(weights), self.from_logits),
        }
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}
