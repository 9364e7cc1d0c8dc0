//! Cross-entropy against one-hot rows.

use super::accepted::ONE_OUTPUT;
use super::crossentropy::crossentropy;
use super::loss::Loss;
use super::smoothing::{check_smoothing, read_smoothing, smoothed};
use crate::accepts::{Accepts, TargetKind};
use crate::error::Result;
use crate::output_scale::OutputScale;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

/// −Σᵢ tᵢ · ln pᵢ for targets that are rows of probabilities, such as one-hot ones. Keras' `CategoricalCrossentropy`.
///
/// Takes probabilities; where they are a softmax, the loss is computed from its logits, which is exact.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct CategoricalCrossentropy {
    from_logits: bool,
    label_smoothing: f32,
}

impl CategoricalCrossentropy {
    /// Of probabilities.
    pub fn new() -> CategoricalCrossentropy {
        CategoricalCrossentropy::default()
    }

    /// Whether predictions are logits, to which softmax is still to be applied.
    pub fn from_logits(mut self, from_logits: bool) -> CategoricalCrossentropy {
        self.from_logits = from_logits;
        self
    }

    /// How much of each target is spread over all classes: t · (1 − smoothing) + smoothing / classes.
    pub fn label_smoothing(mut self, smoothing: f32) -> CategoricalCrossentropy {
        self.label_smoothing = smoothing;
        self
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
        let spec = Spec::new(Self::CLASS).with("from_logits", self.from_logits);
        if self.label_smoothing == 0.0 { spec } else { spec.with("label_smoothing", self.label_smoothing) }
    }
}

impl FromSpec for CategoricalCrossentropy {
    const CLASS: &'static str = "CategoricalCrossentropy";

    fn from_spec(settings: &mut Settings<'_>) -> Result<CategoricalCrossentropy> {
        let from_logits = settings.flag("from_logits")?;
        Ok(CategoricalCrossentropy { from_logits, label_smoothing: read_smoothing(settings)? })
    }
}
