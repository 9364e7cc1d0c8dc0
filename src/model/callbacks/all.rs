//! All callbacks of a training run, called together.

use super::callback::Callback;
use super::flow::Flow;
use super::moments::{BatchEnd, EpochBegin, EpochEnd, TrainBegin, TrainEnd};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::save::CallbackState;
use std::ops::ControlFlow;

/// The callbacks of a training run, in the order of their calls.
pub(in crate::model) struct Callbacks<'a>(Vec<&'a mut dyn Callback>);

impl<'a> Callbacks<'a> {
    pub(in crate::model) fn new(callbacks: Vec<&'a mut dyn Callback>) -> Callbacks<'a> {
        Callbacks(callbacks)
    }

    pub(in crate::model) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::model) fn train_begin(&mut self, model: &mut Model, begin: &TrainBegin<'_>) -> Result<()> {
        self.0.iter_mut().try_for_each(|callback| callback.train_begin(model, begin))
    }

    pub(in crate::model) fn epoch_begin(&mut self, model: &mut Model, begin: &EpochBegin<'_>) -> Result<()> {
        self.0.iter_mut().try_for_each(|callback| callback.epoch_begin(model, begin))
    }

    pub(in crate::model) fn batch_end(&mut self, model: &mut Model, end: &BatchEnd<'_>) -> Result<Flow> {
        self.flow(|callback| callback.batch_end(model, end))
    }

    pub(in crate::model) fn validation_begin(&mut self, model: &mut Model) -> Result<()> {
        self.0.iter_mut().try_for_each(|callback| callback.validation_begin(model))
    }

    pub(in crate::model) fn validation_end(&mut self, model: &mut Model) -> Result<()> {
        self.0.iter_mut().try_for_each(|callback| callback.validation_end(model))
    }

    pub(in crate::model) fn epoch_end(&mut self, model: &mut Model, end: &EpochEnd<'_>) -> Result<Flow> {
        self.flow(|callback| callback.epoch_end(model, end))
    }

    pub(in crate::model) fn train_end(&mut self, model: &mut Model, end: &TrainEnd<'_>) -> Result<()> {
        self.0.iter_mut().try_for_each(|callback| callback.train_end(model, end))
    }

    /// The states of all callbacks that have one.
    pub(in crate::model) fn states(&self) -> Vec<CallbackState> {
        self.0.iter().filter_map(|callback| callback.state()).collect()
    }

    /// Restores the state of each callback that has one. The callbacks must be the same as in the checkpoint.
    pub(in crate::model) fn restore(&mut self, states: &[CallbackState]) -> Result<()> {
        let remembering = self.0.iter_mut().filter_map(|callback| callback.state().map(|own| (callback, own)));
        let mut states = states.iter();
        for (callback, own) in remembering {
            match states.next() {
                Some(state) if state.name() == own.name() => callback.restore(state)?,
                _ => return Err(other_callbacks(&own, "was not among")),
            }
        }
        states.next().map_or(Ok(()), |state| Err(other_callbacks(state, "was among")))
    }

    /// Calls a hook of every callback, so that none misses a step that a checkpoint counts, and returns the strongest
    /// [`Stop`](super::Stop).
    fn flow(&mut self, mut hook: impl FnMut(&mut dyn Callback) -> Result<Flow>) -> Result<Flow> {
        let mut stop = None;
        for callback in &mut self.0 {
            if let ControlFlow::Break(answer) = hook(*callback)? {
                stop = stop.max(Some(answer));
            }
        }
        Ok(stop.map_or(Flow::Continue(()), Flow::Break))
    }
}

fn other_callbacks(state: &CallbackState, how: &str) -> Error {
    let name = state.name();
    Error::other(format!(
        "the callback {name} {how} those of the checkpoint; resume with the same callbacks in the same order, or continue \
         from its weights alone"
    ))
}
