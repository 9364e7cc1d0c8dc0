//! Cross-entropy with integer labels.

use super::accepted::ONE_OUTPUT;
use super::crossentropy::crossentropy;
use super::loss::Loss;
use crate::accepts::{Accepts, TargetKind};
use crate::output_scale::OutputScale;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Sparse categorical cross-entropy: the mean of −ln p of the true class. `SparseCategoricalCrossentropy` in Keras.
    ///
    /// Outputs are … × classes, at least two. Targets are integer labels 0, 1, … classes − 1, one for each position of the
    /// output.
    ///
    /// An output of shape 8 × 6 × 3 takes labels of shape 8 × 6 per row, and the loss is the mean over the rows and their
    /// positions.
    ///
    /// Outputs are probabilities by default. After a softmax, the loss is computed from its logits, which is exact.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, data::Arrays, layers::*, losses::SparseCategoricalCrossentropy, optimizers::Sgd};
    /// use ndarray::{arr1, arr2};
    /// let network = Sequential::new([2]).add(Dense::new(2));
    /// let model = network.compile(Compile::new(Sgd::new(0.1), SparseCategoricalCrossentropy::new().from_logits(true)))?;
    /// let data = Arrays::new(arr2(&[[0.0f32, 0.0]]), arr1(&[1u8]))?;
    /// assert!((model.evaluate(&data)?.loss - std::f64::consts::LN_2).abs() < 1e-6); // probability ½
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct SparseCategoricalCrossentropy("SparseCategoricalCrossentropy") {
        /// Whether outputs are logits, to which the loss applies softmax. Defaults to `false`.
        value from_logits: bool = false,
        /// Ignores positions with this label: the loss is the mean over the other positions, or 0 if all are ignored. The
        /// label need not be a class of the output; −1 and 255 are common. Defaults to none.
        into ignore_class: Option<i32> = None,
    }
}

impl SparseCategoricalCrossentropy {
    /// Creates the loss for outputs that are probabilities.
    pub fn new() -> SparseCategoricalCrossentropy {
        SparseCategoricalCrossentropy::with_defaults()
    }

    /// The mean loss over the positions that are not ignored and not padding, each multiplied by the weight of its row.
    fn valid_mean<'r>(&self, ignored: i32, prediction: Var<'r>, target: Var<'r>, weights: Option<Var<'r>>) -> Var<'r> {
        let mask = prediction.mask();
        // A reshaped softmax has no logits.
        let (prediction, from_logits) = match prediction.logits() {
            Some(logits) if !self.from_logits => (logits, true),
            _ => (prediction, self.from_logits),
        };
        let (shape, classes) = (prediction.shape(), prediction.shape().last());
        let positions = shape.len() / classes;
        // Labels are integers: 0 for the ignored one, 1 for the others.
        let apart = target.reshape(positions) - ignored as f32;
        let valid = (apart * apart).clip(0.0, 1.0);
        let count = match mask {
            None => valid.sum().clip(1.0, f32::MAX),
            // The weights contain the number of all elements of the mask, divided by that of its valid ones.
            Some(mask) => {
                let (parts, elements) = (mask.shape().len(), positions / mask.shape().len());
                let both = mask.reshape([parts, 1]) * valid.reshape([parts, elements]);
                both.sum().clip(1.0, f32::MAX) * parts as f32 / mask.sum().clip(1.0, f32::MAX)
            }
        };
        let weights = weights.map(|weights| {
            let rows = weights.shape().len();
            let each = weights.reshape([rows, 1]) * valid.reshape([rows, positions / rows]);
            each.reshape(positions)
        });
        let labels = target.reshape(positions).where_nonzero(valid);
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
