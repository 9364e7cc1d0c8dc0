//! Prediction of all rows of a dataset, by one member or by several.

use super::Model;
use super::matched_dataset::MatchedDataset;
use super::members::Members;
use super::plan::Kind;
use super::predict::array;
use super::shards::part;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::exchange::Exchange;
use crate::random::Key;
use crate::shape::Shape;
use crate::sizes;
use ndarray::ArrayD;
use std::collections::BTreeMap;
use std::ops::Range;

impl Model {
    /// Predicts every output, by name, for all rows of a dataset. Targets are not read, and
    /// [`NamedArrays`](crate::data::NamedArrays) may have none. Inputs that the model does not have are ignored. Rows that
    /// differ in size along open axes are not padded; rows of the same size are predicted together.
    ///
    /// # Errors
    /// [`Error::Shape`] if an output has different sizes for some rows, so that they do not form an array; predict rows of
    /// the same size separately. [`Error::Names`] if the dataset has named inputs and one of the model's is missing;
    /// [`Error::Shape`] and [`Error::Graph`] if inputs do not fit the model. [`Error::Empty`] if the dataset is empty.
    /// [`Error::Fault`] for the first row that contains an invalid value, such as an index out of range.
    pub fn predict_dataset(&self, data: &dyn Dataset) -> Result<BTreeMap<String, ArrayD<f32>>> {
        self.predict_rows_of(data, Members::default())
    }

    /// Predicts what [`predict_dataset`](Model::predict_dataset) predicts, together with the other members of an exchange. All
    /// members call it, with equal models and datasets, and return the predictions of all rows. A member reads a part of the
    /// rows.
    ///
    /// # Errors
    /// Those of [`predict_dataset`](Model::predict_dataset), and [`Error::Member`] for an error of another member.
    pub fn predict_dataset_with(
        &self,
        data: &dyn Dataset,
        exchange: &mut dyn Exchange,
    ) -> Result<BTreeMap<String, ArrayD<f32>>> {
        self.predict_rows_of(data, Members::new(Some(exchange)))
    }

    fn predict_rows_of(&self, data: &dyn Dataset, mut members: Members<'_>) -> Result<BTreeMap<String, ArrayD<f32>>> {
        let mut prediction = members.agree(DatasetPrediction::new(self, data))?;
        let batches = prediction.batches.len();
        // If states are carried from batch to batch, each member predicts all batches.
        let all = members.is_alone() || self.params().carried_rows().is_some();
        let own = if all { 0..batches } else { members.own_part(batches) };
        let computed = self.run_rows(prediction.work, data.len(), || prediction.run(self, own));
        members.agree(computed)?;
        if !all {
            prediction.share(&mut members)?;
        }
        let DatasetPrediction { shapes, values, .. } = prediction;
        let names = self.architecture.output_names().into_iter();
        let array = |(shape, values): (Shape, Vec<f32>)| array(shape.batch(data.len())?, values);
        names.zip(shapes.into_iter().zip(values)).map(|(name, output)| Ok((name, array(output)?))).collect()
    }

    /// The largest number of multiply-adds for a row of a dataset.
    pub(super) fn work_for(&self, matched: &MatchedDataset<'_>) -> Result<usize> {
        let mut most = 0;
        for (_, inputs) in matched.variants() {
            most = most.max(self.architecture.value_shapes(inputs)?.work());
        }
        Ok(most)
    }

    /// The shape of one sample of each output, which must be the same for all rows of a dataset.
    fn equal_output_shapes(&self, matched: &MatchedDataset<'_>) -> Result<Vec<Shape>> {
        let mut first: Option<(usize, Vec<Shape>)> = None;
        for (row, inputs) in matched.variants() {
            let shapes = self.architecture.output_shapes_for(inputs)?;
            let (first_row, expected) = first.get_or_insert_with(|| (*row, shapes.clone()));
            if let Some(output) = (0..shapes.len()).find(|output| shapes[*output] != expected[*output]) {
                let place = || format!("output \"{}\" of row {row}", self.architecture.outputs()[output].name());
                let expected = format!(
                    "{}, as of row {first_row}; predict rows of equal size at a time, as in Rows::chosen",
                    expected[output]
                );
                return Err(Error::expected(expected).at(place, &[shapes[output]]));
            }
        }
        Ok(first.map_or(Vec::new(), |(_, shapes)| shapes))
    }
}

