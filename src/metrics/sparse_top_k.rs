//! Top-k accuracy for integer labels.

use super::accepted::ONE_OUTPUT;
use super::metric::Metric;
use super::totals::add_right;
use super::{Direction, ScoredBatch, TopKCategoricalAccuracy};
use crate::accepts::{Accepts, TargetKind};
use crate::error::{Result, check_setting};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;

options! {
    /// The proportion of rows with fewer than k outputs larger than the output of the target class, an integer label, so
    /// that ties count as correct. `SparseTopKCategoricalAccuracy` in Keras.
    ///
    /// One-hot rows are an error, as in Keras; [`TopKCategoricalAccuracy`] accepts both. There are at least two outputs. An
    /// output that is not finite counts as wrong. If k exceeds the number of classes, every finite output is correct, as in
    /// Keras.
    ///
    /// The value is 0 without rows, and if all sample weights are 0.
    ///
    /// ```
    /// use gradus::{Shape, View, metrics::{Metric, SparseTopKCategoricalAccuracy, ScoredBatch}};
    /// let outputs = View::new(Shape::from([2, 3]), &[0.1, 0.7, 0.2, 0.5, 0.3, 0.2]);
    /// let batch = ScoredBatch::labels(outputs, View::new(Shape::from([2]), &[2.0, 2.0]));
    /// assert_eq!(SparseTopKCategoricalAccuracy::new(2).score(&batch)?, 0.5);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug)]
    pub struct SparseTopKCategoricalAccuracy("SparseTopKCategoricalAccuracy") of (k: usize);
}

impl Default for SparseTopKCategoricalAccuracy {
    /// k = 5, as in Keras.
    fn default() -> SparseTopKCategoricalAccuracy {
        SparseTopKCategoricalAccuracy::new(5)
    }
}

impl SparseTopKCategoricalAccuracy {
    /// Creates the metric for the `k` most probable classes, at least 1.
    pub fn new(k: usize) -> SparseTopKCategoricalAccuracy {
        SparseTopKCategoricalAccuracy::with_defaults(k)
    }
}

impl Metric for SparseTopKCategoricalAccuracy {
    fn name(&self) -> &str {
        "sparse_top_k_categorical_accuracy"
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Higher)
    }

    fn accepts(&self, _output: Shape) -> Accepts {
        Accepts::new(&[TargetKind::Labels]).at_least(2, ONE_OUTPUT).remedy("TopKCategoricalAccuracy takes one-hot rows")
    }

    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]) {
        let top = TopKCategoricalAccuracy::new(self.k);
        add_right(batch, totals, |position| top.is_right(position));
    }

    fn check(&self) -> Result<()> {
        check_setting(self.k > 0, Self::CLASS, "k", self.k, "at least 1")
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(SparseTopKCategoricalAccuracy::default()), Box::new(SparseTopKCategoricalAccuracy::new(2))]
    }
}
