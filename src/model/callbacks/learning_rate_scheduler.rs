//! A callback that sets the learning rate of each epoch with a function.

use super::callback::Callback;
use super::moments::EpochBegin;
use crate::error::Result;
use crate::model::Model;
use std::fmt;

/// Sets the learning rate at the beginning of each epoch to the result of a function of the epoch, counted from 0, and
/// the current rate. Keras' `LearningRateScheduler`. To change the rate at every step, use a
/// [`Schedule`](crate::optimizers::schedules::Schedule) in the optimizer, without a callback.
///
/// ```
/// use gradus::callbacks::LearningRateScheduler;
/// let scheduler = LearningRateScheduler::new(|epoch, rate| if epoch < 10 { rate } else { 0.9 * rate });
/// ```
pub struct LearningRateScheduler<'a>(Box<dyn FnMut(usize, f32) -> f32 + Send + 'a>);

impl<'a> LearningRateScheduler<'a> {
    /// Creates a scheduler from a function of the epoch and the current rate.
    pub fn new(schedule: impl FnMut(usize, f32) -> f32 + Send + 'a) -> LearningRateScheduler<'a> {
        LearningRateScheduler(Box::new(schedule))
    }
}

impl Callback for LearningRateScheduler<'_> {
    fn epoch_begin(&mut self, model: &mut Model, begin: &EpochBegin<'_>) -> Result<()> {
        model.set_learning_rate((self.0)(begin.history.epochs.len(), model.learning_rate()))
    }
}

impl fmt::Debug for LearningRateScheduler<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LearningRateScheduler")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Callback>> {
        vec![Box::new(LearningRateScheduler::new(|epoch, rate| if epoch < 2 { rate } else { 0.5 * rate }))]
    }
}
