//! Early stopping: training ends when a score no longer improves.

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

/// Stops training when a score has not improved for a number of epochs, the patience. `EarlyStopping` in Keras.
///
/// Whether lower or higher scores are better follows from the [`Monitor`]. A score that is NaN is no improvement. The state is
/// part of checkpoints.
///
/// ```
/// # use gradus::{Compile, Fit, Progress, Sequential, data::Arrays, layers::Dense, losses::MeanSquaredError, optimizers::Sgd};
/// # let data = Arrays::new(ndarray::arr2(&[[0.0f32], [1.0]]), ndarray::arr2(&[[1.0f32], [3.0]]))?;
/// # let settings = Compile::new(Sgd::new(0.1), MeanSquaredError::new());
/// # let mut model = Sequential::new([1]).add(Dense::new(1)).compile(settings)?;
/// use gradus::callbacks::EarlyStopping;
/// let mut stopping = EarlyStopping::new("loss").min_delta(0.01).patience(3).restore_best_weights(true);
/// let fit = Fit::new().epochs(200).progress(Progress::Quiet).callback(&mut stopping);
/// let history = model.fit(&data, fit)?;
/// assert!(history.epochs.len() < 200 && stopping.best_epoch().is_some());
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// `fit` returns [`Error::Setting`](crate::Error::Setting) if `min_delta` is negative,
/// [`Error::UnknownScore`](crate::Error::UnknownScore) if training does not report the score, and
/// [`Error::Undirected`](crate::Error::Undirected) if the score has no direction.
#[derive(Clone, Debug)]
#[must_use]
pub struct EarlyStopping {
    monitor: Monitor,
    /// The direction of the score, set when training begins.
    direction: Direction,
    min_delta: f64,
    patience: usize,
    baseline: Option<f64>,
    restore_best_weights: bool,
    start_from_epoch: usize,
    /// The best score and the number of its epoch in this run, from 1; NaN and 0 before the first epoch.
    best: f64,
    best_epoch: usize,
    wait: usize,
    weights: Option<Params>,
}

impl EarlyStopping {
    /// Creates the callback with a patience of 0 and without restoring weights, as in Keras.
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

    /// Sets the difference that a score must exceed to count as an improvement, ≥ 0. Defaults to 0.
    pub fn min_delta(mut self, min_delta: f64) -> EarlyStopping {
        self.min_delta = min_delta;
        self
    }

    /// Sets the number of consecutive epochs without improvement after which training stops. Defaults to 0. As in
    /// Keras, 0 and 1 have the same effect: training stops after the first epoch without improvement.
    pub fn patience(mut self, patience: usize) -> EarlyStopping {
        self.patience = patience;
        self
    }

    /// Sets a score that must be exceeded, in the direction of the monitor, for an improvement to reset the count of epochs.
    /// Defaults to none.
    pub fn baseline(mut self, baseline: f64) -> EarlyStopping {
        self.baseline = Some(baseline);
        self
    }

    /// Sets whether the weights of the best epoch are restored at the end of training, even if it was not stopped early.
    /// Defaults to `false`, the weights of the last epoch.
    pub fn restore_best_weights(mut self, restore: bool) -> EarlyStopping {
        self.restore_best_weights = restore;
        self
    }

    /// Sets the number of initial epochs whose scores are ignored. Defaults to 0.
    pub fn start_from_epoch(mut self, epochs: usize) -> EarlyStopping {
        self.start_from_epoch = epochs;
        self
    }

    /// The number of the best epoch in this run, from 1; `None` before the first epoch whose score is not NaN.
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
        self.direction = self.monitor.direction("EarlyStopping", begin.scores)?;
        Ok(())
    }

    fn epoch_end(&mut self, model: &mut Model, end: &EpochEnd<'_>) -> Result<Flow> {
        let epoch = end.history.epochs.len();
        let Some(score) = end.epoch.get(self.monitor.name()) else { return Ok(Flow::Continue(())) };
        if epoch <= self.start_from_epoch {
            return Ok(Flow::Continue(()));
        }
        self.wait += 1;
        let is_best = self.best_epoch == 0 || self.direction.is_better_by(self.min_delta, score, self.best);
        let improved = is_best && !score.is_nan();
        if improved {
            (self.best, self.best_epoch) = (score, epoch);
        }
        // As in Keras, the first score is an improvement even if it is NaN.
        if improved || epoch == self.start_from_epoch + 1 {
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
            // Resumed training continues from the last weights.
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
    use crate::layers::Dense;
    use crate::losses::MeanSquaredError;
    use crate::optimizers::Sgd;
    use crate::{Compile, Fit, Progress, Sequential, data::Arrays};

    #[test]
    fn no_epoch_is_the_best_if_all_scores_are_nan() {
        let settings = Compile::new(Sgd::new(1e30), MeanSquaredError::new());
        let mut model = Sequential::new([1]).add(Dense::new(1)).compile(settings).unwrap();
        model.params_mut().set("dense/kernel", &ndarray::arr2(&[[f32::NAN]])).unwrap();
        let data = Arrays::new(ndarray::arr2(&[[1.0f32]]), ndarray::arr2(&[[1.0f32]])).unwrap();
        let mut stopping = EarlyStopping::new("loss").patience(2).restore_best_weights(true);
        let fit = Fit::new().epochs(9).progress(Progress::Quiet).callback(&mut stopping);
        assert_eq!(model.fit(&data, fit).unwrap().epochs.len(), 3);
        assert_eq!(stopping.best_epoch(), None);
    }

    pub(crate) fn samples() -> Vec<Box<dyn Callback>> {
        let stopping = || EarlyStopping::new("val_loss").patience(1);
        vec![Box::new(stopping()), Box::new(stopping().restore_best_weights(true))]
    }
}
