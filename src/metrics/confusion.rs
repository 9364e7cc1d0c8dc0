//! The confusion matrix, with accuracy, precision, recall and F1.

use super::check::check_batch;
use super::metric::Metric;
use super::{Accuracy, ScoredBatch};
use crate::error::{Error, Result, check_setting};
use ndarray::{Array2, ArrayView2, Axis};
use std::fmt;

/// The confusion matrix: the number of rows by actual class and predicted class.
///
/// Precision, recall and F1 are 0 where their denominator is 0, as in scikit-learn.
///
/// ```
/// use gradus::metrics::ConfusionMatrix;
/// let confusion = ConfusionMatrix::new(&[0, 0, 1, 1, 1], &[0, 1, 1, 1, 0], 2)?;
/// assert_eq!((confusion.count(0, 1), confusion.support(1)), (1, 3));
/// assert_eq!((confusion.accuracy(), confusion.precision(0), confusion.recall(0)), (0.6, 0.5, 0.5));
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ConfusionMatrix {
    counts: Array2<u64>,
}

/// Maximum number of classes, which bounds the memory.
const MAX_CLASSES: usize = 1 << 12;

impl ConfusionMatrix {
    /// Counts rows by their actual and predicted classes.
    ///
    /// # Errors
    /// No rows, lists of different lengths, a class ≥ `classes`, or more than 4,096 classes.
    pub fn new(labels: &[usize], predicted: &[usize], classes: usize) -> Result<ConfusionMatrix> {
        let mut matrix = ConfusionMatrix::empty(classes)?;
        if labels.len() != predicted.len() {
            return Err(Error::Rows { first: ("labels", labels.len()), second: ("predictions", predicted.len()) });
        }
        if labels.is_empty() {
            return Err(Error::Empty { what: "the list of labels".into() });
        }
        for (row, (label, predicted)) in labels.iter().zip(predicted).enumerate() {
            let wrong = [label, predicted].into_iter().find(|class| **class >= classes);
            match wrong {
                Some(class) => return Err(Error::Label { row, label: *class as f64, classes }),
                None => matrix.counts[[*label, *predicted]] += 1,
            }
        }
        Ok(matrix)
    }

    /// Counts the positions of the rows of a batch. Targets are integer labels, one-hot rows, or rows of probabilities whose
    /// first maximum is the class. A single output distinguishes two classes, with targets 0 and 1.
    /// [`Model::confusion_matrix`](crate::Model::confusion_matrix) counts the rows of a dataset.
    ///
    /// ```
    /// use gradus::metrics::{ConfusionMatrix, ScoredBatch};
    /// use gradus::{OutputScale, Shape, View};
    /// let logits = View::new(Shape::from([3, 1]), &[-2.0, 0.25, 3.0]);
    /// let batch = ScoredBatch::values(logits, View::new(Shape::from([3, 1]), &[0.0, 1.0, 0.0]));
    /// let confusion = ConfusionMatrix::of(&batch.scale(OutputScale::SigmoidLogits))?;
    /// assert_eq!((confusion.count(0, 0), confusion.count(0, 1), confusion.count(1, 1)), (1, 1, 1));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// Targets that are not classes, no rows, or more than 4,096 classes.
    pub fn of(batch: &ScoredBatch<'_>) -> Result<ConfusionMatrix> {
        let output = batch.outputs().shape().sample();
        check_batch(Accuracy.accepts(output), "ConfusionMatrix", batch)?;
        let mut matrix = ConfusionMatrix::empty(output.last().max(2))?;
        matrix.add(batch);
        Ok(matrix)
    }

    /// Creates the matrix without rows.
    pub(crate) fn empty(classes: usize) -> Result<ConfusionMatrix> {
        let fits = (1..=MAX_CLASSES).contains(&classes);
        check_setting(fits, "ConfusionMatrix", "classes", classes, "≥ 1 and ≤ 4096")?;
        Ok(ConfusionMatrix { counts: Array2::zeros((classes, classes)) })
    }

    /// Counts the positions of a batch, whose targets were checked.
    pub(crate) fn add(&mut self, batch: &ScoredBatch<'_>) {
        batch.positions().for_each(|position| self.counts[[position.class(), position.predicted()]] += 1);
    }

