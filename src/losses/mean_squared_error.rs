//! The mean squared error.

use super::{Accepts, FromSpec, Loss, Shape, Spec, Var, values};
use crate::settings::options;

options! {
    /// The mean of (p − t)² over rows and outputs. Keras' `MeanSquaredError`.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct MeanSquaredError("MeanSquaredError");
}

impl MeanSquaredError {
    /// Without settings.
    pub fn new() -> MeanSquaredError {
        MeanSquaredError
    }
}

impl Loss for MeanSquaredError {
    fn accepts(&self, _output: Shape) -> Accepts {
        values()
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        prediction.mean_squared_error(target)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        prediction.mean_squared_error_of(target, Some(weights))
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}
