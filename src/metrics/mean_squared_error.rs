//! The mean squared error of predicted values.

use super::accepted::values;
use super::metric::Metric;
use super::totals::add_errors;
use super::{Direction, ScoredBatch};
use crate::accepts::Accepts;
use crate::error::Result;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;

/// The mean of (p − t)² over rows and outputs. Keras' `MeanSquaredError`.
///
/// Targets are numbers in the output's shape. Outputs are taken as they are, also where they are logits, as in Keras.
///
/// 0 over no rows, and where all weights are 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct MeanSquaredError;

impl Metric for MeanSquaredError {
    fn name(&self) -> &str {
        "mean_squared_error"
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Lower)
    }

    fn accepts(&self, _output: Shape) -> Accepts {
        values()
    }

    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]) {
        add_errors(batch, totals, |p, t| {
            let error = f64::from(p) - f64::from(t);
            error * error
        });
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(MeanSquaredError)]
    }
}
