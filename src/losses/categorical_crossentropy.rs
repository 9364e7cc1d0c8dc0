//! Cross-entropy with one-hot targets.

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

/// The mean over rows of −Σᵢ tᵢ · ln pᵢ, for targets that are rows of probabilities, such as one-hot rows.
/// `CategoricalCrossentropy` in Keras.
///
/// Outputs are probabilities by default. After a softmax, the loss is computed from its logits, which is exact.
///
/// ```
/// use gradus::{Compile, Sequential, layers::*, losses::CategoricalCrossentropy, optimizers::Sgd};
/// let network = Sequential::new([4]).add(Dense::new(3).activation(Activation::Softmax));
/// let model = network.compile(Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new()))?;
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct CategoricalCrossentropy {
    from_logits: bool,
    label_smoothing: f32,
}

impl CategoricalCrossentropy {
    /// Creates the loss for outputs that are probabilities.
    pub fn new() -> CategoricalCrossentropy {
        CategoricalCrossentropy::default()
    }

    /// Whether outputs are logits, to which the loss applies softmax. Defaults to false.
    pub fn from_logits(mut self, from_logits: bool) -> CategoricalCrossentropy {
        self.from_logits = from_logits;
        self
    }

    /// Sets the share of each target that is spread over all classes: t · (1 − smoothing) + smoothing / classes. From 0, the
    /// default, to 1.
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
