//! Accuracy: the proportion of rows whose predicted class is the target's class.

use super::metric::Metric;
use super::totals::add_right;
use super::{Direction, ScoredBatch};
use crate::accepts::{Accepts, TargetKind};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;

options! {
    /// The proportion of rows whose predicted class is the target's class. `"accuracy"` in Keras.
    ///
    /// Targets are integer labels, one-hot rows, or rows of probabilities whose first maximum is the class. A single output
    /// distinguishes two classes, with targets 0 and 1. [`OutputScale::class`](crate::OutputScale::class) defines the predicted
    /// class: for a loss with `from_logits(true)`, a single output > 0 is class 1, while Keras compares logits with ½.
    ///
    /// A position with an output that is NaN is never correct. The value is 0 without rows, and if all sample weights are 0.
    ///
    /// ```
    /// use gradus::{Shape, View, metrics::{Metric, Accuracy, ScoredBatch}};
    /// let outputs = View::new(Shape::from([2, 3]), &[0.1, 0.7, 0.2, 0.5, 0.3, 0.2]);
    /// let batch = ScoredBatch::labels(outputs, View::new(Shape::from([2]), &[1.0, 2.0]));
    /// assert_eq!(Accuracy.score(&batch)?, 0.5);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Accuracy("Accuracy");
}

impl Metric for Accuracy {
    fn name(&self) -> &str {
        "accuracy"
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Higher)
    }

    fn accepts(&self, output: Shape) -> Accepts {
        match output.last() {
            1 => Accepts::new(&[TargetKind::Binary]),
            _ => Accepts::new(&[TargetKind::Labels, TargetKind::Probabilities]),
        }
    }

    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]) {
        add_right(batch, totals, |position| position.is_right());
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::output_scale::OutputScale;
    use crate::shape::View;

    pub(crate) fn samples() -> Vec<Box<dyn Metric>> {
        vec![Box::new(Accuracy)]
    }

    #[test]
    fn labels_and_one_hot_rows_agree() {
        let outputs = View::new(Shape::from([3, 3]), &[0.1, 0.7, 0.2, 0.5, 0.5, 0.0, 0.2, 0.3, 0.5]);
        let labels = ScoredBatch::labels(outputs, View::new(Shape::from([3]), &[1.0, 0.0, 1.0]));
        let one_hot = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        let one_hot = ScoredBatch::values(outputs, View::new(Shape::from([3, 3]), &one_hot));
        assert_eq!([labels, one_hot].map(|batch| Accuracy.score(&batch).unwrap()), [2.0 / 3.0; 2]);
    }

    #[test]
    fn outputs_that_are_nan_are_never_correct() {
        let outputs = View::new(Shape::from([2, 2]), &[f32::NAN, f32::NAN, 0.0, f32::NAN]);
        let batch = ScoredBatch::labels(outputs, View::new(Shape::from([2]), &[0.0, 0.0]));
        assert_eq!(Accuracy.score(&batch).unwrap(), 0.0);
        let outputs = View::new(Shape::from([2, 1]), &[f32::NAN, 0.25]);
        let batch = ScoredBatch::values(outputs, View::new(Shape::from([2, 1]), &[0.0, 0.0]));
        assert_eq!(Accuracy.score(&batch).unwrap(), 0.5);
        assert_eq!(crate::metrics::BinaryAccuracy::default().score(&batch).unwrap(), 0.5);
    }

    #[test]
    fn a_single_output_is_a_class_above_its_boundary() {
        let outputs = View::new(Shape::from([3, 1]), &[0.5, 0.6, 0.4]);
        let batch = ScoredBatch::values(outputs, View::new(Shape::from([3, 1]), &[0.0, 1.0, 1.0]));
        assert_eq!(Accuracy.score(&batch).unwrap(), 2.0 / 3.0);
        assert_eq!(Accuracy.score(&batch.scale(OutputScale::SigmoidLogits)).unwrap(), 2.0 / 3.0);
        let outputs = View::new(Shape::from([2, 1]), &[0.25, -0.25]);
        let batch = ScoredBatch::values(outputs, View::new(Shape::from([2, 1]), &[1.0, 0.0]));
        assert_eq!(Accuracy.score(&batch).unwrap(), 0.5);
        assert_eq!(Accuracy.score(&batch.scale(OutputScale::SigmoidLogits)).unwrap(), 1.0);
    }
}
