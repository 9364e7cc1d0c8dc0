//! F1: the harmonic mean of precision and recall, averaged over classes.

use super::metric::Metric;
use super::totals::ratio;
use super::{Count, Direction, ScoredBatch};
use crate::accepts::{Accepts, TargetKind};
use crate::error::{Result, check_setting};
use crate::output_scale::OutputScale;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;

options! {
    /// The mean over the classes of the harmonic mean of precision and recall: 2 · correct / (predicted + actual) for each
    /// class. `F1Score(average="macro")` in Keras.
    ///
    /// Without a threshold, the predicted class of a row is the index of its largest output; there must be at least two.
    /// With a threshold, all classes whose output is above it are predicted. Targets are zeros and ones in the output's
    /// shape, or integer labels, which are converted to one-hot rows. The threshold is a probability, even for logits.
    ///
    /// A class that is neither predicted nor in the targets counts as 0, as in Keras and scikit-learn. The value is 0 without
    /// rows, and if all sample weights are 0. [`ConfusionMatrix`](super::ConfusionMatrix) has F1 for each class.
    ///
    /// ```
    /// use gradus::{Shape, View, metrics::{Metric, F1Score, ScoredBatch}};
    /// let outputs = View::new(Shape::from([2, 2]), &[0.9, 0.1, 0.4, 0.6]);
    /// let batch = ScoredBatch::labels(outputs, View::new(Shape::from([2]), &[0.0, 1.0]));
    /// assert_eq!(F1Score::new().score(&batch)?, 1.0);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct F1Score("F1Score") {
        /// Sets the probability above which an output counts as predicted, > 0 and ≤ 1. By default the largest output of a
        /// row is predicted.
        some threshold: f32,
    }
}

impl F1Score {
    /// Creates the metric without a threshold: the largest output is the predicted class.
    pub fn new() -> F1Score {
        F1Score::with_defaults()
    }
}

impl Metric for F1Score {
    fn name(&self) -> &str {
        "f1_score"
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Higher)
    }

    fn accepts(&self, _output: Shape) -> Accepts {
        let accepts = Accepts::new(&[TargetKind::Labels, TargetKind::Binary]).threshold(self.threshold);
        match self.threshold {
            Some(_) => accepts,
            None => accepts.at_least(2, "a single output needs F1Score::threshold"),
        }
    }

    /// For each class, the true positives, and the sum of predicted and actual rows.
    fn totals(&self, output: Shape) -> usize {
        2 * output.last()
    }

    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]) {
        let threshold = self.threshold.map(|threshold| batch.threshold(threshold));
        // As in Keras, a probability of 0 predicts no class, even if it is the largest.
        let least = if batch.output_scale() == OutputScale::Plain { 1e-9 } else { -1.0 };
        for position in batch.positions() {
            let row = threshold.map(|threshold| threshold.row(position.outputs()));
            let largest =
                position.outputs().iter().fold(f32::NEG_INFINITY, |most, p| if *p > most { *p } else { most });
            let is_predicted = |p: f32| row.map_or(p >= largest && p.abs() > least, |row| row.is_above(p));
            let pairs = position.outputs().iter().zip(position.target());
            for (total, (output, target)) in totals.as_chunks_mut::<2>().0.iter_mut().zip(pairs) {
                let (predicted, target) = (f64::from(u8::from(is_predicted(*output))), f64::from(target));
                total[0] += predicted * target;
                total[1] += predicted + target;
            }
        }
    }

    fn value(&self, totals: &[f64], _over: Count) -> f64 {
        let scores = totals.as_chunks::<2>().0.iter().map(|[right, all]| ratio(2.0 * right, *all));
        scores.fold(0.0, |sum, score| sum + score) / (totals.len() / 2) as f64
    }

    fn check(&self) -> Result<()> {
        let threshold = self.threshold.unwrap_or(1.0);
        let fits = threshold > 0.0 && threshold <= 1.0;
        check_setting(fits, Self::CLASS, "threshold", f64::from(threshold), "> 0 and ≤ 1")
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(F1Score::new()), Box::new(F1Score::new().threshold(0.25))]
    }
}
