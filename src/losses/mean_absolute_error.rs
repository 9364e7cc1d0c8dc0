//! The mean absolute error.

use super::accepted::values;
use super::loss::Loss;
use crate::accepts::Accepts;
use crate::error::Result;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

/// The mean of |p − t| over rows and outputs. Keras' `MeanAbsoluteError`.
#[derive(Clone, Copy, Debug, Default)]
pub struct MeanAbsoluteError;

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

impl FromSpec for MeanAbsoluteError {
    const CLASS: &'static str = "MeanAbsoluteError";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<MeanAbsoluteError> {
        Ok(MeanAbsoluteError)
    }
}
