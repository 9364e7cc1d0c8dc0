//! A callback that stops training when a score has stopped improving.

use super::callback::Callback;
use super::flow::{Flow, Stop};
use super::moments::{EpochEnd, TrainBegin, TrainEnd};
use super::monitor::Monitor;
use crate::error::{Result, check_setting};
use crate::metrics::Direction;
use crate::model::Model;
use crate::save::CallbackState;
use crate::tape::Params;
use std::ops::ControlFlow;

/// Stops training when a score has not improved for a number of epochs. Keras' `EarlyStopping`.
///
/// ```
/// use gradus::callbacks::EarlyStopping;
/// let stopping = EarlyStopping::new("val_loss").patience(3).restore_best_weights(true);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct EarlyStopping {
    monitor: Monitor,
    /// Whether lower or higher scores are better; set when training begins.
    direction: Direction,
    min_delta: f64,
    patience: usize,
    baseline: Option<f64>,
    restore_best_weights: bool,
    start_from_epoch: usize,
    /// The best score and its epoch in this training, counted from 1. Before the first epoch they are NaN and 0.
    best: f64,
    best_epoch: usize,
    wait: usize,
    weights: Option<Params>,
}

impl EarlyStopping {
    /// Stops at the first epoch that does not improve the score and keeps the last weights, as Keras does by default.
    pub fn new(monitor: impl Into<Monitor>) -> EarlyStopping {
        EarlyStopping {
            monitor: monitor.into(),
            direction: Direction::Lower,
            min_delta: 0.0,
            patience: 0,
            baseline: None,
            restore_best_weights: false,
            start_from_epoch: 0,
            best: f64::NAN,
            best_epoch: 0,
            wait: 0,
            weights: None,
        }
    }

    /// Sets the minimum improvement, 0 ≤ min_delta. Default: 0.
    pub fn min_delta(mut self, min_delta: f64) -> EarlyStopping {
        self.min_delta = min_delta;
        self
    }

    /// Sets the number of epochs without an improvement after which training stops. Default: 0.
    pub fn patience(mut self, patience: usize) -> EarlyStopping {
        self.patience = patience;
        self
    }

    /// Sets a baseline that the score must improve on to reset the patience. Default: none.
    pub fn baseline(mut self, baseline: f64) -> EarlyStopping {
        self.baseline = Some(baseline);
        self
    }

    /// Sets whether training ends with the weights of the best epoch, even if it was not stopped early. Until a score
    /// improves on an earlier one, the best epoch is the first. Default: `false`.
    pub fn restore_best_weights(mut self, restore: bool) -> EarlyStopping {
        self.restore_best_weights = restore;
        self
    }

    /// Sets the number of epochs before the score is monitored. Default: 0.
    pub fn start_from_epoch(mut self, epochs: usize) -> EarlyStopping {
        self.start_from_epoch = epochs;
        self
    }

    /// The best epoch of this training, counted from 1, or `None` before the first.
    pub fn best_epoch(&self) -> Option<usize> {
        (self.best_epoch > 0).then_some(self.best_epoch)
    }

    fn keep(&mut self, model: &Model) -> Result<()> {
        if !self.restore_best_weights {
            return Ok(());
        }
        match &mut self.weights {
            Some(weights) => weights.assign(model.params()),
            None => {
                self.weights = Some(model.params().clone());
                Ok(())
            }
        }
    }
}

impl Callback for EarlyStopping {
    fn train_begin(&mut self, _model: &mut Model, begin: &TrainBegin<'_>) -> Result<()> {
        check_setting(self.min_delta >= 0.0, "EarlyStopping", "min_delta", self.min_delta, "≥ 0")?;
        (self.best, self.best_epoch, self.wait, self.weights) = (f64::NAN, 0, 0, None);
        self.direction = self.monitor.direction(begin.scores)?;
        Ok(())
    }

    fn epoch_end(&mut self, model: &mut Model, end: &EpochEnd<'_>) -> Result<Flow> {
        let epoch = end.history.epochs.len();
        let Some(score) = end.epoch.get(self.monitor.name()) else { return Ok(Flow::Continue(())) };
        if epoch <= self.start_from_epoch {
            return Ok(Flow::Continue(()));
        }
        self.wait += 1;
        if self.best_epoch == 0 || self.direction.is_better_by(self.min_delta, score, self.best) {
            (self.best, self.best_epoch) = (score, epoch);
            self.keep(model)?;
            if self.baseline.is_none_or(|baseline| self.direction.is_better_by(self.min_delta, score, baseline)) {
                self.wait = 0;
            }
        } else if self.wait >= self.patience && epoch > 1 {
            return Ok(ControlFlow::Break(Stop::Done));
        }
        Ok(Flow::Continue(()))
    }

    fn train_end(&mut self, model: &mut Model, end: &TrainEnd<'_>) -> Result<()> {
        match &self.weights {
            // Paused training resumes from the last weights.
            Some(weights) if end.stop != Some(Stop::Paused) => model.params_mut().assign(weights),
            _ => Ok(()),
        }
    }

    fn state(&self) -> Option<CallbackState> {
        let state = CallbackState::new("EarlyStopping").with("best", self.best).with("wait", self.wait as f64);
        let state = state.with("best_epoch", self.best_epoch as f64);
        Some(self.weights.iter().fold(state, |state, weights| state.with_params(weights)))
    }

    fn restore(&mut self, state: &CallbackState) -> Result<()> {
        self.best = state.number("best")?;
        self.best_epoch = state.number("best_epoch")? as usize;
        self.wait = state.number("wait")? as usize;
        self.weights = (!state.params().is_empty()).then(|| state.params().clone());
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Callback>> {
        let stopping = || EarlyStopping::new("val_loss").patience(1);
        vec![Box::new(stopping()), Box::new(stopping().restore_best_weights(true))]
    }
}
