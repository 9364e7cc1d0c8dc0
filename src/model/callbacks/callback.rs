//! The trait of callbacks.

use super::flow::Flow;
use super::moments::{BatchEnd, EpochBegin, EpochEnd, TrainBegin, TrainEnd};
use crate::error::{Error, Result};
use crate::forward::forward;
use crate::model::Model;
use crate::save::CallbackState;

/// Hooks called at the beginning and the end of training, of each epoch, and after each step.
///
/// Every hook receives the model and may change it: the weights ([`Model::params_mut`]), the state of the optimizer
/// ([`Model::optimizer_state_mut`]) and the learning rate of later steps ([`Model::set_learning_rate`]). Callbacks are
/// called in the order in which they were added, even after one of them stops training. If a hook returns an error,
/// `fit` ends with that error. `Flow::Break` ends training; [`Stop`](super::Stop) describes how.
///
/// ```
/// use gradus::{BatchEnd, Callback, EpochEnd, Flow, Model, Result, Stop};
///
/// /// Halves the learning rate after each epoch, and stops training after `steps` steps.
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
/// A callback with state between hooks saves it in checkpoints with [`state`](Callback::state) and restores it with
/// [`restore`](Callback::restore). Interrupted training then ends with the same bits as uninterrupted training.
///
/// `Box<dyn Callback>` implements `Callback`, so that a callback can be chosen at run time. `Arc` does not, because
/// hooks take `&mut self`.
pub trait Callback: Send {
    /// Called before the first step. Checks settings, and clears state that an earlier `fit` left behind.
    ///
    /// # Errors
    /// An error ends `fit` before the first step.
    fn train_begin(&mut self, _model: &mut Model, _begin: &TrainBegin<'_>) -> Result<()> {
        Ok(())
    }

    /// Called before the first step of an epoch, but not when training resumes within the epoch.
    ///
    /// # Errors
    /// An error ends `fit`.
    fn epoch_begin(&mut self, _model: &mut Model, _begin: &EpochBegin<'_>) -> Result<()> {
        Ok(())
    }

    /// Called after each step. `Flow::Break` ends the epoch immediately: it is not validated, and `epoch_end` is not
    /// called. The hook should not allocate.
    ///
    /// # Errors
    /// An error ends `fit`.
    fn batch_end(&mut self, _model: &mut Model, _end: &BatchEnd<'_>) -> Result<Flow> {
        Ok(Flow::Continue(()))
    }

    /// Called after each epoch and its validation.
    ///
    /// # Errors
    /// An error ends `fit`.
    fn epoch_end(&mut self, _model: &mut Model, _end: &EpochEnd<'_>) -> Result<Flow> {
        Ok(Flow::Continue(()))
    }

    /// Called after the last step, unless an error ended training.
    ///
    /// # Errors
    /// An error ends `fit`.
    fn train_end(&mut self, _model: &mut Model, _end: &TrainEnd<'_>) -> Result<()> {
        Ok(())
    }

    /// The state to save in checkpoints, or `None`, the default, for a callback without state. A callback must either
    /// always return a state after [`train_begin`](Callback::train_begin), or never.
    fn state(&self) -> Option<CallbackState> {
        None
    }

    /// Restores a state returned by [`state`](Callback::state). It is called after
    /// [`train_begin`](Callback::train_begin) and before the first step. A callback with a state must implement it.
    ///
    /// # Errors
    /// The state is not one of this callback. The default implementation always returns an error.
    fn restore(&mut self, state: &CallbackState) -> Result<()> {
        Err(Error::other(format!("the callback {} has a state but does not implement Callback::restore", state.name())))
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
