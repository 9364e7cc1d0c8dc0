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

/// The mean of (p − t)² over rows and outputs. `MeanSquaredError` in Keras.
///
/// Targets are numbers in the output's shape. Outputs are not transformed, even if they are logits, as in Keras.
///
/// The value is 0 without rows, and if all sample weights are 0.
///
/// ```
/// use gradus::{Shape, View, metrics::{Metric, MeanSquaredError, ScoredBatch}};
/// let outputs = View::new(Shape::from([2, 1]), &[1.0, 2.0]);
/// let batch = ScoredBatch::values(outputs, View::new(Shape::from([2, 1]), &[0.5, 3.0]));
/// assert_eq!(MeanSquaredError.score(&batch)?, 0.625);
/// # Ok::<(), gradus::Error>(())
/// ```
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
