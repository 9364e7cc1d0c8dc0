//! Datasets: rows of inputs with their targets.
//!
//! A [`Dataset`] writes the rows it is asked for straight into the input of a training step. [`Arrays`] keeps them in
//! memory, [`NamedArrays`] where a row has several inputs or targets; [`Rows`] is a part of another dataset; [`Batches`] says which rows a step takes; [`mnist`] reads the digits.

mod arrays;
mod batches;
mod columns;
mod elements;
mod label_binarizer;
mod labels;
mod named_arrays;
mod next_batch;
mod packed;
mod rows;
mod sample_weight;
#[cfg(test)]
mod scratch;
mod split;

pub mod idx;
pub mod mnist;

pub use arrays::Arrays;
pub use batches::Batches;
pub use columns::Columns;
pub use elements::{InputElement, Inputs, TargetElement, Targets};
pub use label_binarizer::LabelBinarizer;
pub use labels::{Label, from_categorical, to_categorical};
pub use named_arrays::NamedArrays;
pub use next_batch::NextBatch;
pub use rows::Rows;
pub use split::{train_validation_split, validation_split, validation_start};

use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::sizes;

/// Rows of inputs with their targets, which a model trains on or is evaluated on.
///
/// Rows are numbered from 0. A row always gathers to the same numbers, or training could not be repeated.
///
/// ```
/// use gradus::data::{Dataset, Target};
/// use gradus::Shape;
///
/// /// Row `i` holds `i` and `i + 1`; its target is their sum.
/// struct Sums;
///
/// impl Dataset for Sums {
///     fn len(&self) -> usize {
///         100
///     }
///     fn input_shape(&self) -> Shape {
///         Shape::from([2])
///     }
///     fn target(&self) -> Target {
///         Target::Values(Shape::from([1]))
///     }
///     fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]) {
///         for ((&row, input), target) in rows.iter().zip(inputs.chunks_exact_mut(2)).zip(targets) {
///             input.copy_from_slice(&[row as f32, row as f32 + 1.0]);
///             *target = input[0] + input[1];
///         }
///     }
/// }
///
/// let (mut inputs, mut targets) = ([0.0; 4], [0.0; 2]);
/// Sums.gather(&[3, 9], &mut inputs, &mut targets);
/// assert_eq!((inputs, targets), ([3.0, 4.0, 9.0, 10.0], [7.0, 19.0]));
/// ```
pub trait Dataset: Send + Sync {
    /// The number of rows.
    fn len(&self) -> usize;

    /// Whether there is no row.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape of one row's inputs.
    fn input_shape(&self) -> Shape;

    /// What one row's target is.
    fn target(&self) -> Target;

    /// Writes the rows `rows`, in that order, over `inputs` (as many × [`input_shape`](Dataset::input_shape)) and
    /// `targets` (as many × [`Target::len`]), row-major. Called in every training step, so it should not allocate.
    ///
    /// # Panics
    /// May panic when a row is not below `len`, or a slice has another length.
    fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]);

    /// Checks the target of one row against a model whose output's last axis has size `classes`. Gathers the row,
    /// unless a dataset knows a quicker way.
    ///
    /// # Errors
    /// [`Error::Label`] for a label that is not one of the classes; [`Error::Shape`] for values whose last axis has
    /// another size.
    ///
    /// # Panics
    /// May panic when `row` is not below `len`.
    fn check_row(&self, row: usize, classes: usize) -> Result<()> {
        let mut inputs = vec![0.0; self.input_shape().len()];
        let mut targets = vec![0.0; self.target().len()];
        self.gather(&[row], &mut inputs, &mut targets);
        self.target().check(row, targets.first().map_or(0.0, |&label| f64::from(label)), classes)
    }

    /// Checks the targets of all rows before training; `classes` is the size of the last axis of the model's output.
    ///
    /// # Errors
    /// That of the first row for which [`check_row`](Dataset::check_row) fails.
    fn check(&self, classes: usize) -> Result<()> {
        (0..self.len()).try_for_each(|row| self.check_row(row, classes))
    }

    /// Whether each row has a weight, by which its loss is multiplied in training and evaluation: Keras' `sample_weight`.
    fn has_sample_weight(&self) -> bool {
        false
    }

    /// Writes the weights of the rows `rows`, in that order, over `weights`. Called in every training step of a dataset
    /// that has them, so it should not allocate.
    ///
    /// # Panics
    /// As [`gather`](Dataset::gather).
    fn gather_sample_weight(&self, _rows: &[usize], weights: &mut [f32]) {
        weights.fill(1.0);
    }

    /// The inputs and targets by name, where a row has several. The methods above then speak of the first of each.
    fn columns(&self) -> Option<&dyn Columns> {
        None
    }
}

