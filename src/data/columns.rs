//! Datasets whose rows have several inputs or several targets, each with a name.

use super::{Dataset, Target};
use crate::shape::Shape;

/// Several inputs and targets of a dataset's rows, by name, for models that have several: see
/// [`Dataset::columns`]. [`NamedArrays`](super::NamedArrays) has them in memory.
///
/// Each column is gathered by itself, so a row that is made up must be made up alike for all of them.
pub trait Columns: Dataset {
    /// The name and the shape of each input of a row.
    fn input_columns(&self) -> Vec<(String, Shape)>;

    /// The name and the kind of each target of a row. There may be none where nothing is trained or evaluated.
    fn target_columns(&self) -> Vec<(String, Target)>;

    /// Writes the rows `rows` of the input with this number over `values`, as [`Dataset::gather`] does.
    ///
    /// # Panics
    /// Here and below: may panic when there is no such column or row, or the slice has another length.
    fn gather_input(&self, input: usize, rows: &[usize], values: &mut [f32]);

    /// Writes the rows `rows` of the target with this number over `values`.
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
