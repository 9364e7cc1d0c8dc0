//! The mean absolute error.

use super::{Accepts, FromSpec, Loss, Shape, Spec, Var, values};
use crate::settings::options;

options! {
    /// The mean of |p − t| over rows and outputs. Keras' `MeanAbsoluteError`.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct MeanAbsoluteError("MeanAbsoluteError");
}

impl MeanAbsoluteError {
    /// Without settings.
    pub fn new() -> MeanAbsoluteError {
        MeanAbsoluteError
    }
}

impl Loss for MeanAbsoluteError {
    fn accepts(&self, _output: Shape) -> Accepts {
        values()
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        prediction.mean_absolute_error(target)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        prediction.mean_absolute_error_of(target, Some(weights))
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}
