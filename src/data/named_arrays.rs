//! A dataset in memory with several named inputs and targets.

use super::elements::{InputElements, Inputs, TargetElements, Targets};
use super::padded_rows::PaddedRows;
use super::{Columns, Dataset, Target, sample_weight};
use crate::error::{Error, Result};
use crate::shape::Shape;
use std::collections::BTreeMap;
use std::fmt;

/// A dataset in memory with several inputs and targets, each with the name of an input or output of the model, like
/// dictionaries of arrays in Keras. The input of a `Sequential` is named `input` and its output `output`. A model ignores
/// columns that it does not have, so that a dataset can serve several models.
///
/// ```
/// use gradus::data::{Columns, Dataset, NamedArrays};
/// use ndarray::array;
/// let data = NamedArrays::new()
///     .with_input("position", array![[0.0f32, 1.0], [2.0, 3.0]])?
///     .with_input("height", array![[0.5f32], [0.25]])?
///     .with_target("kind", array![1u8, 0])?;
/// assert_eq!(data.len(), 2);
/// let mut heights = [0.0; 2];
/// data.gather_input(1, &[1, 0], &mut heights);
/// assert_eq!(heights, [0.25, 0.5]);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct NamedArrays {
    pub(super) rows: usize,
    pub(super) inputs: Vec<(String, Shape, InputColumn)>,
    pub(super) targets: Vec<(String, Target, TargetColumn)>,
    /// Sample weights of the rows.
    weights: Option<Vec<f32>>,
    /// Sample weights of single targets, which replace those of the rows.
    target_weights: BTreeMap<usize, Vec<f32>>,
}

/// The rows of an input.
#[derive(Clone)]
pub(super) enum InputColumn {
    Equal(InputElements),
    Sequences(PaddedRows),
}

/// The targets of an output.
#[derive(Clone)]
pub(super) enum TargetColumn {
    Equal(TargetElements),
    Sequences(PaddedRows),
}

impl NamedArrays {
    /// Creates a dataset without columns.
    pub fn new() -> NamedArrays {
        NamedArrays::default()
    }

    /// Adds an input: rows × the shape of a row.
    ///
    /// # Errors
    /// [`Error::Shape`] when the number of rows differs from earlier columns, when another input has the name, or when the
    /// array has no axes, more than six, or an axis of size 0; [`Error::Empty`] without rows.
    pub fn with_input(mut self, name: impl Into<String>, values: impl Into<Inputs>) -> Result<NamedArrays> {
        let (name, values) = (name.into(), values.into());
        let (rows, shape) = values.rows()?;
        let taken = self.inputs.iter().any(|(other, ..)| *other == name);
        self.check("input", &name, rows, taken, shape)?;
        self.inputs.push((name, shape, InputColumn::Equal(values.elements)));
        Ok(NamedArrays { rows, ..self })
    }

    /// Adds a target: integer labels, or rows × floats.
    ///
    /// # Errors
    /// [`Error::Shape`] when the number of rows differs from earlier columns, when another target has the name, or when the
    /// array has no axes, more than six, or an axis of size 0; [`Error::Empty`] without rows.
    pub fn with_target(mut self, name: impl Into<String>, values: impl Into<Targets>) -> Result<NamedArrays> {
        let (name, values) = (name.into(), values.into());
        let (rows, target) = values.rows()?;
        let taken = self.targets.iter().any(|(other, ..)| *other == name);
        self.check("target", &name, rows, taken, target.shape())?;
        self.targets.push((name, target, TargetColumn::Equal(values.elements)));
        Ok(NamedArrays { rows, ..self })
    }

    /// Sets one sample weight per row. In training and evaluation, the losses of a row at all outputs are multiplied by it. Add
    /// a column first.
    ///
    /// # Errors
    /// [`Error::Rows`] if the number of weights is not the number of rows, [`Error::Setting`] if a weight is not finite.
    pub fn with_sample_weight(mut self, weights: impl IntoIterator<Item = f32>) -> Result<NamedArrays> {
        self.weights = Some(sample_weight::checked(weights, self.rows)?);
        Ok(self)
    }

