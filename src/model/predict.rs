//! Prediction.

use super::Model;
use super::evaluate::ROWS;
use super::matched_dataset::bound_input;
use super::plan::Kind;
use super::predict_inputs::{ArrayRows, PredictInputs};
use crate::architecture::ValueInfo;
use crate::error::{Error, Result};
use crate::kernels::parallel;
use crate::random::Key;
use crate::shape::Shape;
use crate::sizes;
use crate::tape::Params;
use ndarray::{Array1, ArrayD, ArrayRef, ArrayViewD, Axis, Dimension, IxDyn};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Number of multiply-adds below which a prediction runs on the calling thread, because waking the pool would take
/// longer than it saves.
const MIN_POOL_WORK: usize = 2_000_000;

impl Model {
    /// Predicts the output for samples of shape n × …, in any memory layout and of any size along open axes. No bit of the
    /// prediction of a sample depends on the other samples.
    ///
    /// # Errors
    /// The array is empty, samples do not fit the model, a layer does not accept their size along open axes, or the model
    /// has several inputs or outputs; use [`predict_outputs`](Model::predict_outputs) for such a model. [`Error::Fault`] for
    /// the first sample that contains an invalid value, such as an index out of range.
    pub fn predict<D: Dimension>(&self, samples: &ArrayRef<f32, D>) -> Result<ArrayD<f32>> {
        self.predict_by(samples, ROWS)
    }

    /// Predicts every output, by name. No bit of the prediction of a row depends on the other rows. `inputs`
    /// converts to [`PredictInputs`]:
    ///
    /// | inputs of the model | argument |
    /// |---|---|
    /// | one | `&x` |
    /// | several, with the same number of axes | `[("left", &left), ("right", &right)]` |
    /// | several, with any numbers of axes | `PredictInputs::new().with("image", &image).with("height", &height)` |
    /// | several, as dynamic views | `[(name, view.into_dyn()), …]`, or a `Vec` of such pairs |
    ///
    /// ```
    /// use gradus::{Graph, PredictInputs, layers::*};
    /// use ndarray::{arr2, arr3};
    /// let mut graph = Graph::new();
    /// let (image, height) = (graph.input("image", [2, 2]), graph.input("height", [1]));
    /// let flat = graph.apply(Flatten, image);
    /// let both = graph.apply(Concatenate::new(), [flat, height]);
    /// let kind = graph.apply(Dense::new(3).activation(Activation::Softmax), both);
    /// graph.output("kind", kind);
    /// graph.output("features", both);
    /// let model = graph.architecture(1)?.into_model()?;
    /// let (images, heights) = (arr3(&[[[0.0f32, 0.25], [0.5, 1.0]]]), arr2(&[[1.75f32]]));
    /// let inputs = PredictInputs::new().with("image", &images).with("height", &heights);
    /// let outputs = model.predict_outputs(inputs)?;
    /// assert_eq!(outputs["features"], arr2(&[[0.0, 0.25, 0.5, 1.0, 1.75]]).into_dyn());
    /// assert_eq!(outputs["kind"].shape(), [1, 3]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Names`] with all names that are missing, that the model does not have, or that are given twice.
    /// [`Error::Graph`] for an array without a name if the model has several inputs. [`Error::Shape`] if samples do not
    /// fit an input or numbers of rows differ. [`Error::Empty`] if there are no rows. [`Error::Fault`] for the first row
    /// that contains an invalid value, such as an index out of range.
    pub fn predict_outputs<'a>(&self, inputs: impl Into<PredictInputs<'a>>) -> Result<BTreeMap<String, ArrayD<f32>>> {
        let names: Vec<&str> = self.architecture.inputs().iter().map(ValueInfo::name).collect();
        self.predict_dataset(&ArrayRows::new(inputs.into(), &names)?)
    }

    /// Predicts the class of each sample of shape n × …: the index of the largest output. A single output predicts
    /// class 1 if it is above ½, or above 0 if the loss takes logits or margins. If the output has several positions,
    /// the classes of all positions are returned, sample by sample.
    ///
    /// If all outputs of a position are NaN, its class is 0. With masks, this is the result of a
    /// [`GlobalAveragePool1d`](crate::layers::GlobalAveragePool1d) for a row of padding only;
    /// [`predict`](Model::predict) shows the NaN.
    ///
    /// # Errors
    /// The array is empty, samples do not fit the model, or the model has several inputs or outputs. [`Error::Fault`]
    /// for the first sample that contains an invalid value, such as an index out of range.
    pub fn predict_classes<D: Dimension>(&self, samples: &ArrayRef<f32, D>) -> Result<Array1<usize>> {
        let predictions = self.predict(samples)?;
        let scale = self.output_scales()[0];
        let columns = predictions.shape().get(1..).and_then(<[usize]>::last).copied().unwrap_or(1);
        Ok(predictions.as_slice().unwrap_or(&[]).chunks_exact(columns).map(|row| scale.class(row)).collect())
    }

    /// Predicts the output in batches of `rows` samples.
    pub(super) fn predict_by<D: Dimension>(&self, samples: &ArrayRef<f32, D>, rows: usize) -> Result<ArrayD<f32>> {
        self.predict_from(samples, rows, self.carried_params().as_mut())
    }

    /// Predicts the output in batches of `rows` samples, or of those of stateful layers. `carried` are the parameters if they
    /// contain states, which change.
    pub(super) fn predict_from<D: Dimension>(
        &self,
        samples: &ArrayRef<f32, D>,
        rows: usize,
        carried: Option<&mut Params>,
    ) -> Result<ArrayD<f32>> {
        let samples = samples.view().into_dyn();
        let ([input], [_]) = (self.architecture.inputs(), self.architecture.outputs()) else {
            let problem = "the model must have one input and one output; use predict_outputs for several";
            return Err(Error::Graph { place: "predict".into(), problem: problem.into() });
        };
        let sample = check_samples(&samples, input)?;
        let values = self.architecture.value_shapes(&[sample])?;
        let output_shape = values.of(self.architecture.output_value(0));
        let shape = output_shape.batch(samples.len_of(Axis(0)))?;
        let mut output = vec![0.0; element_count(shape)?];
        let rows = self.inference_rows("samples", samples.len_of(Axis(0)), rows)?;
        let batch = SampleBatch { input: sample, output: output_shape.len(), rows, work: values.work() };
        let predict = || match carried.filter(|params| params.carried_rows().is_some()) {
            Some(params) => self.predict_in_order(&samples, &batch, &mut output, params),
            None => self.predict_all(&samples, &batch, &mut output),
        };
        self.run_rows(values.work(), samples.len_of(Axis(0)), predict)?;
        array(shape, output)
    }

    /// Runs `run` on `rows` rows with `work` multiply-adds each in the pool, or on the calling thread if there is little to do.
    pub(super) fn run_rows<T: Send>(&self, work: usize, rows: usize, run: impl FnOnce() -> T + Send) -> T {
        let small = work.saturating_mul(rows) < MIN_POOL_WORK;
        if small { parallel::without_forks(run) } else { self.threads.run(run) }
    }

    /// Predicts batch by batch. If there are enough batches, each runs on one thread with a separate plan.
    fn predict_all(&self, samples: &ArrayViewD<'_, f32>, batch: &SampleBatch, output: &mut [f32]) -> Result<()> {
        let (all, columns) = (samples.len_of(Axis(0)), batch.output);
        let rows = batch.rows.min(all);
        let apart = parallel::enough_for_all_threads(all.div_ceil(rows));
        let nanoseconds =
            if apart { batch.work.saturating_mul(rows) / parallel::MULTIPLY_ADDS_PER_NANOSECOND } else { 0 };
        let failed: Mutex<Option<(usize, Error)>> = Mutex::new(None);
        let input = batch.input;
        parallel::for_each_chunk(output, rows * columns, nanoseconds, |batch, output| {
            let first = batch * rows;
            let samples = samples.slice_axis(Axis(0), (first..all.min(first + rows)).into());
            let mut predict = || self.predict_batch(&samples, input, output, None);
            let predicted = if apart { parallel::without_forks(predict) } else { predict() };
            let Err(error) = predicted else { return };
            // The error of the first batch is kept, for any order of threads.
            let mut kept = failed.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.as_ref().is_none_or(|(earlier, _)| batch < *earlier) {
                *kept = Some((batch, error.in_rows("samples", |row| Some(first + row))));
            }
        });
        failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Predicts batch by batch. Each batch begins with the states of the previous one.
    fn predict_in_order(
        &self,
        samples: &ArrayViewD<'_, f32>,
        batch: &SampleBatch,
        output: &mut [f32],
        params: &mut Params,
    ) -> Result<()> {
        let parts = samples.axis_chunks_iter(Axis(0), batch.rows);
        for (number, (samples, output)) in parts.zip(output.chunks_mut(batch.rows * batch.output)).enumerate() {
            let predicted = self.predict_batch(&samples, batch.input, output, Some(params));
            predicted.map_err(|error| error.in_rows("samples", |row| Some(number * batch.rows + row)))?;
        }
        Ok(())
    }

    fn predict_batch(
        &self,
        samples: &ArrayViewD<'_, f32>,
        input: Shape,
        output: &mut [f32],
        carried: Option<&mut Params>,
    ) -> Result<()> {
        let mut plan = self.take_plan(Kind::forward(samples.len_of(Axis(0)), vec![input]))?;
        let inputs = plan.input_mut(0);
        match samples.as_slice() {
            Some(samples) => inputs.copy_from_slice(samples),
            None => inputs.iter_mut().zip(samples).for_each(|(input, value)| *input = *value),
        }
        let result = plan.run(carried.as_deref().unwrap_or(self.architecture.params()), Key::from_seed(0));
        if let Some(params) = carried {
            plan.commit(params);
        }
        output.copy_from_slice(&plan.output(0));
        self.plans.keep(plan);
        result
    }
}

