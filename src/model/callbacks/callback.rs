//! The trait of callbacks.

use super::flow::Flow;
use super::moments::{BatchEnd, EpochBegin, EpochEnd, TrainBegin, TrainEnd};
use crate::error::{Error, Result};
use crate::forward::forward;
use crate::model::Model;
use crate::save::CallbackState;

/// Told about the beginning and the end of training, of each epoch, and of each step.
///
/// Every hook has the model at hand, to read and to change: its weights ([`Model::params_mut`]), what the optimizer
/// remembers ([`Model::optimizer_state`]), the learning rate of the steps to come ([`Model::set_learning_rate`]). An error
/// ends `fit` with it; a break ends training as [`Stop`](super::Stop) says. All callbacks are told of a moment, in the order in which
/// they were given, whatever one of them answers.
///
/// ```
/// use gradus::{BatchEnd, Callback, EpochEnd, Flow, Model, Result, Stop};
///
/// /// Halves the learning rate after each epoch, and stops after so many steps.
/// struct Halving {
///     steps: u64,
/// }
///
/// impl Callback for Halving {
///     fn batch_end(&mut self, model: &mut Model, _: &BatchEnd<'_>) -> Result<Flow> {
///         Ok(if model.step() < self.steps { Flow::Continue(()) } else { Flow::Break(Stop::Done) })
///     }
///
///     fn epoch_end(&mut self, model: &mut Model, _: &EpochEnd<'_>) -> Result<Flow> {
///         model.set_learning_rate(0.5 * model.learning_rate())?;
///         Ok(Flow::Continue(()))
///     }
/// }
/// ```
///
/// A callback that remembers something from one hook to the next gives it to checkpoints by [`state`](Callback::state) and
/// takes it back by [`restore`](Callback::restore); then training that was interrupted ends with the same bits.
///
/// `Box` of a callback is a callback, so that one can be chosen at run time. `Arc` is not: hooks change the callback, and an
/// `Arc` shares what it holds.
pub trait Callback: Send {
    /// Before the first step: the place to check settings, and to forget what an earlier `fit` left behind.
    ///
    /// # Errors
    /// Ends `fit` before any work; here and below.
    fn train_begin(&mut self, _model: &mut Model, _begin: &TrainBegin<'_>) -> Result<()> {
        Ok(())
    }

    /// Before the first step of an epoch. Not again where training resumes within one.
    fn epoch_begin(&mut self, _model: &mut Model, _begin: &EpochBegin<'_>) -> Result<()> {
        Ok(())
    }

    /// After each step. A break ends the epoch there: it is not validated, and no callback hears of its end. Should
    /// allocate nothing.
    fn batch_end(&mut self, _model: &mut Model, _end: &BatchEnd<'_>) -> Result<Flow> {
        Ok(Flow::Continue(()))
    }

    /// After each epoch and its validation.
    fn epoch_end(&mut self, _model: &mut Model, _end: &EpochEnd<'_>) -> Result<Flow> {
        Ok(Flow::Continue(()))
    }

    /// After the last step, unless an error ended training.
    fn train_end(&mut self, _model: &mut Model, _end: &TrainEnd<'_>) -> Result<()> {
        Ok(())
    }

    /// What it remembers, for a checkpoint; `None` where it remembers nothing. A callback either has a state from
    /// [`train_begin`](Callback::train_begin) on, or never.
    fn state(&self) -> Option<CallbackState> {
        None
    }

    /// Takes back what [`state`](Callback::state) gave, after [`train_begin`](Callback::train_begin) and before the first
    /// step. Whoever gives a state has to take it back.
    ///
    /// # Errors
    /// The state is not one of its own.
    fn restore(&mut self, state: &CallbackState) -> Result<()> {
        Err(Error::other(format!("the callback {} gives a state, but does not take it back", state.name())))
    }
}

forward!(Callback for [Box] {
    fn train_begin(&mut self, model: &mut Model, begin: &TrainBegin<'_>) -> Result<()>;
    fn epoch_begin(&mut self, model: &mut Model, begin: &EpochBegin<'_>) -> Result<()>;
    fn batch_end(&mut self, model: &mut Model, end: &BatchEnd<'_>) -> Result<Flow>;
    fn epoch_end(&mut self, model: &mut Model, end: &EpochEnd<'_>) -> Result<Flow>;
    fn train_end(&mut self, model: &mut Model, end: &TrainEnd<'_>) -> Result<()>;
    fn state(&self) -> Option<CallbackState>;
    fn restore(&mut self, state: &CallbackState) -> Result<()>;
});
