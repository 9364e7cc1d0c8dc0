//! A callback of closures.

use super::callback::Callback;
use super::flow::Flow;
use super::moments::{BatchEnd, EpochBegin, EpochEnd, TrainBegin, TrainEnd};
use crate::error::Result;
use crate::model::Model;
use std::fmt;

/// A callback of closures, one for each hook that is needed. `LambdaCallback` in Keras.
///
/// An error of a closure ends `fit`. A closure that returns [`Flow::Break`](super::Flow) stops training.
///
/// ```
/// # use gradus::{Compile, Fit, Progress, Sequential, data::Arrays, layers::Dense, losses::MeanSquaredError, optimizers::Sgd};
/// # let data = Arrays::new(ndarray::arr2(&[[0.0f32], [1.0]]), ndarray::arr2(&[[1.0f32], [3.0]]))?;
/// # let settings = Compile::new(Sgd::new(0.1), MeanSquaredError::new());
/// # let mut model = Sequential::new([1]).add(Dense::new(1)).compile(settings)?;
/// use gradus::{Flow, callbacks::LambdaCallback};
/// let mut losses = Vec::new();
/// let mut collect = LambdaCallback::new().on_epoch_end(|_model, end| {
///     losses.push(end.epoch.scores.loss);
///     Ok(Flow::Continue(()))
/// });
/// model.fit(&data, Fit::new().epochs(3).progress(Progress::Quiet).callback(&mut collect))?;
/// drop(collect);
/// assert!(losses.len() == 3 && losses[2] < losses[0]);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Default)]
#[allow(clippy::type_complexity)] // each type occurs once, and the lifetimes prevent a common alias
#[must_use]
pub struct LambdaCallback<'a> {
    train_begin: Option<Box<dyn FnMut(&mut Model, &TrainBegin<'_>) -> Result<()> + Send + 'a>>,
    epoch_begin: Option<Box<dyn FnMut(&mut Model, &EpochBegin<'_>) -> Result<()> + Send + 'a>>,
    batch_end: Option<Box<dyn FnMut(&mut Model, &BatchEnd<'_>) -> Result<Flow> + Send + 'a>>,
    epoch_end: Option<Box<dyn FnMut(&mut Model, &EpochEnd<'_>) -> Result<Flow> + Send + 'a>>,
    train_end: Option<Box<dyn FnMut(&mut Model, &TrainEnd<'_>) -> Result<()> + Send + 'a>>,
}

impl<'a> LambdaCallback<'a> {
    /// Creates a callback without closures.
    pub fn new() -> LambdaCallback<'a> {
        LambdaCallback::default()
    }

    /// Sets the closure that is called before the first step.
    pub fn on_train_begin(
        mut self,
        hook: impl FnMut(&mut Model, &TrainBegin<'_>) -> Result<()> + Send + 'a,
    ) -> LambdaCallback<'a> {
        self.train_begin = Some(Box::new(hook));
        self
    }

    /// Sets the closure that is called before the first step of each epoch.
    pub fn on_epoch_begin(
        mut self,
        hook: impl FnMut(&mut Model, &EpochBegin<'_>) -> Result<()> + Send + 'a,
    ) -> LambdaCallback<'a> {
        self.epoch_begin = Some(Box::new(hook));
        self
    }

    /// Sets the closure that is called after each step. It should not allocate.
    pub fn on_batch_end(
        mut self,
        hook: impl FnMut(&mut Model, &BatchEnd<'_>) -> Result<Flow> + Send + 'a,
    ) -> LambdaCallback<'a> {
        self.batch_end = Some(Box::new(hook));
        self
    }

    /// Sets the closure that is called after each epoch and its validation.
    pub fn on_epoch_end(
        mut self,
        hook: impl FnMut(&mut Model, &EpochEnd<'_>) -> Result<Flow> + Send + 'a,
    ) -> LambdaCallback<'a> {
        self.epoch_end = Some(Box::new(hook));
        self
    }

    /// Sets the closure that is called after the last step, unless an error ended training.
    pub fn on_train_end(
        mut self,
        hook: impl FnMut(&mut Model, &TrainEnd<'_>) -> Result<()> + Send + 'a,
    ) -> LambdaCallback<'a> {
        self.train_end = Some(Box::new(hook));
        self
    }
}

impl Callback for LambdaCallback<'_> {
    fn train_begin(&mut self, model: &mut Model, begin: &TrainBegin<'_>) -> Result<()> {
        self.train_begin.as_mut().map_or(Ok(()), |hook| hook(model, begin))
    }

    fn epoch_begin(&mut self, model: &mut Model, begin: &EpochBegin<'_>) -> Result<()> {
        self.epoch_begin.as_mut().map_or(Ok(()), |hook| hook(model, begin))
    }

    fn batch_end(&mut self, model: &mut Model, end: &BatchEnd<'_>) -> Result<Flow> {
        self.batch_end.as_mut().map_or(Ok(Flow::Continue(())), |hook| hook(model, end))
    }

    fn epoch_end(&mut self, model: &mut Model, end: &EpochEnd<'_>) -> Result<Flow> {
        self.epoch_end.as_mut().map_or(Ok(Flow::Continue(())), |hook| hook(model, end))
    }

    fn train_end(&mut self, model: &mut Model, end: &TrainEnd<'_>) -> Result<()> {
        self.train_end.as_mut().map_or(Ok(()), |hook| hook(model, end))
    }
}

impl fmt::Debug for LambdaCallback<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LambdaCallback")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Callback>> {
        vec![Box::new(
            LambdaCallback::new().on_epoch_begin(|model, _| model.set_learning_rate(0.9 * model.learning_rate())),
        )]
    }
}
