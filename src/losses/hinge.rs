//! The hinge loss of a margin.

use super::{FromSpec, Loss, Result, Settings, Shape, Spec, Var, check_values};

/// The mean of max(1 − t · p, 0), for targets of −1 and 1; where all targets of a batch are 0 or 1, they are taken as those.
/// Keras' `Hinge`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hinge;

impl Hinge {
    /// Without settings.
    pub fn new() -> Hinge {
        Hinge
    }
}

impl Loss for Hinge {
    fn check(&self, prediction: Shape, target: Shape) -> Result<()> {
        check_values(prediction, target)
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        prediction.hinge(target)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        prediction.hinge_of(target, Some(weights))
    }

    /// Labels 0 and 1, where they are labels.
    fn classes(&self, prediction: Shape) -> Option<usize> {
        Some(prediction.last().max(2))
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for Hinge {
    const CLASS: &'static str = "Hinge";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<Hinge> {
        Ok(Hinge)
    }
}
