//! Assignment of a dataset's columns to the inputs and targets of a model, with checks before any work starts.

use super::Model;
use super::column_names::ColumnNames;
use super::plan::{Kind, Plan};
use super::sample_weights::SampleWeights;
use super::targets::{SizedTarget, TargetColumn};
use crate::architecture::ValueInfo;
use crate::data::{Batches, Columns, Dataset, Target};
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::Mode;
use std::collections::BTreeMap;

/// A dataset that fits a model.
pub(super) struct MatchedDataset<'a> {
    data: &'a dyn Dataset,
    /// The columns, and the column numbers of each input and each target of the model.
    columns: Option<(&'a dyn Columns, Vec<usize>, Vec<usize>)>,
    inputs: Vec<MatchedInput>,
    /// The first row of each size, with the shapes of the inputs for this row. One entry if all rows have equal size.
    variants: Vec<(usize, Vec<Shape>)>,
    /// The target of one row for each trained output, as the dataset has it.
    targets: Vec<Target>,
    /// The sample weights of each target.
    sample_weights: Vec<SampleWeights<'a>>,
}

/// An input of the model with the shape of its rows.
struct MatchedInput {
    input: ValueInfo,
    /// The shape of the input if all rows have equal size.
    shape: Option<Shape>,
}

impl<'a> MatchedDataset<'a> {
    /// Matches inputs and targets, for training and evaluation.
    pub(super) fn new(model: &Model, data: &'a dyn Dataset) -> Result<MatchedDataset<'a>> {
        let mut matched = MatchedDataset::inputs(model, data)?;
        let outputs = model.architecture.output_names();
        let expected: Vec<&str> =
            model.trained_outputs().iter().map(|trained| outputs[trained.output].as_str()).collect();
        matched.choose_targets(&expected)?;
        for number in 0..expected.len() {
            matched.targets.push(matched.column(number).target());
        }
        for (number, trained) in model.trained_outputs().iter().enumerate() {
            let (of, sizes) = (matched.name_of(model, number), matched.target_sizes(model, number)?);
            trained.check_targets(&model.architecture, &of, &matched.column(number), &sizes)?;
            matched.sample_weights.push(match &matched.columns {
                None => SampleWeights::rows(data),
                Some((columns, _, targets)) => SampleWeights::target(*columns, targets[number]),
            });
        }
        Ok(matched)
    }

    /// Matches inputs only, for prediction.
    pub(super) fn inputs(model: &Model, data: &'a dyn Dataset) -> Result<MatchedDataset<'a>> {
        if data.is_empty() {
            return Err(Error::Empty { what: "the dataset".into() });
        }
        let inputs = model.architecture.inputs();
        let expected: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
        let (columns, shapes) = match data.columns() {
            None => {
                only_one("input", &expected)?;
                let (largest, open) = (data.input_shape(), data.open_axes());
                let shape = check_rows(data, largest, open, &inputs[0], "inputs", |row| data.batch_shape(&[row]))?;
                (None, vec![shape])
            }
            Some(columns) => {
                let found = columns.input_columns();
                let names: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
                let chosen = choose("inputs of the dataset", &expected, &names)?;
                let mut shapes = Vec::new();
                for (input, column) in inputs.iter().zip(&chosen) {
                    let (found, open) = (found[*column].1, columns.input_open_axes(*column));
                    shapes.push(check_rows(data, found, open, input, &format!("input \"{}\"", input.name), |row| {
                        columns.input_batch_shape(*column, &[row])
                    })?);
                }
                (Some((columns, chosen, Vec::new())), shapes)
            }
        };
        let matched = inputs.iter().zip(shapes).map(|(input, shape)| MatchedInput { input: input.clone(), shape });
        let mut matched = MatchedDataset {
            data,
            columns,
            inputs: matched.collect(),
            variants: Vec::new(),
            targets: Vec::new(),
            sample_weights: Vec::new(),
        };
        let rows = matched.rows_by_size();
        matched.variants = rows.into_iter().map(|rows| (rows[0], matched.batch_shapes(&rows[..1]))).collect();
        matched.check_variants(model)?;
        Ok(matched)
    }

    /// Checks that the layers accept each row.
    fn check_variants(&self, model: &Model) -> Result<()> {
        for (row, inputs) in &self.variants {
            model.architecture.value_shapes(inputs).map_err(|error| match error {
                Error::Shape { place, found, expected } if self.has_open_rows() => {
                    let expected = format!("{expected}, in row {} of the dataset", self.data.row_number(*row));
                    Error::Shape { place, found, expected: expected.into() }
                }
                other => other,
            })?;
        }
        Ok(())
    }

    /// The target for a trained output in rows of each size.
    fn target_sizes(&self, model: &Model, number: usize) -> Result<Vec<SizedTarget>> {
        let output = model.trained_outputs()[number].output;
        let sized = |(row, inputs): &(usize, Vec<Shape>)| {
            Ok(SizedTarget {
                row: self.has_open_rows().then(|| self.data.row_number(*row)),
                output: model.architecture.output_shapes_for(inputs)?[output],
                target: self.batch_target(number, &[*row]),
            })
        };
        self.variants.iter().map(sized).collect()
    }

    /// The name of the targets of a trained output in messages.
    fn name_of(&self, model: &Model, number: usize) -> String {
        match &model.architecture.output_names()[..] {
            [_] => "targets".into(),
            outputs => format!("target \"{}\"", outputs[model.trained_outputs()[number].output]),
        }
    }

    /// The first row of each size, with the shapes of the inputs for this row.
    pub(super) fn variants(&self) -> &[(usize, Vec<Shape>)] {
        &self.variants
    }

    /// A row with the most elements of its inputs.
    pub(super) fn largest_row(&self) -> usize {
        let elements =
            |(_, inputs): &&(usize, Vec<Shape>)| inputs.iter().map(Shape::len).fold(0, usize::saturating_add);
        self.variants.iter().max_by_key(elements).map_or(0, |(row, _)| *row)
    }

    /// Whether rows differ in size along open axes.
    pub(super) fn has_open_rows(&self) -> bool {
        self.inputs.iter().any(|input| input.shape.is_none())
    }

    /// The rows with equal sizes of all inputs, in the order of their first rows. Only the first row if all are equal.
    fn rows_by_size(&self) -> Vec<Vec<usize>> {
        if !self.has_open_rows() {
            return vec![vec![0]];
        }
        let (mut places, mut groups) = (BTreeMap::new(), Vec::<Vec<usize>>::new());
        for row in 0..self.data.len() {
            let sizes: Vec<usize> = self.batch_shapes(&[row]).iter().flat_map(|shape| shape.sizes().to_vec()).collect();
            let place = *places.entry(sizes).or_insert(groups.len());
            if place == groups.len() {
                groups.push(Vec::new());
            }
            groups[place].push(row);
        }
        groups
    }

    /// All rows in batches of at most `size` rows of equal shape, so that no row is padded.
    ///
    /// # Errors
    /// There are 2³² rows or more.
    pub(super) fn equal_batches(&self, size: usize) -> Result<Vec<Vec<usize>>> {
        if !self.has_open_rows() {
            return Ok(Batches::new(self.data.len(), size)?.iter().map(<[usize]>::to_vec).collect());
        }
        let groups = self.rows_by_size();
        Ok(groups.iter().flat_map(|rows| rows.chunks(size).map(<[usize]>::to_vec)).collect())
    }

    /// The shape of an input for a batch, with the largest size among the rows along open axes.
    fn batch_shape(&self, input: usize, rows: &[usize]) -> Shape {
        let MatchedInput { input: info, shape } = &self.inputs[input];
        shape.unwrap_or_else(|| {
            let gathered = match &self.columns {
                None => self.data.batch_shape(rows),
                Some((columns, inputs, _)) => columns.input_batch_shape(inputs[input], rows),
            };
            info.bound(gathered).unwrap_or(gathered)
        })
    }

    /// The shapes of the inputs for a batch, with the largest sizes among the rows along open axes.
    pub(super) fn batch_shapes(&self, rows: &[usize]) -> Vec<Shape> {
        (0..self.inputs.len()).map(|input| self.batch_shape(input, rows)).collect()
    }

    /// The number of elements of the inputs of a row.
    pub(super) fn row_length(&self, row: usize) -> usize {
        (0..self.inputs.len()).map(|input| self.batch_shape(input, &[row]).len()).fold(0, usize::saturating_add)
    }

    /// The target of one row of a batch for a trained output, as the dataset has it.
    pub(super) fn batch_target(&self, number: usize, rows: &[usize]) -> Target {
        if self.has_open_rows() { self.column(number).batch_target(rows) } else { self.targets[number] }
    }

    /// Whether a plan was recorded for the sizes of a batch. Does not allocate.
    pub(super) fn fits(&self, plan: &Plan, rows: &[usize]) -> bool {
        let kind = plan.kind();
        let inputs = kind.inputs.iter().enumerate();
        let mut targets = kind.gathered.iter().enumerate();
        kind.rows == rows.len()
            && inputs.into_iter().all(|(input, shape)| self.batch_shape(input, rows) == *shape)
            && targets.all(|(number, target)| self.batch_target(number, rows) == *target)
    }

    /// Adds class weights, if there are any.
    pub(super) fn by_classes(mut self, model: &Model, classes: &[(usize, f32)]) -> Result<MatchedDataset<'a>> {
        if !classes.is_empty() {
            let column = self.column(0);
            self.sample_weights = vec![SampleWeights::classes(&self.sample_weights, classes, model, &column)?];
        }
        Ok(self)
    }

    /// The kind of plan for a batch of rows.
    ///
    /// # Errors
    /// The layers do not accept the sizes of the batch along open axes, or the targets do not fit the outputs of this size.
    pub(super) fn kind(&self, model: &Model, mode: Mode, is_shard: bool, rows: &[usize]) -> Result<Kind> {
        let inputs = self.batch_shapes(rows);
        let outputs = model.architecture.output_shapes_for(&inputs)?;
        let (mut targets, mut gathered) = (Vec::new(), Vec::new());
        for (number, trained) in model.trained_outputs().iter().enumerate() {
            let target = self.batch_target(number, rows);
            targets.push(trained.read_target(&self.name_of(model, number), outputs[trained.output], target)?);
            gathered.push(target);
        }
        let weighted = self.sample_weights.iter().map(SampleWeights::differs).collect();
        Ok(Kind { mode, is_shard, rows: rows.len(), inputs, targets, gathered, weighted })
    }

    pub(super) fn len(&self) -> usize {
        self.data.len()
    }

    /// Selects the targets for the outputs with these names.
    pub(super) fn choose_targets(&mut self, expected: &[&str]) -> Result<()> {
        let Some((columns, _, targets)) = &mut self.columns else { return only_one("target", expected) };
        let found: Vec<String> = columns.target_columns().into_iter().map(|(name, _)| name).collect();
        *targets = choose("targets of the dataset", expected, &found)?;
        Ok(())
    }

    /// The selected targets with this number.
    pub(super) fn column(&self, number: usize) -> TargetColumn<'a> {
        let columns = self.columns.as_ref();
        TargetColumn { data: self.data, column: columns.map(|(columns, _, targets)| (*columns, targets[number])) }
    }

