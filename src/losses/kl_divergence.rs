//! The divergence of predicted probabilities from others.

use super::{Accepts, FromSpec, Loss, ONE_HOT, ONE_OUTPUT, Shape, Spec, TargetKind, Var};
use crate::settings::options;

options! {
    /// The mean over rows of Σᵢ tᵢ · ln(tᵢ / pᵢ), with both clipped to 10⁻⁷ … 1 (Kullback and Leibler 1951), for two
    /// outputs or more and targets from 0 to 1, such as one-hot rows. Keras' `KLDivergence`.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct KlDivergence("KLDivergence");
}

impl KlDivergence {
    /// Without settings.
    pub fn new() -> KlDivergence {
        KlDivergence
    }
}

impl Loss for KlDivergence {
    fn accepts(&self, _output: Shape) -> Accepts {
        Accepts::new(&[TargetKind::Probabilities]).at_least(2, ONE_OUTPUT).remedy(ONE_HOT)
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