    /// Sets sample weights for the target of this name, which replace those of the rows, like a list or a dictionary of
    /// `sample_weight` in Keras. Targets without any sample weights have weight 1.
    ///
    /// ```
    /// use gradus::data::{Columns, NamedArrays};
    /// use ndarray::array;
    /// let data = NamedArrays::new()
    ///     .with_input("x", array![[0.0f32, 1.0], [2.0, 3.0]])?
    ///     .with_target("kind", array![1u8, 0])?
    ///     .with_target("mood", array![[0.5f32], [0.25]])?
    ///     .with_sample_weight_of("kind", [3.0, 0.5])?;
    /// assert_eq!([0, 1].map(|target| data.has_target_weight(target)), [true, false]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`] for an unknown target, [`Error::Rows`] if the number of weights is not the number of rows,
    /// [`Error::Setting`] if a weight is not finite.
    pub fn with_sample_weight_of(
        mut self,
        target: &str,
        weights: impl IntoIterator<Item = f32>,
    ) -> Result<NamedArrays> {
        let Some(number) = self.targets.iter().position(|(name, ..)| name == target) else {
            let known = self.targets.iter().map(|(name, ..)| name.clone()).collect();
            return Err(Error::Unknown { kind: "target in the dataset", name: target.into(), known });
        };
        self.target_weights.insert(number, sample_weight::checked(weights, self.rows)?);
        Ok(self)
    }

    pub(super) fn check(&self, kind: &str, name: &str, rows: usize, taken: bool, shape: Shape) -> Result<()> {
        let wrong = |expected: String| {
            let found = shape.batch(rows).into_iter().collect();
            Err(Error::Shape { place: format!("{kind} \"{name}\""), found, expected: expected.into() })
        };
        let first = self.inputs.is_empty() && self.targets.is_empty();
        match taken {
            true => wrong(format!("a name that no other {kind} has")),
            false if !first && rows != self.rows => {
                wrong(format!("{} {}, like the other columns", self.rows, if self.rows == 1 { "row" } else { "rows" }))
            }
            false => Ok(()),
        }
    }
}

impl Columns for NamedArrays {
    fn input_columns(&self) -> Vec<(String, Shape)> {
        self.inputs.iter().map(|(name, shape, _)| (name.clone(), *shape)).collect()
    }

    fn target_columns(&self) -> Vec<(String, Target)> {
        self.targets.iter().map(|(name, target, _)| (name.clone(), *target)).collect()
    }

    fn input_open_axes(&self, input: usize) -> &[usize] {
        match &self.inputs[input].2 {
            InputColumn::Equal(_) => &[],
            InputColumn::Sequences(sequences) => sequences.open_axes(),
        }
    }

    fn input_row_shape(&self, input: usize, row: usize) -> Shape {
        match &self.inputs[input] {
            (_, shape, InputColumn::Equal(_)) => *shape,
            (_, _, InputColumn::Sequences(sequences)) => sequences.row_shape(row),
        }
    }

    fn input_batch_shape(&self, input: usize, rows: &[usize]) -> Shape {
        match &self.inputs[input] {
            (_, shape, InputColumn::Equal(_)) => *shape,
            (_, _, InputColumn::Sequences(sequences)) => sequences.batch_shape(rows),
        }
    }

    fn target_batch(&self, target: usize, rows: &[usize]) -> Target {
        match &self.targets[target] {
            (_, target, TargetColumn::Equal(_)) => *target,
            (_, Target::Labels(_), TargetColumn::Sequences(sequences)) => Target::Labels(sequences.batch_shape(rows)),
            (_, Target::Values(_), TargetColumn::Sequences(sequences)) => Target::Values(sequences.batch_shape(rows)),
        }
    }

    fn gather_input(&self, input: usize, rows: &[usize], values: &mut [f32]) {
        match &self.inputs[input] {
            (_, shape, InputColumn::Equal(elements)) => elements.gather(shape.len(), false, rows, values),
            (_, _, InputColumn::Sequences(sequences)) => sequences.gather(rows, values),
        }
    }

    fn gather_target(&self, target: usize, rows: &[usize], values: &mut [f32]) {
        match &self.targets[target] {
            (_, target, TargetColumn::Equal(elements)) => elements.gather(*target, rows, values),
            (_, _, TargetColumn::Sequences(sequences)) => sequences.gather(rows, values),
        }
    }

    fn has_target_weight(&self, target: usize) -> bool {
        self.weights.is_some() || self.target_weights.contains_key(&target)
    }

    fn gather_target_weight(&self, target: usize, rows: &[usize], weights: &mut [f32]) {
        let all = self.target_weights.get(&target).or(self.weights.as_ref());
        sample_weight::gather(all.map(Vec::as_slice), rows, weights);
    }
}

