//! What a model tells of its training: counters and trained outputs.

use super::Model;
use super::compiled::{Counters, Training};
use super::trained_outputs::TrainedOutput;
use crate::error::{Error, Result};
use crate::optimizers::check_rate;

impl Model {
    /// How far the model is trained; `None` where it has no optimizer.
    pub fn counters(&self) -> Option<Counters> {
        self.training.as_ref().map(|training| training.counters)
    }

    /// Sets how far the model is trained, for models whose training began elsewhere.
    ///
    /// # Errors
    /// [`Error::NotCompiled`]; a learning rate that is negative or not finite.
    pub fn set_counters(&mut self, counters: Counters) -> Result<()> {
        counters.learning_rate.map_or(Ok(()), |rate| check_rate("Model", rate))?;
        self.compiled_mut("set_counters")?.counters = counters;
        Ok(())
    }

    /// The outputs that have a loss, in the model's order; none where the model has no optimizer.
    pub fn trained_outputs(&self) -> &[TrainedOutput] {
        self.training.as_ref().map_or(&[], |training| &training.trained_outputs)
    }

    /// What `place` needs for training or evaluation.
    pub(super) fn compiled(&self, place: &'static str) -> Result<&Training> {
        self.training.as_ref().ok_or(Error::NotCompiled { place })
    }

    /// What `place` needs for training, to change.
    pub(super) fn compiled_mut(&mut self, place: &'static str) -> Result<&mut Training> {
        self.training.as_mut().ok_or(Error::NotCompiled { place })
    }
}
