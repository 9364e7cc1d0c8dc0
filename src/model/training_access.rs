//! Access to a model's training state.

use super::Model;
use super::compiled::{Counters, Training};
use super::trained_outputs::TrainedOutput;
use crate::error::{Error, Result};
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
