//! States of stateful layers, which are carried from one batch to the next.

use super::Model;
use super::evaluate::ROWS;
use super::matched_dataset::MatchedDataset;
use crate::error::{Error, Result};
use crate::tape::Params;
use ndarray::{ArrayD, ArrayRef, Dimension};

impl Model {
    /// Sets the states of stateful layers to 0. Has no effect on a model without such layers. `layer.reset_states()` in Keras.
    ///
    /// The weights that a training run has after a call depend on the point of the call. A callback that resets the states at
    /// the beginning of each epoch does so in a resumed run too.
    pub fn reset_states(&mut self) {
        self.params_mut().reset_carried();
    }

    /// Predicts the output for samples of shape n × …, and keeps the states of stateful layers for the next call: the next
    /// samples continue the sequences. `predict` in Keras, of a model with stateful layers. Without such layers, this is
    /// [`predict`](Model::predict).
    ///
    /// ```
    /// use gradus::{Sequential, layers::Gru};
    /// use ndarray::{Array3, s};
    /// let network = Sequential::new((None, 2)).add(Gru::new(3).stateful(1).return_sequences(true));
    /// let mut model = network.architecture(0)?.into_model()?;
    /// let sequence = Array3::from_shape_fn((1, 6, 2), |(_, step, _)| step as f32);
    /// let whole = model.predict(&sequence)?;
    /// for step in 0..6 {
    ///     let y = model.predict_next(&sequence.slice(s![.., step..step + 1, ..]))?;
    ///     assert_eq!(y.index_axis(ndarray::Axis(1), 0), whole.index_axis(ndarray::Axis(1), step));
    /// }
    /// model.reset_states();
    /// assert_eq!(model.predict(&sequence)?, whole);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`predict`](Model::predict). On an error, the states do not change.
    pub fn predict_next<D: Dimension>(&mut self, samples: &ArrayRef<f32, D>) -> Result<ArrayD<f32>> {
        let mut params = self.params().clone();
        let output = self.predict_from(samples, ROWS, Some(&mut params))?;
        *self.architecture.params_mut() = params;
        Ok(output)
    }

    /// The parameters for inference on several batches, if they contain states that change from batch to batch.
    pub(super) fn carried_params(&self) -> Option<Params> {
        self.params().carried_rows().map(|_| self.params().clone())
    }

    /// The number of rows of a batch of inference: `size`, or that of stateful layers.
    ///
    /// # Errors
    /// A number of rows that is not a multiple of that of stateful layers.
    pub(super) fn inference_rows(&self, name: &'static str, rows: usize, size: usize) -> Result<usize> {
        let Some(carried) = self.params().carried_rows() else { return Ok(size) };
        check_multiple(name, rows, carried)?;
        Ok(carried)
    }

    /// The batches of a dataset for inference.
    ///
    /// # Errors
    /// A number of rows that is not a multiple of that of stateful layers, or stateful layers and rows of different sizes.
    pub(super) fn inference_batches(&self, data: &MatchedDataset<'_>) -> Result<Vec<Vec<usize>>> {
        let rows = self.inference_rows("dataset", data.len(), ROWS)?;
        if self.params().carried_rows().is_some() && data.variants().len() > 1 {
            let problem =
                "the model has stateful layers, which need rows of equal size; the rows of the dataset differ in size";
            return Err(Error::Graph { place: "dataset".into(), problem: problem.into() });
        }
        data.equal_batches(rows)
    }

    /// Checks that a training run has the batch size of stateful layers.
    ///
    /// # Errors
    /// Another batch size, or a number of rows that is not a multiple of it.
    pub(super) fn check_batch_size(&self, batch_size: usize, rows: usize) -> Result<()> {
        let Some(carried) = self.params().carried_rows() else { return Ok(()) };
        if batch_size != carried {
            let problem = format!(
                "batch_size is {batch_size}, but the model has stateful layers for {carried} rows; set it to {carried}"
            );
            return Err(Error::Graph { place: "fit".into(), problem: problem.into() });
        }
        check_multiple("dataset", rows, carried)
    }
}

fn check_multiple(place: &'static str, rows: usize, carried: usize) -> Result<()> {
    if rows.is_multiple_of(carried) {
        return Ok(());
    }
    let problem =
        format!("found {rows} rows, expected a multiple of {carried}, the rows of the model's stateful layers");
    Err(Error::Graph { place: place.into(), problem: problem.into() })
}

#[cfg(test)]
mod tests;
