//! Datasets: rows of inputs with their targets.
//!
//! A [`Dataset`] writes rows directly into the input of a training step. [`Arrays`] is a dataset in memory, [`NamedArrays`]
//! one with several inputs or targets, [`Sequences`] one with rows of different lengths, [`Rows`] a subset of another
//! dataset. [`Batches`] are the rows of training steps. [`mnist`] reads the MNIST digits.

mod arrays;
mod batches;
mod columns;
mod elements;
mod label_binarizer;
mod labels;
mod named_arrays;
mod named_sequences;
mod next_batch;
mod open_axes;
mod packed;
mod padded_rows;
mod rows;
mod sample_weight;
#[cfg(test)]
mod scratch;
mod sequences;
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
pub use padded_rows::PadSide;
pub use rows::Rows;
pub use sequences::Sequences;
pub use split::{train_validation_split, validation_split, validation_start};

pub use crate::target::Target;

use crate::error::Result;
use crate::forward::forward;
use crate::shape::Shape;
use crate::sizes;
use std::sync::Arc;

/// Rows of inputs with their targets, which a model trains on or is evaluated on.
///
/// Rows are numbered from 0. Gathering a row must always give the same numbers, or training would not be reproducible.
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

    /// Whether the dataset is empty.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape of the inputs of a row, with the largest size of any row along an [open axis](Dataset::open_axes).
    fn input_shape(&self) -> Shape;

    /// The axes of the inputs whose size differs between rows, such as the steps of a sequence: indices of axes of
    /// [`input_shape`](Dataset::input_shape), ascending. Defaults to none.
    ///
    /// A dataset with open axes also implements [`row_shape`](Dataset::row_shape), and
    /// [`batch_target`](Dataset::batch_target) if its targets have open axes too. The input of the model has the same open
    /// axes, as in `(None, 4)`; `fit`, `evaluate` and `predict` return an error if a row has a different size along an axis
    /// that is fixed in the model. Training pads each batch to its longest row. Evaluation and prediction do not pad; they
    /// process rows of the same size together.
    ///
    /// ```
    /// use gradus::Shape;
    /// use gradus::data::{Dataset, Target};
    ///
    /// /// Sentences of numbered words. The target is the number of words.
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

    /// The shape of the inputs of row `row`: [`input_shape`](Dataset::input_shape) except for the sizes of open axes.
    ///
    /// # Panics
    /// May panic when a row does not exist.
    fn row_shape(&self, _row: usize) -> Shape {
        self.input_shape()
    }

    /// The shape in which [`gather`](Dataset::gather) writes each of the rows `rows`, with the largest size among them, at
    /// least 1, along open axes. Does not allocate.
    ///
    /// # Panics
    /// May panic when a row does not exist.
    fn batch_shape(&self, rows: &[usize]) -> Shape {
        open_axes::batch_shape(self.input_shape(), self.open_axes(), rows, |row| self.row_shape(row))
    }

    /// The type and shape of the target of a row, with the largest size of any row if targets have open axes.
    fn target(&self) -> Target;

    /// The type and shape in which [`gather`](Dataset::gather) writes the target of each of the rows `rows`. Defaults to
    /// [`target`](Dataset::target). A dataset implements it if the shape of targets depends on the
    /// [batch](Dataset::batch_shape), such as one label for each step of a sequence. The dataset then also chooses the
    /// target of padded steps, such as a label that the loss ignores. It should not allocate.
    ///
    /// # Panics
    /// May panic when a row does not exist.
    fn batch_target(&self, _rows: &[usize]) -> Target {
        self.target()
    }

    /// Writes the rows `rows`, in this order and row-major, to `inputs` (rows × [`batch_shape`](Dataset::batch_shape), which
    /// is [`input_shape`](Dataset::input_shape) unless axes are open) and `targets` (rows ×
    /// [`batch_target`](Dataset::batch_target)). A row that is shorter than the batch along an open axis is padded, with zeros
    /// unless the dataset documents another value. Called in every training step, so it should not allocate.
    ///
    /// # Panics
    /// May panic when a row does not exist, or a slice has the wrong length.
    fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]);

    /// Writes the targets of the rows `rows`, in this order, to `targets` (rows × [`batch_target`](Dataset::batch_target)). All
    /// targets are gathered and checked before training. The default gathers the inputs too and discards them.
    ///
    /// # Panics
    /// May panic when a row does not exist, or the slice has the wrong length.
    fn gather_targets(&self, rows: &[usize], targets: &mut [f32]) {
        self.gather(rows, &mut vec![0.0; rows.len() * self.batch_shape(rows).len()], targets);
    }

    /// The number of a row in error messages: in a part of another dataset, the number in the whole dataset.
    fn row_number(&self, row: usize) -> usize {
        row
    }

    /// Whether rows have sample weights. In training and evaluation, the loss of each row is multiplied by its weight.
    /// `sample_weight` in Keras. Defaults to false.
    fn has_sample_weight(&self) -> bool {
        false
    }

    /// Writes the sample weights of the rows `rows`, in this order, to `weights`. Called in every training step of a dataset
    /// with sample weights, so it should not allocate.
    ///
    /// # Panics
    /// May panic when a row does not exist, or the slice has the wrong length.
    fn gather_sample_weight(&self, _rows: &[usize], weights: &mut [f32]) {
        weights.fill(1.0);
    }

    /// The named inputs and targets, if rows have several. The other methods then describe the first of each.
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
    fn batch_target(&self, rows: &[usize]) -> Target;
    fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]);
    fn gather_targets(&self, rows: &[usize], targets: &mut [f32]);
    fn row_number(&self, row: usize) -> usize;
    fn has_sample_weight(&self) -> bool;
    fn gather_sample_weight(&self, rows: &[usize], weights: &mut [f32]);
    fn columns(&self) -> Option<&dyn Columns>;
});

/// Allocates zeros of this shape.
///
/// # Errors
/// [`Error::TooLarge`](crate::Error::TooLarge) when they do not fit in memory.
fn zeros(place: &str, shape: Shape) -> Result<Vec<f32>> {
    sizes::zeros(shape.sizes()).map_err(|error| error.at(|| place.into(), &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_larger_than_memory_are_errors() {
        let error = zeros("inputs", Shape::from([usize::MAX, 9])).unwrap_err();
        assert!(
            error.to_string().starts_with("inputs: an array of shape 18446744073709551615 × 9 has more"),
            "{error}"
        );
    }
}
