//! The learning rate of each epoch as a function.

use super::callback::Callback;
use super::moments::EpochBegin;
use crate::error::Result;
use crate::model::Model;
use std::fmt;

/// Sets the learning rate at the beginning of each epoch by a function of the epoch, counted from 0, and of the current
/// learning rate. `LearningRateScheduler` in Keras.
///
/// The new learning rate replaces a schedule of the optimizer. A
/// [`Schedule`](crate::optimizers::schedules::Schedule) changes the learning rate in each step instead, without a callback.
///
/// ```
/// # use gradus::{Compile, Fit, Progress, Sequential, data::Arrays, layers::Dense, losses::MeanSquaredError, optimizers::Sgd};
/// # let data = Arrays::new(ndarray::arr2(&[[0.0f32], [1.0]]), ndarray::arr2(&[[1.0f32], [3.0]]))?;
/// # let settings = Compile::new(Sgd::new(0.1), MeanSquaredError::new());
/// # let mut model = Sequential::new([1]).add(Dense::new(1)).compile(settings)?;
/// use gradus::callbacks::LearningRateScheduler;
/// let mut scheduler = LearningRateScheduler::new(|epoch, rate| if epoch < 1 { rate } else { 0.5 * rate });
/// model.fit(&data, Fit::new().epochs(3).progress(Progress::Quiet).callback(&mut scheduler))?;
/// assert_eq!(model.learning_rate(), 0.025);
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// `fit` returns [`Error::Setting`](crate::Error::Setting) if the function returns a learning rate that is negative or not
/// finite.
pub struct LearningRateScheduler<'a>(Box<dyn FnMut(usize, f32) -> f32 + Send + 'a>);

impl<'a> LearningRateScheduler<'a> {
    /// Creates the callback from a function of the epoch, counted from 0, and the current learning rate.
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
