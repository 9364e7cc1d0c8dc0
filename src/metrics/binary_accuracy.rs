//! Binary accuracy: the proportion of outputs that are on their target's side of a threshold.

use super::metric::Metric;
use super::{Direction, ScoredBatch};
use crate::accepts::{Accepts, TargetKind};
use crate::error::{Result, check_setting};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;

options! {
    /// The proportion of outputs that are on their target's side of a threshold: 1 above it, 0 otherwise. `BinaryAccuracy` in
    /// Keras.
    ///
    /// Targets are zeros and ones in the output's shape, or integer labels, which are converted to one-hot rows. The
    /// threshold is a probability, even for logits.
    ///
    /// The value is 0 without rows, and if all sample weights are 0.
    ///
    /// ```
    /// use gradus::{Shape, View, metrics::{Metric, BinaryAccuracy, ScoredBatch}};
    /// let outputs = View::new(Shape::from([3, 1]), &[0.9, 0.6, 0.2]);
    /// let batch = ScoredBatch::values(outputs, View::new(Shape::from([3, 1]), &[1.0, 0.0, 0.0]));
    /// assert_eq!(BinaryAccuracy::new(0.5).score(&batch)?, 2.0 / 3.0);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug)]
    pub struct BinaryAccuracy("BinaryAccuracy") of (threshold: f32);
}

impl Default for BinaryAccuracy {
    /// Threshold ½, as in Keras.
    fn default() -> BinaryAccuracy {
        BinaryAccuracy::new(0.5)
    }
}

impl BinaryAccuracy {
    /// Creates the metric with a threshold, a probability.
    pub fn new(threshold: f32) -> BinaryAccuracy {
        BinaryAccuracy::with_defaults(threshold)
    }
}

impl Metric for BinaryAccuracy {
    fn name(&self) -> &str {
        "binary_accuracy"
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Higher)
    }

    fn accepts(&self, _output: Shape) -> Accepts {
        Accepts::new(&[TargetKind::Labels, TargetKind::Binary]).threshold(self.threshold)
    }

    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]) {
        let threshold = batch.threshold(self.threshold);
        let right = batch.positions().map(|position| {
            let row = threshold.row(position.outputs());
            let pairs = position.outputs().iter().zip(position.target());
            let right = |output: f32, target: f32| !output.is_nan() && row.is_above(output) == (target == 1.0);
            pairs.filter(|(output, target)| right(**output, *target)).count()
        });
        let right = right.sum::<usize>() as f64;
        totals[0] += right / batch.outputs().shape().sample().len() as f64;
    }

    fn check(&self) -> Result<()> {
        check_setting(!self.threshold.is_nan(), Self::CLASS, "threshold", f64::from(self.threshold), "a number")
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(BinaryAccuracy::default()), Box::new(BinaryAccuracy::new(0.7))]
    }
}
