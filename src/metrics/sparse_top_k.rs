//! Top-k accuracy for integer labels.

use super::{Direction, Metric, ONE_OUTPUT, ScoredBatch, TopKCategoricalAccuracy, add_right};
use crate::accepts::{Accepts, TargetKind};
use crate::error::{Result, check_setting};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;

options! {
    /// The proportion of rows with fewer than k outputs larger than that of the target, an integer label, so that ties
    /// count as right. Keras' `SparseTopKCategoricalAccuracy`.
    ///
    /// One-hot rows are refused, as Keras fails on them; [`TopKCategoricalAccuracy`] takes both. There are two outputs or
    /// more. An output that is not finite is wrong. With k above the number of classes every finite output is right, as in
    /// Keras.
    ///
    /// 0 over no rows, and where all weights are 0.
    #[derive(Clone, Copy, Debug)]
    pub struct SparseTopKCategoricalAccuracy("SparseTopKCategoricalAccuracy") of (k: usize);
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
