//! Accuracy against labels.

use super::{Metric, argmax, mean_of_positions};
use crate::error::Result;
use crate::settings::{FromSpec, Settings};
use crate::shape::View;
use crate::spec::Spec;

/// The share of rows whose largest prediction stands at the target, a label. Keras' `SparseCategoricalAccuracy`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SparseCategoricalAccuracy;

impl Metric for SparseCategoricalAccuracy {
    fn name(&self) -> &str {
        "sparse_categorical_accuracy"
    }

    fn sum(&self, prediction: View<'_>, target: View<'_>) -> f64 {
        let rows = prediction.chunks_exact(prediction.shape().last()).zip(target.data());
        mean_of_positions(rows.filter(|(row, target)| argmax(row) as f32 == **target).count(), prediction)
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for SparseCategoricalAccuracy {
    const CLASS: &'static str = "SparseCategoricalAccuracy";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<SparseCategoricalAccuracy> {
        Ok(SparseCategoricalAccuracy)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(SparseCategoricalAccuracy)]
    }
}
