//! Categorical accuracy for integer labels.

use super::{Direction, Metric, ONE_OUTPUT, ScoredBatch, add_right};
use crate::accepts::{Accepts, TargetKind};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;

options! {
    /// The proportion of rows whose largest output is at the target, an integer label, for two or more outputs. The first
    /// of equal maxima counts. Keras' `SparseCategoricalAccuracy`.
    ///
    /// One-hot rows are refused, as Keras fails on them; [`CategoricalAccuracy`](super::CategoricalAccuracy) takes both.
    ///
    /// 0 over no rows, and where all weights are 0.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct SparseCategoricalAccuracy("SparseCategoricalAccuracy");
}

impl Metric for SparseCategoricalAccuracy {
    fn name(&self) -> &str {
        "sparse_categorical_accuracy"
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Higher)
    }

    fn accepts(&self, _output: Shape) -> Accepts {
        Accepts::new(&[TargetKind::Labels]).at_least(2, ONE_OUTPUT).remedy("CategoricalAccuracy takes one-hot rows")
    }

    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]) {
        add_right(batch, totals, |position| position.predicted() == position.class());
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(SparseCategoricalAccuracy)]
    }
}
