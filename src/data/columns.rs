//! Datasets with several named inputs or targets.

use super::open_axes::batch_shape;
use super::{Dataset, Target};
use crate::forward::forward;
use crate::shape::Shape;
use std::sync::Arc;

/// A dataset with several named inputs or targets. [`Dataset::columns`] returns it to models, which find their inputs and
/// targets by name, even if there is only one. The input of a `Sequential` is named `input` and its output `output`.
/// [`NamedArrays`](super::NamedArrays) is such a dataset in memory.
///
/// Columns are gathered separately, so a generated row must have consistent values in all of them.
///
/// ```
/// use gradus::data::{Columns, Dataset, Target};
/// use gradus::{Graph, Shape, layers::{Add, Dense}};
///
/// /// Row `i` has two inputs: `i` and 2 · `i`.
/// struct Multiples;
///
/// impl Columns for Multiples {
///     fn input_columns(&self) -> Vec<(String, Shape)> {
///         vec![("one".into(), Shape::from([1])), ("two".into(), Shape::from([1]))]
///     }
///
///     fn target_columns(&self) -> Vec<(String, Target)> {
///         Vec::new() // for predictions only
///     }
///
///     fn gather_input(&self, input: usize, rows: &[usize], values: &mut [f32]) {
///         rows.iter().zip(values).for_each(|(row, value)| *value = ((input + 1) * row) as f32);
///     }
///
///     fn gather_target(&self, _: usize, _: &[usize], _: &mut [f32]) {}
/// }
///
/// impl Dataset for Multiples {
///     fn len(&self) -> usize {
///         5
///     }
///
///     fn columns(&self) -> Option<&dyn Columns> {
///         Some(self)
///     }
///
///     // The other methods describe the first input and the first target.
///     fn input_shape(&self) -> Shape {
///         Shape::from([1])
///     }
///
///     fn target(&self) -> Target {
///         Target::Values(Shape::from([0]))
///     }
///
///     fn gather(&self, rows: &[usize], inputs: &mut [f32], _: &mut [f32]) {
///         self.gather_input(0, rows, inputs);
///     }
/// }
///
/// let mut graph = Graph::new();
/// let (one, two) = (graph.input("one", [1]), graph.input("two", [1]));
/// let sum = graph.apply(Add, [one, two]);
/// let y = graph.apply(Dense::new(1), sum);
/// graph.output("y", y);
/// let model = graph.architecture(1)?.into_model()?;
/// assert_eq!(model.predict_dataset(&Multiples)?["y"].shape(), [5, 1]);
/// # Ok::<(), gradus::Error>(())
/// ```
pub trait Columns: Dataset {
    /// The name and the shape of each input of a row, with the largest size of any row along an
    /// [open axis](Columns::input_open_axes).
    fn input_columns(&self) -> Vec<(String, Shape)>;

    /// The axes of this input whose size differs between rows, like [`Dataset::open_axes`] for the first input. Defaults to
    /// none.
    fn input_open_axes(&self, _input: usize) -> &[usize] {
        &[]
    }

    /// The shape of this input in row `row`: that of [`input_columns`](Columns::input_columns), except for the sizes of open
    /// axes.
    ///
    /// # Panics
    /// May panic when the column or a row does not exist.
    fn input_row_shape(&self, input: usize, _row: usize) -> Shape {
        self.input_columns()[input].1
    }

    /// The shape in which [`gather_input`](Columns::gather_input) writes each of the rows `rows`, with the largest size among
    /// them, at least 1, along open axes.
    ///
    /// # Panics
    /// May panic when the column or a row does not exist.
    fn input_batch_shape(&self, input: usize, rows: &[usize]) -> Shape {
        // Without the list of columns, which is allocated.
        let any = rows.first().map_or_else(|| self.input_columns()[input].1, |row| self.input_row_shape(input, *row));
        batch_shape(any, self.input_open_axes(input), rows, |row| self.input_row_shape(input, row))
    }

    /// The name and the kind of each target of a row. May be empty for a dataset that is only used for predictions.
    fn target_columns(&self) -> Vec<(String, Target)>;

    /// The type and shape in which [`gather_target`](Columns::gather_target) writes this target of each of the rows `rows`,
    /// like [`Dataset::batch_target`] for the first target. Defaults to that of [`target_columns`](Columns::target_columns).
    ///
    /// # Panics
    /// May panic when the column or a row does not exist.
    fn target_batch(&self, target: usize, _rows: &[usize]) -> Target {
        self.target_columns()[target].1
    }

    /// Writes the rows `rows` of the input with this number to `values` (rows ×
    /// [`input_batch_shape`](Columns::input_batch_shape)), with the padding of [`Dataset::gather`].
    ///
    /// # Panics
    /// May panic when the column or a row does not exist, or the slice has the wrong length.
    fn gather_input(&self, input: usize, rows: &[usize], values: &mut [f32]);

    /// Writes the rows `rows` of the target with this number to `values` (rows × [`target_batch`](Columns::target_batch)).
    ///
    /// # Panics
    /// May panic when the column or a row does not exist, or the slice has the wrong length.
    fn gather_target(&self, target: usize, rows: &[usize], values: &mut [f32]);

    /// Whether rows have sample weights for this target. The loss of a row at its output is multiplied by the weight.
    /// Defaults to [`has_sample_weight`](Dataset::has_sample_weight).
    fn has_target_weight(&self, _target: usize) -> bool {
        self.has_sample_weight()
    }

    /// Writes the sample weights of the rows `rows` for this target to `weights`. Called in every training step of a dataset
    /// with sample weights, so it should not allocate.
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
    fn target_batch(&self, target: usize, rows: &[usize]) -> Target;
    fn gather_input(&self, input: usize, rows: &[usize], values: &mut [f32]);
    fn gather_target(&self, target: usize, rows: &[usize], values: &mut [f32]);
    fn has_target_weight(&self, target: usize) -> bool;
    fn gather_target_weight(&self, target: usize, rows: &[usize], weights: &mut [f32]);
});
