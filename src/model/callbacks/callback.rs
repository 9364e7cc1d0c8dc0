//! The trait of callbacks.

use super::flow::Flow;
use super::moments::{BatchEnd, EpochBegin, EpochEnd, TrainBegin, TrainEnd};
use crate::error::{Error, Result};
use crate::forward::forward;
use crate::model::Model;
use crate::save::CallbackState;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Hooks that `fit` calls at the beginning and the end of training, of each epoch, and after each step. `Callback` in Keras.
///
/// Hooks can read and change the model: its weights ([`Model::params_mut`]), the optimizer state
/// ([`Model::optimizer_state_mut`]), and the learning rate of later steps ([`Model::set_learning_rate`]).
///
/// An error of a hook ends `fit`. [`Flow::Break`](super::Flow) stops training with the given [`Stop`](super::Stop), after the
/// hook of all callbacks was called in the order in which they were added.
///
/// ```
/// # use gradus::{Compile, Fit, Progress, Sequential, data::Arrays, layers::Dense, losses::MeanSquaredError, optimizers::Sgd};
/// # let data = Arrays::new(ndarray::arr2(&[[0.0f32], [1.0]]), ndarray::arr2(&[[1.0f32], [3.0]]))?;
/// # let settings = Compile::new(Sgd::new(0.1), MeanSquaredError::new());
/// # let mut model = Sequential::new([1]).add(Dense::new(1)).compile(settings)?;
/// use gradus::{BatchEnd, Callback, EpochEnd, Flow, Model, Result, Stop};
///
/// /// Halves the learning rate after each epoch, and stops after `steps` steps.
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
///
/// model.fit(&data, Fit::new().epochs(9).progress(Progress::Quiet).callback(&mut Halving { steps: 3 }))?;
/// assert_eq!((model.step(), model.learning_rate()), (3, 0.025));
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// A callback with state between hooks saves it in checkpoints by [`state`](Callback::state) and loads it by
/// [`restore`](Callback::restore), so that resumed training gives the same bits.
///
/// `Box<dyn Callback>` implements `Callback`, so that a callback can be chosen at run time. `Arc<Mutex<C>>` implements it too, so
/// that a clone of the callback can be read after `fit`. A poisoned lock is used as if it were not poisoned.
pub trait Callback: Send {
    /// Called before the first step, to check settings and to reset the state of an earlier `fit`.
    ///
    /// # Errors
    /// Any error, which ends `fit` before the first step.
    fn train_begin(&mut self, _model: &mut Model, _begin: &TrainBegin<'_>) -> Result<()> {
        Ok(())
    }

    /// Called before the first step of an epoch. If training resumes within an epoch, it is not called for that epoch.
    ///
    /// # Errors
    /// Any error, which ends `fit`.
    fn epoch_begin(&mut self, _model: &mut Model, _begin: &EpochBegin<'_>) -> Result<()> {
        Ok(())
    }

    /// Called after each step. It should not allocate. `Flow::Break` ends the epoch without validation and without
    /// [`epoch_end`](Callback::epoch_end).
    ///
    /// # Errors
    /// Any error, which ends `fit`.
    fn batch_end(&mut self, _model: &mut Model, _end: &BatchEnd<'_>) -> Result<Flow> {
        Ok(Flow::Continue(()))
    }

    /// Called before the validation of each epoch. `on_test_begin` in Keras.
    ///
    /// # Errors
    /// Any error, which ends `fit`.
    fn validation_begin(&mut self, _model: &mut Model) -> Result<()> {
        Ok(())
    }

    /// Called after the validation of each epoch. `on_test_end` in Keras.
    ///
    /// # Errors
    /// Any error, which ends `fit`.
    fn validation_end(&mut self, _model: &mut Model) -> Result<()> {
        Ok(())
    }

    /// Called after each epoch and its validation.
    ///
    /// # Errors
    /// Any error, which ends `fit`.
    fn epoch_end(&mut self, _model: &mut Model, _end: &EpochEnd<'_>) -> Result<Flow> {
        Ok(Flow::Continue(()))
    }

    /// Called after the last step, unless an error ended training.
    ///
    /// # Errors
    /// Any error, which `fit` returns.
    fn train_end(&mut self, _model: &mut Model, _end: &TrainEnd<'_>) -> Result<()> {
        Ok(())
    }

    /// The state for checkpoints. Defaults to `None`, no state. A callback either always has a state after
    /// [`train_begin`](Callback::train_begin), or never.
    fn state(&self) -> Option<CallbackState> {
        None
    }

    /// Restores the state that [`state`](Callback::state) returned. Called after [`train_begin`](Callback::train_begin) and
    /// before the first step. A callback with a state must implement it.
    ///
    /// # Errors
    /// The state does not belong to the callback. The default is always an error.
    fn restore(&mut self, state: &CallbackState) -> Result<()> {
        Err(Error::other(format!("the callback {} has a state but does not implement restore", state.name())))
    }
}

forward!(Callback for [Box] {
    fn train_begin(&mut self, model: &mut Model, begin: &TrainBegin<'_>) -> Result<()>;
    fn epoch_begin(&mut self, model: &mut Model, begin: &EpochBegin<'_>) -> Result<()>;
    fn batch_end(&mut self, model: &mut Model, end: &BatchEnd<'_>) -> Result<Flow>;
    fn validation_begin(&mut self, model: &mut Model) -> Result<()>;
    fn validation_end(&mut self, model: &mut Model) -> Result<()>;
    fn epoch_end(&mut self, model: &mut Model, end: &EpochEnd<'_>) -> Result<Flow>;
    fn train_end(&mut self, model: &mut Model, end: &TrainEnd<'_>) -> Result<()>;
    fn state(&self) -> Option<CallbackState>;
    fn restore(&mut self, state: &CallbackState) -> Result<()>;
});

impl<T: Callback + ?Sized> Callback for Arc<Mutex<T>> {
    fn train_begin(&mut self, model: &mut Model, begin: &TrainBegin<'_>) -> Result<()> {
        locked(self).train_begin(model, begin)
    }

    fn epoch_begin(&mut self, model: &mut Model, begin: &EpochBegin<'_>) -> Result<()> {
        locked(self).epoch_begin(model, begin)
    }

    fn batch_end(&mut self, model: &mut Model, end: &BatchEnd<'_>) -> Result<Flow> {
        locked(self).batch_end(model, end)
    }

    fn validation_begin(&mut self, model: &mut Model) -> Result<()> {
        locked(self).validation_begin(model)
    }

    fn validation_end(&mut self, model: &mut Model) -> Result<()> {
        locked(self).validation_end(model)
    }

    fn epoch_end(&mut self, model: &mut Model, end: &EpochEnd<'_>) -> Result<Flow> {
        locked(self).epoch_end(model, end)
    }

    fn train_end(&mut self, model: &mut Model, end: &TrainEnd<'_>) -> Result<()> {
        locked(self).train_end(model, end)
    }

    fn state(&self) -> Option<CallbackState> {
        locked(self).state()
    }

    fn restore(&mut self, state: &CallbackState) -> Result<()> {
        locked(self).restore(state)
    }
}

fn locked<T: ?Sized>(callback: &Mutex<T>) -> MutexGuard<'_, T> {
    callback.lock().unwrap_or_else(PoisonError::into_inner)
}
