//! Prediction: what the model says about samples.

use super::Model;
use super::evaluate::ROWS;
use super::matched_dataset::{MatchedDataset, check_input};
use super::plan::Kind;
use crate::architecture::ValueInfo;
use crate::data::{Batches, Dataset};
use crate::error::{Error, Result};
use crate::kernels::parallel;
use crate::random::Key;
use crate::shape::Shape;
use crate::sizes;
use ndarray::{Array1, ArrayD, ArrayRef, ArrayViewD, Axis, Dimension, IxDyn};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Multiply-adds below which a prediction stays on the calling thread: handing it to the pool and waiting for the answer
/// would take longer than another thread could save.
const WORTH_THE_POOL: usize = 2_000_000;

impl Model {
    /// The model's output for samples n × …, in any memory layout. A sample's prediction has the same bits whatever stands
    /// beside it.
    ///
    /// # Errors
    /// Samples that do not fit the model, or none; a model of several inputs or outputs, for which there is
    /// [`predict_outputs`](Model::predict_outputs); [`Error::Fault`] for the first sample that holds a value with which an
    /// operation cannot compute, such as an index out of range.
    pub fn predict<D: Dimension>(&self, samples: &ArrayRef<f32, D>) -> Result<ArrayD<f32>> {
        self.predict_by(samples, ROWS)
    }

    /// Every output for all rows of a dataset, by the outputs' names. The dataset's targets do not matter;
    /// [`NamedArrays`](crate::data::NamedArrays) may do without.
    ///
    /// # Errors
    /// Inputs that do not fit the model, an empty dataset, or a value with which an operation cannot compute
    /// ([`Error::Fault`]).
    pub fn predict_outputs(&self, data: &dyn Dataset) -> Result<BTreeMap<String, ArrayD<f32>>> {
        let matched = MatchedDataset::inputs(self, data)?;
        let shapes = self.architecture.outputs().iter().map(ValueInfo::shape);
        let batches = Batches::new(data.len(), ROWS)?;
        let mut values = Vec::new();
        for shape in shapes.clone() {
            values.push(Vec::with_capacity(room(shape.batch(data.len())?)?));
        }
        self.run_rows(data.len(), || {
            for rows in batches.iter() {
                let mut plan = self.take_plan(Kind::forward(rows.len()))?;
                matched.fill_inputs(rows, &mut plan);
                let result = plan.run(self.architecture.params(), Key::from_seed(0));
                values
                    .iter_mut()
                    .enumerate()
                    .for_each(|(output, values)| values.extend_from_slice(&plan.output(output)));
                self.plans.keep(plan);
                result.map_err(|error| error.in_rows("dataset", |row| rows.get(row).copied()))?;
            }
            Ok::<(), Error>(())
        })?;
        let names = self.architecture.output_names().into_iter();
        let array = |(shape, values): (Shape, Vec<f32>)| array(shape.batch(data.len())?, values);
        names.zip(shapes.zip(values)).map(|(name, output)| Ok((name, array(output)?))).collect()
    }

    /// The class of each sample n × …: that of the largest output. A single output names class 1 where it is above ½, or
    /// above 0 where the loss takes logits or margins. An output with several positions gives the classes of all positions,
    /// sample by sample.
    ///
    /// # Errors
    /// As for [`predict`](Model::predict).
    pub fn predict_classes<D: Dimension>(&self, samples: &ArrayRef<f32, D>) -> Result<Array1<usize>> {
        let predictions = self.predict(samples)?;
        let (columns, scale) = (self.architecture.output(0).last(), self.output_scales()[0]);
        Ok(predictions.as_slice().unwrap_or(&[]).chunks_exact(columns).map(|row| scale.class(row)).collect())
    }