/// Samples of equal size that are predicted in batches.
struct SampleBatch {
    /// The shape of one sample.
    input: Shape,
    /// Number of elements of the output for one sample.
    output: usize,
    /// Number of samples in a batch.
    rows: usize,
    /// The approximate number of multiply-adds for one sample.
    work: usize,
}

/// Number of elements of the predictions, if they fit in memory.
fn element_count(predictions: Shape) -> Result<usize> {
    sizes::check_fits_memory::<f32>(predictions.sizes()).map_err(|error| error.at(|| "predict".into(), &[]))
}

pub(super) fn array(shape: Shape, values: Vec<f32>) -> Result<ArrayD<f32>> {
    ArrayD::from_shape_vec(IxDyn(shape.sizes()), values).map_err(Error::other)
}

/// Checks an array of samples, and returns the shape of the input for them.
fn check_samples(samples: &ArrayViewD<'_, f32>, input: &ValueInfo) -> Result<Shape> {
    let shape = Shape::new(samples.shape()).map_err(|error| error.at(|| "predict".into(), &[]))?;
    if shape.is_empty() {
        return Err(Error::Empty { what: "the array of samples".into() });
    }
    bound_input(shape.sample(), input, || "inputs per sample".into()).map_err(|error| {
        let input = input.shape();
        if !input.contains(shape) && shape.rank() >= input.rank() && shape.rank() > 0 {
            return error;
        }
        let expected = format!("a batch axis and {input} per sample; insert_axis adds one");
        Error::expected(expected).at(|| "predict".into(), &[shape])
    })
}