    /// The counts: rows are the actual classes, columns the predicted ones.
    pub fn counts(&self) -> ArrayView2<'_, u64> {
        self.counts.view()
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.counts.nrows()
    }

    /// The number of rows of class `actual` with prediction `predicted`.
    ///
    /// # Panics
    /// When a class does not exist.
    pub fn count(&self, actual: usize, predicted: usize) -> u64 {
        self.counts[[actual, predicted]]
    }

    /// The number of rows of a class.
    ///
    /// # Panics
    /// When the class does not exist.
    pub fn support(&self, class: usize) -> u64 {
        self.counts.row(class).sum()
    }

    /// The proportion of correctly classified rows.
    pub fn accuracy(&self) -> f64 {
        ratio(self.counts.diag().sum(), self.counts.sum())
    }

    /// The proportion of the rows predicted as a class that belong to it.
    ///
    /// # Panics
    /// When the class does not exist.
    pub fn precision(&self, class: usize) -> f64 {
        ratio(self.count(class, class), self.counts.column(class).sum())
    }

    /// The proportion of the rows of a class that are predicted as it.
    ///
    /// # Panics
    /// When the class does not exist.
    pub fn recall(&self, class: usize) -> f64 {
        ratio(self.count(class, class), self.support(class))
    }

    /// The harmonic mean of precision and recall of a class.
    ///
    /// # Panics
    /// When the class does not exist.
    pub fn f1(&self, class: usize) -> f64 {
        ratio(2 * self.count(class, class), self.support(class) + self.counts.column(class).sum())
    }

    /// The mean of [`precision`](ConfusionMatrix::precision) over the classes.
    pub fn macro_precision(&self) -> f64 {
        self.mean(|class| self.precision(class))
    }

    /// The mean of [`recall`](ConfusionMatrix::recall) over the classes.
    pub fn macro_recall(&self) -> f64 {
        self.mean(|class| self.recall(class))
    }

    /// The mean of [`f1`](ConfusionMatrix::f1) over the classes.
    pub fn macro_f1(&self) -> f64 {
        self.mean(|class| self.f1(class))
    }

    fn mean(&self, of: impl Fn(usize) -> f64) -> f64 {
        let mut sum = 0.0;
        (0..self.classes()).for_each(|class| sum += of(class));
        sum / self.classes() as f64
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl fmt::Display for ConfusionMatrix {
    /// Writes a line for each actual class: its counts by predicted class, then precision, recall and F1.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let largest = self.counts.iter().max().copied().unwrap_or(0).max(self.classes() as u64);
        let width = largest.to_string().len() + 1;
        write!(f, "{:>4}", "")?;
        (0..self.classes()).try_for_each(|class| write!(f, "{class:>width$}"))?;
        write!(f, "  precision  recall     F1")?;
        for (class, row) in self.counts.axis_iter(Axis(0)).enumerate() {
            write!(f, "\n{class:>4}")?;
            row.iter().try_for_each(|count| write!(f, "{count:>width$}"))?;
            let (precision, recall) = (self.precision(class), self.recall(class));
            write!(f, "  {precision:>9.3}  {recall:>6.3}  {:.3}", self.f1(class))?;
        }
        let indent = 4 + width * self.classes();
        let (precision, recall) = (self.macro_precision(), self.macro_recall());
        write!(f, "\n{:<indent$}  {precision:>9.3}  {recall:>6.3}  {:.3}", "mean", self.macro_f1())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_without_rows_or_predictions_count_as_0() {
        // scikit-learn 1.7: precision [1, 0, 0], recall [0.5, 0, 0] with zero_division=0.
        let confusion = ConfusionMatrix::new(&[0, 0, 1], &[0, 1, 0], 3).unwrap();
        let all =
            |of: fn(&ConfusionMatrix, usize) -> f64| (0..3).map(|class| of(&confusion, class)).collect::<Vec<_>>();
        assert_eq!(all(ConfusionMatrix::precision), [0.5, 0.0, 0.0]);
        assert_eq!(all(ConfusionMatrix::recall), [0.5, 0.0, 0.0]);
        assert_eq!(all(ConfusionMatrix::f1), [0.5, 0.0, 0.0]);
        assert_eq!(confusion.macro_f1(), 0.5 / 3.0);
    }

    #[test]
    fn the_table_is_aligned_and_fits_a_terminal() {
        let labels: Vec<usize> = (0..10_000).map(|row| row % 10).collect();
        let predicted: Vec<usize> = (0..10_000).map(|row| if row % 97 == 0 { 3 } else { row % 10 }).collect();
        let table = ConfusionMatrix::new(&labels, &predicted, 10).unwrap().to_string();
        let widths: Vec<usize> = table.lines().map(str::len).collect();
        assert!(widths.iter().all(|width| *width == widths[0] && *width <= 80), "{table}");
        assert!(table.lines().all(|line| line == line.trim_end()));
    }

    #[test]
    fn mistakes_are_errors() {
        let message = |labels: &[usize], predicted: &[usize], classes| {
            ConfusionMatrix::new(labels, predicted, classes).unwrap_err().to_string()
        };
        assert_eq!(message(&[], &[], 2), "the list of labels is empty; it needs at least one row");
        assert!(message(&[1], &[1, 2], 3).starts_with("labels have 1 row and predictions have 2"));
        assert!(message(&[0, 1], &[0, 2], 2).starts_with("row 1: label must be an integer ≥ 0 and < 2"));
        assert_eq!(message(&[0], &[0], 0), "ConfusionMatrix: classes must be ≥ 1 and ≤ 4096, got 0");
        assert!(ConfusionMatrix::new(&[0], &[0], usize::MAX).is_err());
    }
}
