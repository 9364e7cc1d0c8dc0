//! Assignment of a dataset's columns to the inputs and targets of a model, with checks before any work starts.

use super::Model;
use super::column_names::ColumnNames;
use super::plan::{Kind, Plan};
use super::sample_weights::SampleWeights;
use super::targets::TargetColumn;
use crate::architecture::ValueInfo;
use crate::data::{Columns, Dataset, Target};
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::Mode;

/// A dataset that fits a model.
pub(super) struct MatchedDataset<'a> {
    data: &'a dyn Dataset,
    /// The columns, and the column numbers of each input and each target of the model.
    columns: Option<(&'a dyn Columns, Vec<usize>, Vec<usize>)>,
    /// The target of one row for each trained output, as its loss reads it.
    pub(super) targets: Vec<Target>,
    /// The sample weights of each target.
    sample_weights: Vec<SampleWeights<'a>>,
}

impl<'a> MatchedDataset<'a> {
    /// Matches inputs and targets, for training and evaluation.
    pub(super) fn new(model: &Model, data: &'a dyn Dataset) -> Result<MatchedDataset<'a>> {
        let mut matched = MatchedDataset::inputs(model, data)?;
        let outputs = model.architecture.output_names();
        let expected: Vec<&str> =
            model.trained_outputs().iter().map(|trained| outputs[trained.output].as_str()).collect();
        matched.choose_targets(&expected)?;
        for (number, trained) in model.trained_outputs().iter().enumerate() {
            let of =
                if outputs.len() == 1 { "targets".into() } else { format!("target \"{}\"", outputs[trained.output]) };
            matched.targets.push(trained.check_targets(&model.architecture, &of, &matched.column(number))?);
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
        let columns = match data.columns() {
            None => {
                only_one("input", &expected)?;
                check_rows(data, data.input_shape(), data.open_axes(), &inputs[0], "inputs", |row| {
                    data.row_shape(row)
                })?;
                None
            }
            Some(columns) => {
                let found = columns.input_columns();
                let names: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
                let chosen = choose("inputs of the dataset", &expected, &names)?;
                for (input, column) in inputs.iter().zip(&chosen) {
                    let (found, open) = (found[*column].1, columns.input_open_axes(*column));
                    check_rows(data, found, open, input, &format!("input \"{}\"", input.name), |row| {
                        columns.input_row_shape(*column, row)
                    })?;
                }
                Some((columns, chosen, Vec::new()))
            }
        };
        Ok(MatchedDataset { data, columns, targets: Vec::new(), sample_weights: Vec::new() })
    }

    /// Adds class weights, if there are any.
    pub(super) fn by_classes(mut self, model: &Model, classes: &[(usize, f32)]) -> Result<MatchedDataset<'a>> {
        if !classes.is_empty() {
            let column = self.column(0);
            self.sample_weights = vec![SampleWeights::classes(&self.sample_weights, classes, model, &column)?];
        }
        Ok(self)
    }

    /// The kind of plan for a batch of `rows` rows.
    pub(super) fn kind(&self, mode: Mode, rows: usize) -> Kind {
        let weighted = self.sample_weights.iter().map(SampleWeights::differs).collect();
        Kind { mode, rows, targets: self.targets.clone(), weighted }
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
            let mut targets = vec![0.0; rows.len() * self.data.target().len()];
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
            let (mut inputs, mut targets) = (zeros(self.data.batch_shape(rows).len()), zeros(self.data.target().len()));
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
            let mut values = zeros(columns.target_columns()[*column].1.len());
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

/// Checks the shapes of rows against an input. With open axes, every row is checked.
fn check_rows(
    data: &dyn Dataset,
    largest: Shape,
    open: &[usize],
    input: &ValueInfo,
    of: &str,
    shape: impl Fn(usize) -> Shape,
) -> Result<()> {
    if open.is_empty() {
        return check_input(largest, input, || format!("{of} per sample"));
    }
    if let Some(axis) = open.iter().find(|axis| **axis >= largest.rank()) {
        let expected = format!("at least {} axes, because the dataset declares axis {axis} as open", axis + 1);
        return Err(Error::expected(expected).at(|| format!("{of} per sample"), &[largest]));
    }
    let Some(row) = (0..data.len()).find(|row| !input.takes(shape(*row))) else { return Ok(()) };
    let axes = open.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let expected = format!(
        "{}, the model's input; the dataset's rows differ in size along open axes (axis {axes}), but the model's input has \
         a fixed size; pad or truncate every row to it",
        input.shape()
    );
    Err(Error::expected(expected).at(|| format!("{of} of row {}", data.row_number(row)), &[shape(row)]))
}

/// Checks the shape of a sample against an input.
pub(super) fn check_input(found: Shape, input: &ValueInfo, place: impl FnOnce() -> String) -> Result<()> {
    if input.takes(found) {
        return Ok(());
    }
    let (expected, remedy) = (
        input.shape(),
        match found.len() == input.shape().len() {
            true => "reshape the dataset or add a Reshape layer first".into(),
            false => format!("give samples of this shape, or create the network with inputs of shape {found}"),
        },
    );
    let expected = format!("{expected}, the model's input; {remedy}");
    Err(Error::expected(expected).at(place, &[found]))
}
