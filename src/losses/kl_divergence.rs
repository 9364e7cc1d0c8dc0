//! The divergence of predicted probabilities from others.

use super::{Accepts, FromSpec, Loss, Result, Settings, Shape, Spec, TargetKind, Var};

/// The mean over rows of Σᵢ tᵢ · ln(tᵢ / pᵢ), with both clipped to 10⁻⁷ … 1 (Kullback and Leibler 1951). Keras' `KLDivergence`.
#[derive(Clone, Copy, Debug, Default)]
pub struct KlDivergence;

impl KlDivergence {
    /// Without settings.
    pub fn new() -> KlDivergence {
        KlDivergence
    }
}

impl Loss for KlDivergence {
    fn accepts(&self, _output: Shape) -> Accepts {
        Accepts::new(&[TargetKind::Probabilities])
            .remedy("to_categorical and Arrays::one_hot make rows of probabilities")
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        prediction.kl_divergence(target)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        prediction.kl_divergence_of(target, Some(weights))
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for KlDivergence {
    const CLASS: &'static str = "KLDivergence";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<KlDivergence> {
        Ok(KlDivergence)
    }
}
