//! A classifier's predictions together with the true classes.

use super::Bars;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::files::write_whole;
use crate::kernels::double;
use crate::metrics::{ConfusionMatrix, argmax};
use crate::model::Model;
use crate::output_scale::OutputScale;
use ndarray::{Array2, ArrayRef, ArrayView1, Dimension};
use std::path::Path;

/// Predicted probabilities of shape rows × classes, and the true class of each row.
///
/// They can be written as CSV, counted in a confusion matrix, or searched for misclassified rows.
///
/// ```
/// use gradus::report::Predictions;
/// let probabilities = ndarray::arr2(&[[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]);
/// let predictions = Predictions::new(&[0, 0, 1], &probabilities)?;
/// assert_eq!((predictions.predicted(1), predictions.confidence(1)), (1, 0.8));
/// assert_eq!(predictions.mistakes(), [1, 2]); // most confident first
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    labels: Vec<usize>,
    probabilities: Array2<f32>,
    predicted: Vec<usize>,
}

impl Predictions {
    /// Pairs the true class of each row with its predicted probabilities, an array of shape rows × classes as returned by
    /// [`Model::predict`](crate::Model::predict).
    ///
    /// # Errors
    /// Returns an error if `probabilities` does not have two axes, if the number of labels differs from the number of rows,
    /// or if a label is not a class.
    pub fn new<D: Dimension>(labels: &[usize], probabilities: &ArrayRef<f32, D>) -> Result<Predictions> {
        let &[rows, classes] = probabilities.shape() else {
            return Err(Error::expected(format!("two axes, rows × classes, found {:?}", probabilities.shape())));
        };
        if labels.len() != rows {
            return Err(Error::Rows { first: ("labels", labels.len()), second: ("predictions", rows) });
        }
        if let Some((row, label)) = labels.iter().enumerate().find(|(_, label)| **label >= classes) {
            return Err(Error::Label { row, label: *label as f64, classes });
        }
        let values = probabilities.iter().copied().collect();
        let probabilities = Array2::from_shape_vec((rows, classes), values).map_err(Error::other)?;
        let predicted = probabilities.outer_iter().map(|row| argmax(&row.to_vec())).collect();
        Ok(Predictions { labels: labels.into(), probabilities, predicted })
    }

    /// Predicts the rows of a dataset, whose targets are integer labels, one-hot rows, or 0 and 1 for a single output. Logits
    /// are converted to probabilities, and a single output to the probabilities of two classes.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, data::Arrays, layers::Activation, losses::BinaryCrossentropy, optimizers::Sgd};
    /// use gradus::report::Predictions;
    /// let loss = BinaryCrossentropy::new().from_logits(true);
    /// let model = Sequential::new([1]).add(Activation::Linear).compile(Compile::new(Sgd::new(0.1), loss))?;
    /// let data = Arrays::new(ndarray::arr2(&[[-1.0f32], [0.0], [2.0]]), ndarray::arr1(&[0u8, 1, 1]))?;
    /// let predictions = Predictions::of(&model, &data)?;
    /// assert_eq!(predictions.mistakes(), [1]);
    /// assert_eq!(predictions.probabilities(1).to_vec(), [0.5, 0.5]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`Model::confusion_matrix`](crate::Model::confusion_matrix), and errors for an output with several
    /// positions and for margins, which are not probabilities.
    pub fn of(model: &Model, data: &dyn Dataset) -> Result<Predictions> {
        let (output, scale) = (model.output_shapes()[0], model.output_scales()[0]);
        let classes = model.architecture().output(0).last();
        let wrong = |problem: &'static str| Err(Error::Graph { place: "Predictions".into(), problem: problem.into() });
        if output.sizes().iter().rev().skip(1).any(|size| *size != Some(1)) {
            return wrong("the model predicts several classes per row; use Model::confusion_matrix");
        }
        if scale == OutputScale::Margins {
            return wrong("the outputs are margins, not probabilities; use Model::confusion_matrix");
        }
        let (mut labels, mut predicted, mut all) = (Vec::new(), Vec::new(), Vec::new());
        model.classify("Predictions", data, |batch| {
            for position in batch.positions() {
                labels.push(position.class());
                predicted.push(position.predicted());
                push_probabilities(scale, position.outputs(), &mut all);
            }
        })?;
        let shape = (labels.len(), classes.max(2));
        let probabilities = Array2::from_shape_vec(shape, all).map_err(Error::other)?;
        Ok(Predictions { labels, probabilities, predicted })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The true class of a row.
    ///
    /// # Panics
    /// Panics if `row` is out of bounds.
    pub fn label(&self, row: usize) -> usize {
        self.labels[row]
    }

    /// The most probable class of a row, or the first of several that are equally probable.
    ///
    /// # Panics
    /// Panics if `row` is out of bounds.
    pub fn predicted(&self, row: usize) -> usize {
        self.predicted[row]
    }

    /// The probability of the most probable class of a row.
    ///
    /// # Panics
    /// Panics if `row` is out of bounds.
    pub fn confidence(&self, row: usize) -> f32 {
        self.probabilities[[row, self.predicted[row]]]
    }

    /// The probability of each class for a row.
    ///
    /// # Panics
    /// Panics if `row` is out of bounds.
    pub fn probabilities(&self, row: usize) -> ArrayView1<'_, f32> {
        self.probabilities.row(row)
    }

