//! Precision: the proportion of the outputs above a threshold whose target is 1.

use super::positive::Positive;
use super::{Count, Direction, Metric, ScoredBatch, ratio};
use crate::accepts::Accepts;
use crate::error::Result;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;

options! {
    /// The proportion of the outputs above a threshold whose target is 1. Keras' `Precision`.
    ///
    /// Targets are zeros and ones in the output's shape, or integer labels, which stand for one-hot rows. The threshold is
    /// a probability, also where the outputs are logits.
    ///
    /// 0 where no output is above the threshold, over no rows, and where all weights are 0.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct Precision("Precision") {
        /// Probability above which an output counts as 1, 0 ≤ threshold ≤ 1. Defaults to ½.
        value threshold: f32 = 0.5,
        /// Index along the output's last axis of the only class that is counted. Keras' `class_id`. By default all are
        /// counted.
        some class: usize,
    }
}

impl Precision {
    /// Over all outputs, with a threshold of ½.
    pub fn new() -> Precision {
        Precision::with_defaults()
    }

    fn positive(&self) -> Positive {
        Positive { threshold: self.threshold, class: self.class }
    }
}

impl Metric for Precision {
    fn name(&self) -> &str {
        "precision"
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Higher)
    }

    fn accepts(&self, _output: Shape) -> Accepts {
        self.positive().accepts()
    }

    /// The right ones, and all outputs above the threshold.
    fn totals(&self, _output: Shape) -> usize {
        2
    }

    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]) {
        self.positive().add(batch, totals, |yes, _real| yes);
    }

    fn value(&self, totals: &[f64], _over: Count) -> f64 {
        ratio(totals[0], totals[1])
    }

    fn check(&self) -> Result<()> {
        self.positive().check(Self::CLASS)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(Precision::new()), Box::new(Precision::new().threshold(0.25).class(1))]
    }
}