    /// Writes rows to the inputs of a plan without targets.
    pub(super) fn fill_inputs(&self, rows: &[usize], plan: &mut Plan) {
        let Some((columns, inputs, _)) = &self.columns else {
            let mut targets = vec![0.0; rows.len() * self.data.batch_target(rows).len()];
            return self.data.gather(rows, plan.input_mut(0), &mut targets);
        };
        for (input, column) in inputs.iter().enumerate() {
            columns.gather_input(*column, rows, plan.input_mut(input));
        }
    }

    /// The inputs, targets and weights of rows, column by column.
    pub(super) fn values(&self, rows: &[usize]) -> Vec<f32> {
        let weights = self.sample_weights.iter().flat_map(|sample_weights| sample_weights.values(rows));
        self.columns(rows).into_iter().chain(weights).collect()
    }

    fn columns(&self, rows: &[usize]) -> Vec<f32> {
        let zeros = |length: usize| vec![0.0; rows.len() * length];
        let Some((columns, inputs, targets)) = &self.columns else {
            let (mut inputs, mut targets) =
                (zeros(self.data.batch_shape(rows).len()), zeros(self.data.batch_target(rows).len()));
            self.data.gather(rows, &mut inputs, &mut targets);
            return [inputs, targets].concat();
        };
        let mut all = Vec::new();
        for column in inputs {
            let mut values = zeros(columns.input_batch_shape(*column, rows).len());
            columns.gather_input(*column, rows, &mut values);
            all.extend(values);
        }
        for column in targets {
            let mut values = zeros(columns.target_batch(*column, rows).len());
            columns.gather_target(*column, rows, &mut values);
            all.extend(values);
        }
        all
    }

