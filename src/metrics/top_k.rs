//! Top-k accuracy: the proportion of rows whose class is among the k largest outputs.

use super::accepted::ONE_OUTPUT;
use super::metric::Metric;
use super::totals::add_right;
use super::{Direction, Position, ScoredBatch};
use crate::accepts::{Accepts, TargetKind};
use crate::error::{Result, check_setting};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;

options! {
    /// The proportion of rows with fewer than k outputs larger than the output of the target class, so that ties count as
    /// correct. `TopKCategoricalAccuracy` in Keras.
    ///
    /// Targets are one-hot rows, rows of probabilities whose first maximum is the class, or integer labels. There are at least
    /// two outputs. An output that is not finite counts as wrong. If k exceeds the number of classes, every finite output is
    /// correct, as in Keras.
    ///
    /// The value is 0 without rows, and if all sample weights are 0.
    ///
    /// ```
    /// use gradus::{Shape, View, metrics::{Metric, TopKCategoricalAccuracy, ScoredBatch}};
    /// let outputs = View::new(Shape::from([2, 3]), &[0.1, 0.7, 0.2, 0.5, 0.3, 0.2]);
    /// let batch = ScoredBatch::labels(outputs, View::new(Shape::from([2]), &[2.0, 2.0]));
    /// assert_eq!(TopKCategoricalAccuracy::new(2).score(&batch)?, 0.5);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug)]
    pub struct TopKCategoricalAccuracy("TopKCategoricalAccuracy") of (k: usize);
}

impl Default for TopKCategoricalAccuracy {
    /// k = 5, as in Keras.
    fn default() -> TopKCategoricalAccuracy {
        TopKCategoricalAccuracy::new(5)
    }
}

impl TopKCategoricalAccuracy {
    /// Creates the metric for the `k` most probable classes, at least 1.
    pub fn new(k: usize) -> TopKCategoricalAccuracy {
        TopKCategoricalAccuracy::with_defaults(k)
    }

    /// Whether the target's class is among the k largest outputs of a position.
    pub(super) fn is_right(&self, position: &Position<'_>) -> bool {
        let Some(own) = position.outputs().get(position.class()) else { return false };
        own.is_finite() && position.outputs().iter().filter(|other| *other > own).count() < self.k
    }
}

impl Metric for TopKCategoricalAccuracy {
    fn name(&self) -> &str {
        "top_k_categorical_accuracy"
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Higher)
    }

    fn accepts(&self, _output: Shape) -> Accepts {
        let kinds = [TargetKind::Labels, TargetKind::Probabilities];
        Accepts::new(&kinds).at_least(2, ONE_OUTPUT)
    }

    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]) {
        add_right(batch, totals, |position| self.is_right(position));
    }

    fn check(&self) -> Result<()> {
        check_setting(self.k > 0, "TopKCategoricalAccuracy", "k", self.k, "at least 1")
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::shape::View;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(TopKCategoricalAccuracy::default()), Box::new(TopKCategoricalAccuracy::new(2))]
    }

    #[test]
    fn ties_are_correct_and_outputs_that_are_not_finite_are_wrong() {
        let outputs = [0.1, 0.2, 0.2, 0.5, 0.3, 0.3, 0.2, 0.2, f32::NAN, 0.0, 0.0, 0.0];
        let outputs = View::new(Shape::from([3, 4]), &outputs);
        let right = |k, batch: ScoredBatch<'_>| 3.0 * TopKCategoricalAccuracy::new(k).score(&batch).unwrap();
        let labels = ScoredBatch::labels(outputs, View::new(Shape::from([3]), &[2.0, 2.0, 0.0]));
        assert_eq!([1, 2, 3, 4].map(|k| right(k, labels)), [0.0, 1.0, 2.0, 2.0]);
        let one_hot = [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0];
        let one_hot = ScoredBatch::values(outputs, View::new(Shape::from([3, 4]), &one_hot));
        assert_eq!(right(3, one_hot), 2.0);
        assert_eq!(
            TopKCategoricalAccuracy::new(0).check().unwrap_err().to_string(),
            "TopKCategoricalAccuracy: k must be at least 1, got 0"
        );
    }
}
