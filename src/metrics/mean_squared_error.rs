//! The mean squared error of predicted values.

use super::{Metric, sum_of_means};
use crate::error::Result;
use crate::settings::{FromSpec, Settings};
use crate::shape::View;
use crate::spec::Spec;

/// The mean of (p − t)² over rows and outputs. Keras' `MeanSquaredError`.
#[derive(Clone, Copy, Debug, Default)]
pub struct MeanSquaredError;

impl Metric for MeanSquaredError {
    fn name(&self) -> &str {
        "mean_squared_error"
    }

    fn sum(&self, prediction: View<'_>, target: View<'_>) -> f64 {
        sum_of_means(prediction, target, |p, t| {
            let error = f64::from(p) - f64::from(t);
            error * error
        })
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