impl<D: Dataset + ?Sized> Dataset for &D {
    fn len(&self) -> usize {
        (**self).len()
    }

    fn input_shape(&self) -> Shape {
        (**self).input_shape()
    }

    fn target(&self) -> Target {
        (**self).target()
    }

    fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]) {
        (**self).gather(rows, inputs, targets);
    }

    fn check_row(&self, row: usize, classes: usize) -> Result<()> {
        (**self).check_row(row, classes)
    }

    fn check(&self, classes: usize) -> Result<()> {
        (**self).check(classes)
    }

    fn has_sample_weight(&self) -> bool {
        (**self).has_sample_weight()
    }

    fn gather_sample_weight(&self, rows: &[usize], weights: &mut [f32]) {
        (**self).gather_sample_weight(rows, weights);
    }

    fn columns(&self) -> Option<&dyn Columns> {
        (**self).columns()
    }
}

/// What the target of one row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// One class label a row, written as a whole number. Exact up to 2²⁴ classes.
    Label,
    /// Floats of this shape a row, such as a one-hot row.
    Values(Shape),
}

impl Target {
    /// The number of floats that a row's target takes.
    pub fn len(&self) -> usize {
        match self {
            Target::Label => 1,
            Target::Values(shape) => shape.len(),
        }
    }

    /// The shape of a row's target; that of a label has no axes.
    pub fn shape(&self) -> Shape {
        match self {
            Target::Label => Shape::SCALAR,
            Target::Values(shape) => *shape,
        }
    }

    /// Whether a target takes no floats at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Checks the label of row `row`, or the shape of its values, against `classes` outputs.
    fn check(&self, row: usize, label: f64, classes: usize) -> Result<()> {
        match *self {
            Target::Label if label.fract() == 0.0 && label >= 0.0 && label < classes as f64 => Ok(()),
            Target::Label => Err(Error::Label { row, label, classes }),
            Target::Values(shape) if shape.last() == classes => Ok(()),
            Target::Values(shape) => Err(Error::Shape {
                place: "targets".into(),
                found: vec![shape],
                expected: format!(
                    "a last axis of {classes}, as the model's output has; give the last layer {} outputs or encode the targets anew",
                    shape.last()
                )
                .into(),
            }),
        }
    }
}

/// As many zeros as `shape` has elements, or an error where memory does not hold them.
fn zeros(place: &str, shape: Shape) -> Result<Vec<f32>> {
    sizes::zeros(shape.sizes()).map_err(|error| error.at(|| place.into(), &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Row `i` has the label `i / 2`.
    struct Halves;

    impl Dataset for Halves {
        fn len(&self) -> usize {
            5
        }
        fn input_shape(&self) -> Shape {
            Shape::SCALAR
        }
        fn target(&self) -> Target {
            Target::Label
        }
        fn gather(&self, rows: &[usize], _inputs: &mut [f32], targets: &mut [f32]) {
            rows.iter().zip(targets).for_each(|(&row, target)| *target = row as f32 / 2.0);
        }
    }

    #[test]
    fn labels_of_any_dataset_are_checked() {
        let halves: &dyn Dataset = &Halves;
        let error = halves.check(9).unwrap_err();
        let text = "row 1: label 0.5 is not a whole number in 0 ≤ label < 9, as there are 9 classes";
        assert_eq!(error.to_string(), text);
        assert!(halves.check_row(4, 3).is_ok());
        assert!(halves.check_row(4, 2).is_err());
        assert!(Target::Label.check(0, f64::NAN, 3).is_err());
        assert!(!halves.is_empty());
    }

    #[test]
    fn what_memory_cannot_hold_is_an_error() {
        let error = zeros("inputs", Shape::from([usize::MAX, 9])).unwrap_err();
        assert!(error.to_string().starts_with("inputs: an array of 18446744073709551615 × 9 has more"), "{error}");
    }
}