    /// Writes rows to the inputs, targets and weights of a plan.
    pub(super) fn fill(&self, rows: &[usize], plan: &mut Plan) {
        self.fill_columns(rows, plan);
        self.sample_weights
            .iter()
            .enumerate()
            .for_each(|(trained, sample_weights)| sample_weights.fill(trained, rows, plan));
    }

    fn fill_columns(&self, rows: &[usize], plan: &mut Plan) {
        let Some((columns, _, targets)) = &self.columns else {
            let [inputs, targets] = plan.batch_mut();
            return self.data.gather(rows, inputs, targets);
        };
        self.fill_inputs(rows, plan);
        for (trained, column) in targets.iter().enumerate() {
            columns.gather_target(*column, rows, plan.targets_mut(trained));
        }
    }
}

/// Returns the column number of each expected name. Columns with other names are ignored, so that a dataset can serve
/// several models.
fn choose(place: &'static str, expected: &[&str], found: &[String]) -> Result<Vec<usize>> {
    ColumnNames { place, expected, found }.choose()
}

/// Checks that a model for a dataset without column names has one input or target of this kind.
fn only_one(kind: &str, expected: &[&str]) -> Result<()> {
    if let [_] = expected {
        return Ok(());
    }
    let problem = format!(
        "it has one unnamed {kind}, but the model has {}; use NamedArrays, or implement Columns for a custom dataset",
        expected.join(", ")
    );
    Err(Error::Graph { place: "dataset".into(), problem: problem.into() })
}

