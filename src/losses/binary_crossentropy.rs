//! Cross-entropy of outputs that are probabilities of their own.

use super::{Accepts, FromSpec, Loss, OutputScale, Result, Shape, Spec, TargetKind, Var};
use super::{check_smoothing, smoothed};
use crate::settings::options;

options! {
    /// The mean of −t · ln p − (1 − t) · ln(1 − p) over rows and outputs, for targets between 0 and 1. Keras'
    /// `BinaryCrossentropy`.
    ///
    /// Takes probabilities, and clips them to 10⁻⁷ … 1 − 10⁻⁷, behind a sigmoid as well: as Keras does on JAX and PyTorch.
    /// A last layer without sigmoid and [`from_logits`](BinaryCrossentropy::from_logits) is exact.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct BinaryCrossentropy("BinaryCrossentropy") {
        /// Whether predictions are logits, to which sigmoid is still to be applied. Defaults to `false`: predictions are
        /// probabilities.
        value from_logits: bool = false,
        /// Share by which each target is moved towards ½, 0 ≤ smoothing ≤ 1: t · (1 − smoothing) + smoothing / 2. Defaults
        /// to 0.
        added label_smoothing: f32 = 0.0,
    }
}

impl BinaryCrossentropy {
    /// Of probabilities.
    pub fn new() -> BinaryCrossentropy {
        BinaryCrossentropy::with_defaults()
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
        self.write_options(Spec::new(Self::CLASS))
    }
}
