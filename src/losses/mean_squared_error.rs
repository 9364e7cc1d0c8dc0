//! The mean squared error.

use super::{FromSpec, Loss, Result, Settings, Shape, Spec, Var, check_values};

/// The mean of (p − t)² over rows and outputs. Keras' `MeanSquaredError`.
#[derive(Clone, Copy, Debug, Default)]
pub struct MeanSquaredError;

impl MeanSquaredError {
    /// Without settings.
    pub fn new() -> MeanSquaredError {
        MeanSquaredError
    }
}

impl Loss for MeanSquaredError {
    fn check(&self, prediction: Shape, target: Shape) -> Result<()> {
        check_values(prediction, target)
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        prediction.mean_squared_error(target)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        prediction.mean_squared_error_of(target, Some(weights))
    }

    fn classes(&self, _prediction: Shape) -> Option<usize> {
        None
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for MeanSquaredError {
    const CLASS: &'static str = "MeanSquaredError";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<MeanSquaredError> {
        Ok(MeanSquaredError)
    }
}