    /// Whether the most probable class of a row is its true class.
    ///
    /// # Panics
    /// Panics if `row` is out of bounds.
    pub fn is_right(&self, row: usize) -> bool {
        self.predicted[row] == self.labels[row]
    }

    /// The index of the first correctly classified row if `right` is `true`, or of the first misclassified row if it is
    /// `false`. `None` if there is none.
    pub fn first(&self, right: bool) -> Option<usize> {
        (0..self.len()).find(|row| self.is_right(*row) == right)
    }

    /// Indices of the misclassified rows, most confident first.
    pub fn mistakes(&self) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..self.len()).filter(|row| !self.is_right(*row)).collect();
        rows.sort_unstable_by(|a, b| self.confidence(*b).total_cmp(&self.confidence(*a)).then(a.cmp(b)));
        rows
    }

    /// The confusion matrix of all rows.
    ///
    /// # Errors
    /// Returns an error if it has no rows.
    pub fn confusion(&self) -> Result<ConfusionMatrix> {
        ConfusionMatrix::new(&self.labels, &self.predicted, self.probabilities.ncols())
    }

    /// A bar chart of the probabilities of a row, with the true class highlighted.
    ///
    /// # Panics
    /// Panics if `row` is out of bounds.
    pub fn bars(&self, row: usize) -> Bars {
        let title = format!("Actual: {} Predicted: {}", self.label(row), self.predicted(row));
        let bars =
            self.probabilities(row).iter().enumerate().fold(Bars::new(title), |bars, (class, probability)| {
                bars.bar(class.to_string(), f64::from(*probability))
            });
        bars.highlight(self.label(row).to_string())
    }

    /// Writes a CSV file atomically, with one line per row: index, true class, predicted class, and the probability of each
    /// class with seven significant digits.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path.as_ref(), self.to_csv().as_bytes())
    }

    fn to_csv(&self) -> String {
        let mut csv = String::from("index,label,predicted");
        csv.extend((0..self.probabilities.ncols()).map(|class| format!(",p{class}")));
        csv.push('\n');
        for row in 0..self.len() {
            csv.push_str(&format!("{row},{},{}", self.label(row), self.predicted(row)));
            csv.extend(self.probabilities(row).iter().map(|p| format!(",{p:.6e}")));
            csv.push('\n');
        }
        csv
    }
}

fn sigmoid(logit: f32) -> f32 {
    (1.0 / (1.0 + double::exp(f64::from(-logit)))) as f32
}

/// Appends the probability of each class.
fn push_probabilities(scale: OutputScale, outputs: &[f32], all: &mut Vec<f32>) {
    match (scale, outputs) {
        (OutputScale::SigmoidLogits, [logit]) => all.extend([sigmoid(-logit), sigmoid(*logit)]),
        (_, [probability]) => all.extend([1.0 - probability, *probability]),
        (OutputScale::SigmoidLogits, logits) => all.extend(logits.iter().map(|logit| sigmoid(*logit))),
        (OutputScale::SoftmaxLogits, logits) => {
            let largest = f64::from(logits[argmax(logits)]);
            let share = |logit: &f32| double::exp(f64::from(*logit) - largest);
            let sum = logits.iter().fold(0.0, |sum, logit| sum + share(logit));
            all.extend(logits.iter().map(|logit| (share(logit) / sum) as f32));
        }
        (_, outputs) => all.extend(outputs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn csv_lines_have_index_label_prediction_and_probabilities() {
        let expected = "index,label,predicted,p0,p1\n0,1,0,7.500000e-1,2.500000e-1\n1,1,1,0.000000e0,1.000000e0\n";
        let predictions = Predictions::new(&[1, 1], &arr2(&[[0.75, 0.25], [0.0, 1.0]])).unwrap();
        assert_eq!(predictions.to_csv(), expected);
        assert_eq!(predictions.confusion().unwrap().accuracy(), 0.5);
    }

    #[test]
    fn each_row_needs_a_label_that_is_a_class() {
        let message = |labels: &[usize]| Predictions::new(labels, &arr2(&[[0.5, 0.5]])).unwrap_err().to_string();
        assert_eq!(message(&[1, 1]), "labels have 2 rows and predictions have 1; they need the same number");
        assert!(message(&[2]).starts_with("row 0: label must be an integer"), "{}", message(&[2]));
        let flat = Predictions::new(&[1], &ndarray::arr1(&[1.0])).unwrap_err().to_string();
        assert_eq!(flat, "expected two axes, rows × classes, found [1]");
    }
}
