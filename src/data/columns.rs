//! Datasets whose rows have several inputs or several targets, each with a name.

use super::open_axes::batch_shape;
use super::{Dataset, Target};
use crate::forward::forward;
use crate::shape::Shape;
use std::sync::Arc;

/// Several inputs and targets of a dataset's rows, by name, for models that have several: see
/// [`Dataset::columns`]. [`NamedArrays`](super::NamedArrays) has them in memory.
///
/// Each column is gathered by itself, so a row that is made up must be made up alike for all of them.
pub trait Columns: Dataset {
    /// The name and the shape of each input of a row; along an [open axis](Columns::input_open_axes) the largest size of any
    /// row.
    fn input_columns(&self) -> Vec<(String, Shape)>;

    /// The axes of this input whose size may differ from row to row, as [`Dataset::open_axes`] says of the first. By default
    /// there are none.
    fn input_open_axes(&self, _input: usize) -> &[usize] {
        &[]
    }

    /// The shape of this input in row `row`: that of [`input_columns`](Columns::input_columns), but for the sizes of open axes.
    ///
    /// # Panics
    /// May panic when there is no such column or row.
    fn input_row_shape(&self, input: usize, _row: usize) -> Shape {
        self.input_columns()[input].1
    }

    /// The shape in which [`gather_input`](Columns::gather_input) writes each of the rows `rows`: along open axes the largest
    /// size among them, at least 1.
    ///
    /// # Panics
    /// May panic when there is no such column or row.
    fn input_batch_shape(&self, input: usize, rows: &[usize]) -> Shape {
        let (largest, open) = (self.input_columns()[input].1, self.input_open_axes(input));
        batch_shape(largest, open, rows, |row| self.input_row_shape(input, row))
    }

    /// The name and the kind of each target of a row. There may be none where nothing is trained or evaluated.
    fn target_columns(&self) -> Vec<(String, Target)>;

    /// Writes the rows `rows` of the input with this number over `values` (as many ×
    /// [`input_batch_shape`](Columns::input_batch_shape)), as [`Dataset::gather`] does.
    ///
    /// # Panics
    /// May panic when there is no such column or row, or the slice has another length.
    fn gather_input(&self, input: usize, rows: &[usize], values: &mut [f32]);

    /// Writes the rows `rows` of the target with this number over `values`.
    ///
    /// # Panics
    /// May panic when there is no such column or row, or the slice has another length.
    fn gather_target(&self, target: usize, rows: &[usize], values: &mut [f32]);

    /// Whether each row has a weight by which its loss at the output of this target is multiplied. Unless a dataset gives
    /// targets weights of their own, that is whether rows have [weights](Dataset::has_sample_weight).
    fn has_target_weight(&self, _target: usize) -> bool {
        self.has_sample_weight()
    }

    /// Writes the weights of the rows `rows` for this target over `weights`. Called in every training step of a dataset that
    /// has them, so it should not allocate.
    fn gather_target_weight(&self, _target: usize, rows: &[usize], weights: &mut [f32]) {
        self.gather_sample_weight(rows, weights);
    }
}

forward!(Columns for [&, Box, Arc] {
    fn input_columns(&self) -> Vec<(String, Shape)>;
    fn input_open_axes(&self, input: usize) -> &[usize];
    fn input_row_shape(&self, input: usize, row: usize) -> Shape;
    fn input_batch_shape(&self, input: usize, rows: &[usize]) -> Shape;
    fn target_columns(&self) -> Vec<(String, Target)>;
    fn gather_input(&self, input: usize, rows: &[usize], values: &mut [f32]);
    fn gather_target(&self, target: usize, rows: &[usize], values: &mut [f32]);
    fn has_target_weight(&self, target: usize) -> bool;
    fn gather_target_weight(&self, target: usize, rows: &[usize], weights: &mut [f32]);
});
