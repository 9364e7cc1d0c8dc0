//! The mean absolute error of predicted values.

use super::{Metric, sum_of_means};
use crate::error::Result;
use crate::settings::{FromSpec, Settings};
use crate::shape::View;
use crate::spec::Spec;

/// The mean of |p − t| over rows and outputs. Keras' `MeanAbsoluteError`.
#[derive(Clone, Copy, Debug, Default)]
pub struct MeanAbsoluteError;

impl Metric for MeanAbsoluteError {
    fn name(&self) -> &str {
        "mean_absolute_error"
    }

    fn sum(&self, prediction: View<'_>, target: View<'_>) -> f64 {
        sum_of_means(prediction, target, |p, t| (f64::from(p) - f64::from(t)).abs())
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
