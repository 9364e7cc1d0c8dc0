//! Accuracy against one-hot rows.

use super::{Metric, argmax, mean_of_positions};
use crate::error::Result;
use crate::settings::{FromSpec, Settings};
use crate::shape::View;
use crate::spec::Spec;

/// The share of rows whose largest prediction stands where the target's largest does. Keras' `CategoricalAccuracy`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CategoricalAccuracy;

impl Metric for CategoricalAccuracy {
    fn name(&self) -> &str {
        "categorical_accuracy"
    }

    fn sum(&self, prediction: View<'_>, target: View<'_>) -> f64 {
        let columns = prediction.shape().last();
        let rows = prediction.chunks_exact(columns).zip(target.chunks_exact(columns));
        mean_of_positions(rows.filter(|(row, target)| argmax(row) == argmax(target)).count(), prediction)
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for CategoricalAccuracy {
    const CLASS: &'static str = "CategoricalAccuracy";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<CategoricalAccuracy> {
        Ok(CategoricalAccuracy)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(CategoricalAccuracy)]
    }
}