    /// The output for samples, so many at once.
    pub(super) fn predict_by<D: Dimension>(&self, samples: &ArrayRef<f32, D>, rows: usize) -> Result<ArrayD<f32>> {
        let samples = samples.view().into_dyn();
        let ([input], [_]) = (self.architecture.inputs(), self.architecture.outputs()) else {
            let problem = "it takes a model of one input and one output; predict_outputs takes a dataset and gives all";
            return Err(Error::Graph { place: "predict".into(), problem: problem.into() });
        };
        check_samples(&samples, input)?;
        let shape = self.architecture.output(0).batch(samples.len_of(Axis(0)))?;
        let mut output = vec![0.0; room(shape)?];
        self.run_rows(samples.len_of(Axis(0)), || self.predict_all(&samples, rows, &mut output))?;
        array(shape, output)
    }

    /// Runs `work` on so many rows: in the pool, or here where they are few.
    pub(super) fn run_rows<T: Send>(&self, rows: usize, work: impl FnOnce() -> T + Send) -> T {
        let small = self.architecture.work().saturating_mul(rows) < WORTH_THE_POOL;
        if small { parallel::alone(work) } else { self.threads.run(work) }
    }

    /// Batch by batch. Where there are enough, each stays on one thread, with a plan of its own.
    fn predict_all(&self, samples: &ArrayViewD<'_, f32>, rows: usize, output: &mut [f32]) -> Result<()> {
        let (all, columns) = (samples.len_of(Axis(0)), self.architecture.output(0).len());
        let rows = rows.min(all);
        let apart = parallel::enough_for_all(all.div_ceil(rows));
        let nanoseconds = if apart {
            self.architecture.work().saturating_mul(rows) / parallel::MULTIPLY_ADDS_A_NANOSECOND
        } else {
            0
        };
        let failed: Mutex<Option<(usize, Error)>> = Mutex::new(None);
        parallel::for_each_chunk(output, rows * columns, nanoseconds, |batch, output| {
            let first = batch * rows;
            let samples = samples.slice_axis(Axis(0), (first..all.min(first + rows)).into());
            let mut predict = || self.predict_batch(&samples, output);
            let predicted = if apart { parallel::alone(predict) } else { predict() };
            let Err(error) = predicted else { return };
            // The first batch's error, whichever thread comes first.
            let mut kept = failed.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.as_ref().is_none_or(|(earlier, _)| batch < *earlier) {
                *kept = Some((batch, error.in_rows("samples", |row| Some(first + row))));
            }
        });
        failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), |(_, error)| Err(error))
    }

    fn predict_batch(&self, samples: &ArrayViewD<'_, f32>, output: &mut [f32]) -> Result<()> {
        let mut plan = self.take_plan(Kind::forward(samples.len_of(Axis(0))))?;
        let inputs = plan.input_mut(0);
        match samples.as_slice() {
            Some(samples) => inputs.copy_from_slice(samples),
            None => inputs.iter_mut().zip(samples).for_each(|(input, value)| *input = *value),
        }
        let result = plan.run(self.architecture.params(), Key::from_seed(0));
        output.copy_from_slice(&plan.output(0));
        self.plans.keep(plan);
        result
    }
}

/// The elements of the predictions, where memory holds them.
fn room(predictions: Shape) -> Result<usize> {
    sizes::check_room::<f32>(predictions.sizes()).map_err(|error| error.at(|| "predict".into(), &[]))
}

fn array(shape: Shape, values: Vec<f32>) -> Result<ArrayD<f32>> {
    ArrayD::from_shape_vec(IxDyn(shape.sizes()), values).map_err(Error::other)
}

fn check_samples(samples: &ArrayViewD<'_, f32>, input: &ValueInfo) -> Result<()> {
    let shape = Shape::new(samples.shape()).map_err(|error| error.at(|| "predict".into(), &[]))?;
    if shape.is_empty() {
        return Err(Error::Empty { what: "the array of samples".into() });
    }
    check_input(shape.sample(), input, || "inputs per sample".into()).map_err(|error| {
        let input = input.shape();
        if shape != input && shape.rank() >= input.rank() && shape.rank() > 0 {
            return error;
        }
        let expected = format!("a batch axis and {input} per sample; insert_axis adds one");
        Error::expected(expected).at(|| "predict".into(), &[shape])
    })
}
