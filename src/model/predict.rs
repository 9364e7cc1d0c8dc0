//! Prediction: what the model says about samples.

use super::Model;
use super::evaluate::{ROWS, check_input};
use super::plan::{Kind, Plan};
use crate::error::{Error, Result};
use crate::kernels::parallel;
use crate::metrics::argmax;
use crate::random::Key;
use crate::shape::Shape;
use crate::tape::Mode;
use ndarray::{Array1, ArrayD, ArrayRef, ArrayViewD, Axis, Dimension, IxDyn};

/// Multiply-adds below which a prediction stays on the calling thread: handing it to the pool and waiting for the answer
/// would take longer than another thread could save.
const WORTH_THE_POOL: usize = 2_000_000;

impl Model {
    /// The model's output for samples n × …, in any memory layout. A sample's prediction has the same bits whatever stands
    /// beside it.
    ///
    /// # Errors
    /// Samples that do not fit the model, or none.
    pub fn predict<D: Dimension>(&self, samples: &ArrayRef<f32, D>) -> Result<ArrayD<f32>> {
        let samples = samples.view().into_dyn();
        self.check_samples(&samples)?;
        let rows = samples.len_of(Axis(0));
        let mut output = vec![0.0; rows * self.network.output().len()];
        let work = || self.predict_all(&samples, &mut output);
        let small = self.network.work.saturating_mul(rows) < WORTH_THE_POOL;
        if small {
            parallel::alone(work)?
        } else {
            self.threads.run(work)?
        }
        let shape = self.network.output().batch(rows)?;
        let array = ArrayD::from_shape_vec(IxDyn(shape.sizes()), output);
        Ok(array.expect("every sample has its prediction"))
    }

    /// The most probable class of each sample n × …; with a single output, 1 where it is above ½.
    ///
    /// # Errors
    /// As for [`predict`](Model::predict).
    pub fn predict_classes<D: Dimension>(&self, samples: &ArrayRef<f32, D>) -> Result<Array1<usize>> {
        let predictions = self.predict(samples)?;
        let columns = self.network.output().last();
        let class = |row: &[f32]| if columns == 1 { usize::from(row[0] > 0.5) } else { argmax(row) };
        Ok(predictions.as_slice().unwrap_or(&[]).chunks_exact(columns).map(class).collect())
    }

    fn check_samples(&self, samples: &ArrayViewD<'_, f32>) -> Result<()> {
        let shape = Shape::new(samples.shape()).map_err(|error| error.at(|| "predict".into(), &[]))?;
        let input = self.network.input;
        if shape.is_empty() {
            return Err(Error::Empty { what: "the array of samples".into() });
        }
        check_input(shape.sample(), input).map_err(|error| {
            if shape != input && shape.rank() >= input.rank() && shape.rank() > 0 {
                return error;
            }
            let expected = format!("a batch axis and {input} per sample; insert_axis adds one");
            Error::expected(expected).at(|| "predict".into(), &[shape])
        })
    }

    fn predict_all(&self, samples: &ArrayViewD<'_, f32>, output: &mut [f32]) -> Result<()> {
        let columns = self.network.output().len();
        for (samples, output) in samples.axis_chunks_iter(Axis(0), ROWS).zip(output.chunks_mut(ROWS * columns)) {
            let kind = Kind { mode: Mode::Inference, rows: samples.len_of(Axis(0)), target: None };
            let record = || Plan::record(&self.network, &self.params, self.loss.as_ref(), kind);
            let mut plan = self.plans.take(kind, record)?;
            let [inputs, _] = plan.batch_mut();
            match samples.as_slice() {
                Some(samples) => inputs.copy_from_slice(samples),
                None => inputs.iter_mut().zip(&samples).for_each(|(input, value)| *input = *value),
            }
            plan.run(&self.params, Key::from_seed(0));
            output.copy_from_slice(plan.predictions().data());
            self.plans.keep(plan);
        }
        Ok(())
    }
}
