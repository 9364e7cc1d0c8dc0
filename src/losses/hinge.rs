//! The hinge loss of a margin.

use super::{Accepts, FromSpec, Loss, ONE_HOT, OutputScale, Shape, Spec, TargetKind, Var};
use crate::settings::options;

options! {
    /// The mean of max(1 − t · p, 0), for targets of −1 and 1; where all targets of a batch are 0 or 1, they are taken as
    /// those. Keras' `Hinge`.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Hinge("Hinge");
}

impl Hinge {
    /// Without settings.
    pub fn new() -> Hinge {
        Hinge
    }
}

impl Loss for Hinge {
    fn accepts(&self, _output: Shape) -> Accepts {
        Accepts::new(&[TargetKind::Signs]).remedy(ONE_HOT)
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        prediction.hinge(target)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        prediction.hinge_of(target, Some(weights))
    }

    fn output_scale(&self) -> OutputScale {
        OutputScale::Margins
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}
