//! The mean absolute error of predicted values.

use super::accepted::values;
use super::metric::Metric;
use super::totals::add_errors;
use super::{Direction, ScoredBatch};
use crate::accepts::Accepts;
use crate::error::Result;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;

/// The mean of |p − t| over rows and outputs. `MeanAbsoluteError` in Keras.
///
/// Targets are numbers in the output's shape. Outputs are not transformed, even if they are logits, as in Keras.
///
/// The value is 0 without rows, and if all sample weights are 0.
///
/// ```
/// use gradus::{Shape, View, metrics::{Metric, MeanAbsoluteError, ScoredBatch}};
/// let outputs = View::new(Shape::from([2, 1]), &[1.0, 2.0]);
/// let batch = ScoredBatch::values(outputs, View::new(Shape::from([2, 1]), &[0.5, 3.0]));
/// assert_eq!(MeanAbsoluteError.score(&batch)?, 0.75);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MeanAbsoluteError;

impl Metric for MeanAbsoluteError {
    fn name(&self) -> &str {
        "mean_absolute_error"
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Lower)
    }

    fn accepts(&self, _output: Shape) -> Accepts {
        values()
    }

    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]) {
        add_errors(batch, totals, |p, t| (f64::from(p) - f64::from(t)).abs());
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(MeanAbsoluteError)]
    }
}
