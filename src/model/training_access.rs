//! Access to a model's training state.

use super::Model;
use super::compiled::{Counters, Training};
use super::trained_outputs::TrainedOutput;
use crate::error::{Error, Result, check_setting};
use crate::optimizers::check_rate;

impl Model {
    /// The training counters, or `None` in a model for inference.
    pub fn counters(&self) -> Option<Counters> {
        self.training.as_ref().map(|training| training.counters)
    }

    /// The number of shards of a training batch; see [`Compile::shards`](crate::Compile::shards). It is 1 in a model for
    /// inference.
    pub fn shards(&self) -> usize {
        self.training.as_ref().map_or(1, |training| training.shards)
    }

    /// Sets the training counters, for models whose training began in another program.
    ///
    /// # Errors
    /// [`Error::NotCompiled`] if the model has no optimizer. [`Error::Setting`] if the learning rate is negative or not
    /// finite.
    pub fn set_counters(&mut self, counters: Counters) -> Result<()> {
        counters.learning_rate.map_or(Ok(()), |rate| check_rate("Model", rate))?;
        self.compiled_mut("set_counters")?.counters = counters;
        Ok(())
    }

    /// Exchanges the weights with their moving averages, if `averaged` and they are not exchanged, or back if they are.
    ///
    /// While they are exchanged, the model evaluates, predicts and is saved with the averages. The next training step exchanges
    /// them back, so changes of the weights in between are lost. At the end of `fit`, the averages have replaced the weights.
    ///
    /// ```
    /// # use gradus::{Compile, Sequential, data::Arrays, layers::Dense, losses::MeanSquaredError, optimizers::Sgd};
    /// # let data = Arrays::new(ndarray::arr2(&[[0.0f32], [1.0]]), ndarray::arr2(&[[1.0f32], [3.0]]))?;
    /// let settings = Compile::new(Sgd::new(0.1).use_ema(true), MeanSquaredError::new());
    /// let mut model = Sequential::new([1]).add(Dense::new(1)).compile(settings)?;
    /// for _ in 0..9 {
    ///     model.train_on_batch(&data)?;
    /// }
    /// let trained = model.evaluate(&data)?.loss;
    /// model.set_averaged(true)?;
    /// assert_ne!(model.evaluate(&data)?.loss, trained);
    /// model.set_averaged(false)?;
    /// assert_eq!(model.evaluate(&data)?.loss, trained);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotCompiled`] if the model has no optimizer, [`Error::Setting`] if it keeps no moving averages.
    pub fn set_averaged(&mut self, averaged: bool) -> Result<()> {
        self.check_averages()?;
        let training = self.training.as_mut().ok_or(Error::NotCompiled { place: "set_averaged" })?;
        training.optimizer.set_averaged(self.architecture.params_mut(), averaged);
        self.changed = true;
        Ok(())
    }

    /// Checks that the optimizer keeps moving averages.
    pub(super) fn check_averages(&self) -> Result<()> {
        let has_averages = self.compiled("set_averaged")?.optimizer.has_averages();
        check_setting(has_averages, "Model", "use_ema of the optimizer", "false", "true, to keep averages")
    }

    /// Replaces the weights by their moving averages at the end of training, if the optimizer keeps them.
    pub(super) fn finish_averages(&mut self) {
        if let Some(training) = self.training.as_mut().filter(|training| training.optimizer.has_averages()) {
            training.optimizer.finish_averages(self.architecture.params_mut());
        }
    }

    /// Checks that the state of the optimizer is not divided among the members of an exchange.
    ///
    /// # Errors
    /// [`Error::Graph`] if it is. `place` is the method that needs it.
    pub(super) fn check_state(&self, place: &str) -> Result<()> {
        match &self.training {
            Some(training) if training.optimizer.part().is_some() => {
                let problem = "the model has a part of the state of its optimizer, as it is divided among the members of an \
                               exchange; use it when an epoch or fit ends, or resume from a checkpoint if a member was lost";
                Err(Error::Graph { place: place.into(), problem: problem.into() })
            }
            _ => Ok(()),
        }
    }

    /// The outputs with a loss, in the model's order. Empty in a model for inference.
    pub fn trained_outputs(&self) -> &[TrainedOutput] {
        self.training.as_ref().map_or(&[], |training| &training.trained_outputs)
    }

    /// The training part. `place` names the caller in the error if there is none.
    pub(super) fn compiled(&self, place: &'static str) -> Result<&Training> {
        self.training.as_ref().ok_or(Error::NotCompiled { place })
    }

    /// The training part, mutably. `place` names the caller in the error if there is none.
    pub(super) fn compiled_mut(&mut self, place: &'static str) -> Result<&mut Training> {
        self.training.as_mut().ok_or(Error::NotCompiled { place })
    }
}