/// The first input and the first target represent the dataset for callers that use a single one of each.
impl Dataset for NamedArrays {
    fn len(&self) -> usize {
        self.rows
    }

    fn input_shape(&self) -> Shape {
        self.inputs.first().map_or(Shape::from([0]), |(_, shape, _)| *shape)
    }

    fn target(&self) -> Target {
        self.targets.first().map_or(Target::Values(Shape::from([0])), |(_, target, _)| *target)
    }

    fn open_axes(&self) -> &[usize] {
        if self.inputs.is_empty() { &[] } else { self.input_open_axes(0) }
    }

    fn row_shape(&self, row: usize) -> Shape {
        if self.inputs.is_empty() { self.input_shape() } else { self.input_row_shape(0, row) }
    }

    fn batch_target(&self, rows: &[usize]) -> Target {
        if self.targets.is_empty() { self.target() } else { self.target_batch(0, rows) }
    }

    fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]) {
        if !self.inputs.is_empty() {
            self.gather_input(0, rows, inputs);
        }
        if !self.targets.is_empty() {
            self.gather_target(0, rows, targets);
        }
    }

    fn gather_targets(&self, rows: &[usize], targets: &mut [f32]) {
        if !self.targets.is_empty() {
            self.gather_target(0, rows, targets);
        }
    }

    fn has_sample_weight(&self) -> bool {
        self.weights.is_some()
    }

    fn gather_sample_weight(&self, rows: &[usize], weights: &mut [f32]) {
        sample_weight::gather(self.weights.as_deref(), rows, weights);
    }

    fn columns(&self) -> Option<&dyn Columns> {
        Some(self)
    }
}

impl fmt::Debug for NamedArrays {
    /// Formats the shapes and types of the rows, without their elements.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (inputs, targets) = (self.input_columns(), self.target_columns());
        f.debug_struct("NamedArrays")
            .field("rows", &self.rows)
            .field("inputs", &inputs)
            .field("targets", &targets)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2, array};

    fn message(data: Result<NamedArrays>) -> String {
        data.unwrap_err().to_string()
    }

    #[test]
    fn inconsistent_columns_are_rejected() {
        let one = || NamedArrays::new().with_input("a", Array2::<f32>::zeros((3, 2))).unwrap();
        let text = "input \"b\": found shape 4 × 2, expected 3 rows, like the other columns";
        assert_eq!(message(one().with_input("b", Array2::<f32>::zeros((4, 2)))), text);
        let text = "input \"a\": found shape 3 × 5, expected a name that no other input has";
        assert_eq!(message(one().with_input("a", Array2::<u8>::zeros((3, 5)))), text);
        let both = one().with_target("a", Array1::<u8>::zeros(3)).unwrap();
        let text = "target \"a\": found shape 3, expected a name that no other target has";
        assert_eq!(message(both.with_target("a", Array1::<u8>::zeros(3))), text);
        assert_eq!(
            message(one().with_target("t", Array1::<u8>::zeros(2))),
            "target \"t\": found shape 2, expected 3 rows, like the other columns"
        );
    }

    #[test]
    fn subsets_have_the_same_columns() {
        let data = NamedArrays::new().with_input("a", array![[1.0f32], [2.0], [3.0]]).unwrap();
        let data =
            data.with_target("x", array![0u8, 1, 2]).unwrap().with_target("y", array![[0.5f32], [1.5], [2.5]]).unwrap();
        let part = crate::data::Rows::range(&data, 1..).unwrap();
        let columns = part.columns().unwrap();
        assert_eq!(columns.target_columns(), data.target_columns());
        let mut values = [0.0; 3];
        columns.gather_target(1, &[1, 0, 1], &mut values);
        assert_eq!(values, [2.5, 1.5, 2.5]);
        columns.gather_input(0, &[0, 1, 0], &mut values);
        assert_eq!(values, [2.0, 3.0, 2.0]);
        assert_eq!(part.row_number(1), 2);
    }

    #[test]
    fn datasets_without_targets_can_be_predicted() {
        let data = NamedArrays::new().with_input("a", array![[1.0f32], [2.0]]).unwrap();
        assert!(data.target().is_empty());
        let mut inputs = [0.0; 2];
        data.gather(&[1, 0], &mut inputs, &mut []);
        assert_eq!(inputs, [2.0, 1.0]);
    }
}
