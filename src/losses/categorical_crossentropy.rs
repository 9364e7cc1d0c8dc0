//! Cross-entropy against one-hot rows.

use super::{Accepts, FromSpec, Loss, ONE_OUTPUT, OutputScale, Result, Shape, Spec, TargetKind, Var};
use super::{check_smoothing, crossentropy, smoothed};
use crate::settings::options;

options! {
    /// −Σᵢ tᵢ · ln pᵢ for targets that are rows of probabilities, such as one-hot ones. Keras' `CategoricalCrossentropy`.
    ///
    /// Takes probabilities; where they are a softmax, the loss is computed from its logits, which is exact.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct CategoricalCrossentropy("CategoricalCrossentropy") {
        /// Whether predictions are logits, to which softmax is still to be applied. Defaults to `false`: predictions are
        /// probabilities.
        value from_logits: bool = false,
        /// Share of each target that is spread over all classes, 0 ≤ smoothing ≤ 1: t · (1 − smoothing) + smoothing /
        /// classes. Defaults to 0.
        added label_smoothing: f32 = 0.0,
    }
}

impl CategoricalCrossentropy {
    /// Of probabilities.
    pub fn new() -> CategoricalCrossentropy {
        CategoricalCrossentropy::with_defaults()
    }
}

impl Loss for CategoricalCrossentropy {
    fn accepts(&self, _output: Shape) -> Accepts {
        let remedy =
            "Arrays::one_hot and to_categorical make one-hot rows, and SparseCategoricalCrossentropy takes labels";
        Accepts::new(&[TargetKind::Probabilities]).at_least(2, ONE_OUTPUT).remedy(remedy)
    }

    fn output_scale(&self) -> OutputScale {
        if self.from_logits { OutputScale::SoftmaxLogits } else { OutputScale::Plain }
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        let target = smoothed(target, self.label_smoothing, prediction.shape().last());
        crossentropy(prediction, target, None, self.from_logits)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        let target = smoothed(target, self.label_smoothing, prediction.shape().last());
        crossentropy(prediction, target, Some(weights), self.from_logits)
    }

    fn check_settings(&self) -> Result<()> {
        check_smoothing(Self::CLASS, self.label_smoothing)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}
