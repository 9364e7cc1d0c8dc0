//! The mean squared error.

use super::accepted::values;
use super::loss::Loss;
use crate::accepts::Accepts;
use crate::error::Result;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

/// The mean of (p − t)² over rows and outputs. `MeanSquaredError` in Keras.
///
/// ```
/// use gradus::{Compile, Sequential, layers::*, losses::MeanSquaredError, optimizers::Sgd};
/// let network = Sequential::new([4]).add(Dense::new(1));
/// let model = network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()))?;
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MeanSquaredError;

impl MeanSquaredError {
    /// Creates the loss, which has no settings.
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

impl FromSpec for MeanSquaredError {
    const CLASS: &'static str = "MeanSquaredError";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<MeanSquaredError> {
        Ok(MeanSquaredError)
    }
}
