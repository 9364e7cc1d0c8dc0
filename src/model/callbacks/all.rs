//! A list of callbacks that are called one after another.

use super::callback::Callback;
use super::flow::Flow;
use super::moments::{BatchEnd, EpochBegin, EpochEnd, TrainBegin, TrainEnd};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::save::CallbackState;
use std::ops::ControlFlow;

/// The callbacks of one training, in call order.
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

    /// Restores the states of all callbacks that have one. The callbacks must be those that the states came from.
    pub(in crate::model) fn restore(&mut self, states: &[CallbackState]) -> Result<()> {
        let stateful = self.0.iter_mut().filter_map(|callback| callback.state().map(|own| (callback, own)));
        let mut states = states.iter();
        for (callback, own) in stateful {
            match states.next() {
                Some(state) if state.name() == own.name() => callback.restore(state)?,
                _ => return Err(other_callbacks(&own, "is not among")),
            }
        }
        states.next().map_or(Ok(()), |state| Err(other_callbacks(state, "is among")))
    }

    /// Calls every callback, even after one stops training, so that each sees every step that a checkpoint counts.
    /// Returns the strongest request to stop.
    fn flow(&mut self, mut call: impl FnMut(&mut dyn Callback) -> Result<Flow>) -> Result<Flow> {
        let mut stop = None;
        for callback in &mut self.0 {
            if let ControlFlow::Break(reason) = call(*callback)? {
                stop = stop.max(Some(reason));
            }
        }
        Ok(stop.map_or(Flow::Continue(()), Flow::Break))
    }
}

fn other_callbacks(state: &CallbackState, how: &str) -> Error {
    let name = state.name();
    Error::other(format!(
        "the callback {name} {how} those of the checkpoint; resume with the same callbacks in the same order, or load only \
         its weights"
    ))
}
