//! Top-k accuracy against labels.

use super::{Metric, TopKCategoricalAccuracy};
use crate::error::{Result, check_setting};
use crate::settings::{FromSpec, Settings};
use crate::shape::View;
use crate::spec::Spec;

/// The share of rows whose label is among the `k` most probable classes, ties included. Keras'
/// `SparseTopKCategoricalAccuracy`.
#[derive(Clone, Copy, Debug)]
pub struct SparseTopKCategoricalAccuracy {
    k: usize,
}

impl Default for SparseTopKCategoricalAccuracy {
    /// Of the five most probable classes, as in Keras.
    fn default() -> SparseTopKCategoricalAccuracy {
        SparseTopKCategoricalAccuracy::new(5)
    }
}

impl SparseTopKCategoricalAccuracy {
    /// Of the `k` most probable classes, 1 ≤ k.
    pub fn new(k: usize) -> SparseTopKCategoricalAccuracy {
        SparseTopKCategoricalAccuracy { k }
    }
}

impl Metric for SparseTopKCategoricalAccuracy {
    fn name(&self) -> &str {
        "sparse_top_k_categorical_accuracy"
    }

    fn sum(&self, prediction: View<'_>, target: View<'_>) -> f64 {
        TopKCategoricalAccuracy::new(self.k).sum(prediction, target)
    }

    fn check(&self) -> Result<()> {
        check_setting(self.k > 0, Self::CLASS, "k", self.k as f64, "1 ≤ k")
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("k", self.k)
    }
}

impl FromSpec for SparseTopKCategoricalAccuracy {
    const CLASS: &'static str = "SparseTopKCategoricalAccuracy";

    fn from_spec(settings: &mut Settings<'_>) -> Result<SparseTopKCategoricalAccuracy> {
        Ok(SparseTopKCategoricalAccuracy { k: settings.size("k")? })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(SparseTopKCategoricalAccuracy::default()), Box::new(SparseTopKCategoricalAccuracy::new(2))]
    }
}