/// The predictions of all rows of a dataset.
struct DatasetPrediction<'a> {
    matched: MatchedDataset<'a>,
    batches: Vec<Vec<usize>>,
    /// The largest number of multiply-adds for a row.
    work: usize,
    /// The shape of one sample of each output.
    shapes: Vec<Shape>,
    /// The values of each output.
    values: Vec<Vec<f32>>,
}

impl<'a> DatasetPrediction<'a> {
    fn new(model: &Model, data: &'a dyn Dataset) -> Result<DatasetPrediction<'a>> {
        let matched = MatchedDataset::inputs(model, data)?;
        let (shapes, batches) = (model.equal_output_shapes(&matched)?, model.inference_batches(&matched)?);
        let zeros = |shape: &Shape| {
            let shape = shape.batch(data.len())?;
            sizes::zeros(shape.sizes()).map_err(|error| error.at(|| "predict".into(), &[]))
        };
        let values = shapes.iter().map(zeros).collect::<Result<_>>()?;
        Ok(DatasetPrediction { work: model.work_for(&matched)?, matched, batches, shapes, values })
    }

    /// Predicts some batches.
    fn run(&mut self, model: &Model, batches: Range<usize>) -> Result<()> {
        let mut carried = model.carried_params();
        for rows in &self.batches[batches] {
            let mut plan = model.take_plan(Kind::forward(rows.len(), self.matched.batch_shapes(rows)))?;
            self.matched.fill_inputs(rows, &mut plan);
            let result = plan.run(carried.as_ref().unwrap_or(model.architecture.params()), Key::from_seed(0));
            if let Some(params) = &mut carried {
                plan.commit(params);
            }
            for (output, (values, shape)) in self.values.iter_mut().zip(&self.shapes).enumerate() {
                let length = shape.len();
                for (row, predicted) in rows.iter().zip(plan.output(output).chunks_exact(length.max(1))) {
                    values[row * length..(row + 1) * length].copy_from_slice(predicted);
                }
            }
            model.plans.keep(plan);
            result.map_err(|error| error.in_rows("dataset", |row| rows.get(row).copied()))?;
        }
        Ok(())
    }

    /// The rows that a member predicts.
    fn rows_of(&self, member: usize, members: usize) -> impl Iterator<Item = usize> {
        self.batches[part(member, members, self.batches.len())].iter().flatten().copied()
    }

    /// Sends the predictions of this member to all members, and receives those of the others.
    fn share(&mut self, members: &mut Members<'_>) -> Result<()> {
        let (own, count) = (members.member(), members.count());
        let of_rows = |row: usize| self.shapes.iter().map(move |shape| row * shape.len()..(row + 1) * shape.len());
        let mut sent = Vec::new();
        for row in (0..count).flat_map(|_| self.rows_of(own, count)) {
            self.values.iter().zip(of_rows(row)).for_each(|(values, row)| sent.extend_from_slice(&values[row]));
        }
        let length: usize = self.shapes.iter().map(Shape::len).sum();
        let counts: Vec<usize> = (0..count).map(|member| self.rows_of(member, count).count() * length).collect();
        let mut received = Vec::new();
        members.all_to_all(&sent, &vec![counts[own]; count], &mut received, &counts)?;
        let mut rest = &received[..];
        let rows: Vec<usize> = (0..count).flat_map(|member| self.rows_of(member, count)).collect();
        for row in rows {
            for (values, shape) in self.values.iter_mut().zip(&self.shapes) {
                let (predicted, later) = rest.split_at(shape.len());
                values[row * shape.len()..(row + 1) * shape.len()].copy_from_slice(predicted);
                rest = later;
            }
        }
        Ok(())
    }
}
