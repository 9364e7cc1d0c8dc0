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
mod open_axes;
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

pub use crate::target::Target;

use crate::error::Result;
use crate::forward::forward;
use crate::shape::Shape;
use crate::sizes;
use std::sync::Arc;

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
///
/// `&`, `Box` and `Arc` of a dataset are datasets, so that one can be chosen at run time and shared.
pub trait Dataset: Send + Sync {
    /// The number of rows.
    fn len(&self) -> usize;

    /// Whether there is no row.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape of one row's inputs; along an [open axis](Dataset::open_axes) the largest size of any row.
    fn input_shape(&self) -> Shape;

    /// The axes of a row's inputs whose size may differ from row to row, such as the steps of a sequence: numbers of axes of
    /// [`input_shape`](Dataset::input_shape), ascending. By default there are none, and all rows have that shape.
    ///
    /// A dataset with open axes also provides [`row_shape`](Dataset::row_shape). The inputs of models are of a fixed shape, so
    /// `fit`, `evaluate` and `predict` return an error if a row differs from it.
    ///
    /// ```
    /// use gradus::Shape;
    /// use gradus::data::{Dataset, Target};
    ///
    /// /// Sentences of any number of words, each word a number; the target is the number of words.
    /// struct Sentences(Vec<Vec<f32>>);
    ///
    /// impl Dataset for Sentences {
    ///     fn len(&self) -> usize {
    ///         self.0.len()
    ///     }
    ///     fn input_shape(&self) -> Shape {
    ///         Shape::from([self.0.iter().map(Vec::len).max().unwrap_or(0)])
    ///     }
    ///     fn open_axes(&self) -> &[usize] {
    ///         &[0]
    ///     }
    ///     fn row_shape(&self, row: usize) -> Shape {
    ///         Shape::from([self.0[row].len()])
    ///     }
    ///     fn target(&self) -> Target {
    ///         Target::Values(Shape::from([1]))
    ///     }
    ///     fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]) {
    ///         inputs.fill(0.0);
    ///         let longest = self.batch_shape(rows).len();
    ///         for ((&row, input), target) in rows.iter().zip(inputs.chunks_exact_mut(longest)).zip(targets) {
    ///             input[..self.0[row].len()].copy_from_slice(&self.0[row]);
    ///             *target = self.0[row].len() as f32;
    ///         }
    ///     }
    /// }
    ///
    /// let data = Sentences(vec![vec![7.0], vec![1.0, 2.0, 3.0], vec![4.0, 5.0]]);
    /// assert_eq!(data.batch_shape(&[0, 2]), Shape::from([2]));
    /// let (mut inputs, mut targets) = ([0.0; 4], [0.0; 2]);
    /// data.gather(&[0, 2], &mut inputs, &mut targets);
    /// assert_eq!((inputs, targets), ([7.0, 0.0, 4.0, 5.0], [1.0, 2.0]));
    /// ```
    fn open_axes(&self) -> &[usize] {
        &[]
    }

    /// The shape of the inputs of row `row`: [`input_shape`](Dataset::input_shape), but for the sizes of open axes.
    ///
    /// # Panics
    /// May panic when there is no such row.
    fn row_shape(&self, _row: usize) -> Shape {
        self.input_shape()
    }

    /// The shape in which [`gather`](Dataset::gather) writes each of the rows `rows`: along open axes the largest size among
    /// them, at least 1. Allocates nothing.
    ///
    /// # Panics
    /// May panic when there is no such row.
    fn batch_shape(&self, rows: &[usize]) -> Shape {
        open_axes::batch_shape(self.input_shape(), self.open_axes(), rows, |row| self.row_shape(row))
    }

    /// What one row's target is.
    fn target(&self) -> Target;

    /// Writes the rows `rows`, in that order, over `inputs` (as many × [`batch_shape`](Dataset::batch_shape), which is
    /// [`input_shape`](Dataset::input_shape) unless axes are open) and `targets` (as many × [`Target::len`]), row-major. A row
    /// that is shorter than the batch along an open axis is followed by zeros. Called in every training step, so it should not
    /// allocate.
    ///
    /// # Panics
    /// May panic when a row is not below `len`, or a slice has another length.
    fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]);

    /// Writes the targets of the rows `rows`, in that order, over `targets`, as [`gather`](Dataset::gather) does. All
    /// targets are gathered once before training, to be checked. Without it inputs are gathered as well and left unused.
    ///
    /// # Panics
    /// As [`gather`](Dataset::gather).
    fn gather_targets(&self, rows: &[usize], targets: &mut [f32]) {
        self.gather(rows, &mut vec![0.0; rows.len() * self.batch_shape(rows).len()], targets);
    }

    /// The number that error messages give a row: in a part of another dataset, the row's number in the whole.
    fn row_number(&self, row: usize) -> usize {
        row
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

forward!(Dataset for [&, Box, Arc] {
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool;
    fn input_shape(&self) -> Shape;
    fn open_axes(&self) -> &[usize];
    fn row_shape(&self, row: usize) -> Shape;
    fn batch_shape(&self, rows: &[usize]) -> Shape;
    fn target(&self) -> Target;
    fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]);
    fn gather_targets(&self, rows: &[usize], targets: &mut [f32]);
    fn row_number(&self, row: usize) -> usize;
    fn has_sample_weight(&self) -> bool;
    fn gather_sample_weight(&self, rows: &[usize], weights: &mut [f32]);
    fn columns(&self) -> Option<&dyn Columns>;
});

/// As many zeros as `shape` has elements, or an error where memory does not hold them.
fn zeros(place: &str, shape: Shape) -> Result<Vec<f32>> {
    sizes::zeros(shape.sizes()).map_err(|error| error.at(|| place.into(), &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_memory_cannot_hold_is_an_error() {
        let error = zeros("inputs", Shape::from([usize::MAX, 9])).unwrap_err();
        assert!(error.to_string().starts_with("inputs: an array of 18446744073709551615 × 9 has more"), "{error}");
    }
}