/// Checks the shapes of rows against an input. If the dataset has open axes, every row is checked. Returns the shape of the
/// input if all rows have equal size.
fn check_rows(
    data: &dyn Dataset,
    largest: Shape,
    open: &[usize],
    input: &ValueInfo,
    of: &str,
    shape: impl Fn(usize) -> Shape,
) -> Result<Option<Shape>> {
    if open.is_empty() {
        return bound_input(largest, input, || format!("{of} per sample")).map(Some);
    }
    if let Some(axis) = open.iter().find(|axis| **axis >= largest.rank()) {
        let expected = format!("at least {} axes, because the dataset declares axis {axis} as open", axis + 1);
        return Err(Error::expected(expected).at(|| format!("{of} per sample"), &[largest]));
    }
    let Some(row) = (0..data.len()).find(|row| !input.takes(shape(*row))) else { return Ok(None) };
    let place = || format!("{of} of row {}", data.row_number(row));
    if open.iter().all(|axis| input.shape().open_axes().any(|own| own == *axis)) {
        return bound_input(shape(row), input, place).map(Some);
    }
    let axes = open.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let expected = format!(
        "{}, the model's input; the dataset's rows differ in size along open axes (axis {axes}), but the model's input has \
         a fixed size; pad or truncate every row to it, or create the network with None as the size of the axis",
        input.shape()
    );
    Err(Error::expected(expected).at(place, &[shape(row)]))
}

/// Returns the shape of an input for a sample of this shape.
pub(super) fn bound_input(found: Shape, input: &ValueInfo, place: impl FnOnce() -> String) -> Result<Shape> {
    if let Some(bound) = input.bound(found) {
        return Ok(bound);
    }
    let expected = input.shape();
    let remedy = match expected.fixed().map(|shape| shape.len()) {
        Some(length) if length == found.len() => "reshape the dataset or add a Reshape layer first".into(),
        Some(_) => format!("give samples of this shape, or create the network with inputs of shape {found}"),
        None => "give samples of this shape, with any size along the axes that are None".to_owned(),
    };
    let expected = format!("{expected}, the model's input; {remedy}");
    Err(Error::expected(expected).at(place, &[found]))
}
