//! Recall: the proportion of the outputs with target 1 that are above a threshold.

use super::metric::Metric;
use super::positive::Positive;
use super::totals::ratio;
use super::{Count, Direction, ScoredBatch};
use crate::accepts::Accepts;
use crate::error::Result;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;

options! {
    /// The proportion of the outputs with target 1 that are above a threshold. `Recall` in Keras.
    ///
    /// Targets are zeros and ones in the output's shape, or integer labels, which are converted to one-hot rows. The
    /// threshold is a probability, even for logits.
    ///
    /// The value is 0 if no target is 1, without rows, and if all sample weights are 0.
    ///
    /// ```
    /// use gradus::{Shape, View, metrics::{Metric, Recall, ScoredBatch}};
    /// let outputs = View::new(Shape::from([3, 1]), &[0.9, 0.6, 0.2]);
    /// let batch = ScoredBatch::values(outputs, View::new(Shape::from([3, 1]), &[1.0, 0.0, 1.0]));
    /// assert_eq!(Recall::new().score(&batch)?, 0.5);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct Recall("Recall") {
        /// Sets the probability above which an output counts as 1, from 0 to 1. Defaults to ½.
        value threshold: f32 = 0.5,
        /// Counts only one class, an index along the output's last axis. `class_id` in Keras. By default all classes are
        /// counted.
        some class: usize,
    }
}

impl Recall {
    /// Creates the metric over all outputs with threshold ½.
    pub fn new() -> Recall {
        Recall::with_defaults()
    }

    fn positive(&self) -> Positive {
        Positive { threshold: self.threshold, class: self.class }
    }
}

impl Metric for Recall {
    fn name(&self) -> &str {
        "recall"
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Higher)
    }

    fn accepts(&self, _output: Shape) -> Accepts {
        self.positive().accepts()
    }

    /// The true positives, and all outputs whose target is 1.
    fn totals(&self, _output: Shape) -> usize {
        2
    }

    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]) {
        self.positive().add(batch, totals, |_yes, real| real);
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
        vec![Box::new(Recall::new()), Box::new(Recall::new().threshold(0.25).class(1))]
    }
}
