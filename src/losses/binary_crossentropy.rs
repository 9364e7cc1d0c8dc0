//! Cross-entropy of independent probabilities.

use super::loss::Loss;
use super::smoothing::{check_smoothing, read_smoothing, smoothed};
use crate::accepts::{Accepts, TargetKind};
use crate::error::Result;
use crate::output_scale::OutputScale;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

/// The mean of −t · ln p − (1 − t) · ln(1 − p) over rows and outputs, for targets from 0 to 1.
/// `BinaryCrossentropy` in Keras.
///
/// Outputs are probabilities by default. They are clipped to 10⁻⁷ … 1 − 10⁻⁷, also after a sigmoid, as in Keras on JAX and
/// PyTorch. For an exact loss, omit the sigmoid and use [`from_logits`](BinaryCrossentropy::from_logits).
///
/// ```
/// use gradus::{Compile, Sequential, layers::*, losses::BinaryCrossentropy, optimizers::Sgd};
/// let network = Sequential::new([4]).add(Dense::new(1));
/// let model = network.compile(Compile::new(Sgd::new(0.1), BinaryCrossentropy::new().from_logits(true)))?;
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct BinaryCrossentropy {
    from_logits: bool,
    label_smoothing: f32,
}

impl BinaryCrossentropy {
    /// Creates the loss for outputs that are probabilities.
    pub fn new() -> BinaryCrossentropy {
        BinaryCrossentropy::default()
    }

    /// Whether outputs are logits, to which the loss applies sigmoid. Defaults to false.
    pub fn from_logits(mut self, from_logits: bool) -> BinaryCrossentropy {
        self.from_logits = from_logits;
        self
    }

    /// Sets how far each target is moved towards ½: t · (1 − smoothing) + smoothing / 2. From 0, the default, to 1.
    pub fn label_smoothing(mut self, smoothing: f32) -> BinaryCrossentropy {
        self.label_smoothing = smoothing;
        self
    }

    fn record_rows<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Option<Var<'r>>) -> Var<'r> {
        let target = smoothed(target, self.label_smoothing, 2);
        match self.from_logits {
            true => prediction.sigmoid_crossentropy_of(target, weights),
            false => prediction.binary_crossentropy_of(target, weights),
        }
    }
}

impl Loss for BinaryCrossentropy {
    fn accepts(&self, _output: Shape) -> Accepts {
        let remedy = "SparseCategoricalCrossentropy takes integer labels of several classes";
        Accepts::new(&[TargetKind::Probabilities]).remedy(remedy)
    }

    fn output_scale(&self) -> OutputScale {
        if self.from_logits { OutputScale::SigmoidLogits } else { OutputScale::Plain }
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        self.record_rows(prediction, target, None)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        self.record_rows(prediction, target, Some(weights))
    }

    fn check_settings(&self) -> Result<()> {
        check_smoothing(Self::CLASS, self.label_smoothing)
    }

    fn spec(&self) -> Spec {
        let spec = Spec::new(Self::CLASS).with("from_logits", self.from_logits);
        if self.label_smoothing == 0.0 { spec } else { spec.with("label_smoothing", self.label_smoothing) }
    }
}

impl FromSpec for BinaryCrossentropy {
    const CLASS: &'static str = "BinaryCrossentropy";

    fn from_spec(settings: &mut Settings<'_>) -> Result<BinaryCrossentropy> {
        let from_logits = settings.flag("from_logits")?;
        Ok(BinaryCrossentropy { from_logits, label_smoothing: read_smoothing(settings)? })
    }
}
