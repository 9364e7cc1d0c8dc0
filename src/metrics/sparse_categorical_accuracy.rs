//! Categorical accuracy for integer labels.

use super::accepted::ONE_OUTPUT;
use super::metric::Metric;
use super::totals::add_right;
use super::{Direction, ScoredBatch};
use crate::accepts::{Accepts, TargetKind};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;

options! {
    /// The proportion of rows whose largest output is at the target, an integer label, for at least two outputs. Of equal
    /// maxima, the first one counts. `SparseCategoricalAccuracy` in Keras.
    ///
    /// One-hot rows are an error, as in Keras. [`CategoricalAccuracy`](super::CategoricalAccuracy) accepts both.
    ///
    /// A position with an output that is NaN is never correct. The value is 0 without rows, and if all sample weights are 0.
    ///
    /// ```
    /// use gradus::{Shape, View, metrics::{Metric, SparseCategoricalAccuracy, ScoredBatch}};
    /// let outputs = View::new(Shape::from([2, 3]), &[0.1, 0.7, 0.2, 0.5, 0.3, 0.2]);
    /// let batch = ScoredBatch::labels(outputs, View::new(Shape::from([2]), &[1.0, 2.0]));
    /// assert_eq!(SparseCategoricalAccuracy.score(&batch)?, 0.5);
    /// # Ok::<(), gradus::Error>(())
    /// ```
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
        add_right(batch, totals, |position| position.is_right());
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
