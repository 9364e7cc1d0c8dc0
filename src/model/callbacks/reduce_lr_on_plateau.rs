//! Reduction of the learning rate when a score no longer improves.

use super::callback::Callback;
use super::flow::Flow;
use super::moments::{EpochEnd, TrainBegin};
use super::monitor::Monitor;
use crate::error::{Result, check_setting};
use crate::metrics::Direction;
use crate::model::Model;
use crate::save::CallbackState;

/// Multiplies the learning rate by a factor when a score has not improved for a number of epochs, the patience.
/// `ReduceLROnPlateau` in Keras.
///
/// The new learning rate replaces a schedule of the optimizer. Whether lower or higher scores are better follows from the
/// [`Monitor`]. The state is part of checkpoints.
///
/// ```
/// # use gradus::{Compile, Fit, Progress, Sequential, data::Arrays, layers::Dense, losses::MeanSquaredError, optimizers::Sgd};
/// # let data = Arrays::new(ndarray::arr2(&[[0.0f32], [1.0]]), ndarray::arr2(&[[1.0f32], [3.0]]))?;
/// # let settings = Compile::new(Sgd::new(0.1), MeanSquaredError::new());
/// # let mut model = Sequential::new([1]).add(Dense::new(1)).compile(settings)?;
/// use gradus::callbacks::ReduceLrOnPlateau;
/// let mut reduce = ReduceLrOnPlateau::new("loss").factor(0.5).patience(1).min_delta(100.0); // epochs 2 and 3 do not improve
/// model.fit(&data, Fit::new().epochs(3).progress(Progress::Quiet).callback(&mut reduce))?;
/// assert_eq!(model.learning_rate(), 0.025);
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// `fit` returns [`Error::Setting`](crate::Error::Setting) if an option is out of range,
/// [`Error::UnknownScore`](crate::Error::UnknownScore) if training does not report the score, and
/// [`Error::Undirected`](crate::Error::Undirected) if the score has no direction.
#[derive(Clone, Debug)]
#[must_use]
pub struct ReduceLrOnPlateau {
    monitor: Monitor,
    /// The direction of the score, set when training begins.
    direction: Direction,
    factor: f64,
    patience: usize,
    min_delta: f64,
    cooldown: usize,
    min_learning_rate: f32,
    best: Option<f64>,
    wait: usize,
    cooling: usize,
}

impl ReduceLrOnPlateau {
    /// Creates the callback with factor 0.1, a patience of 10 epochs and a minimum improvement of 10⁻⁴, as in Keras.
    pub fn new(monitor: impl Into<Monitor>) -> ReduceLrOnPlateau {
        ReduceLrOnPlateau {
            monitor: monitor.into(),
            direction: Direction::Lower,
            factor: 0.1,
            patience: 10,
            min_delta: 1e-4,
            cooldown: 0,
            min_learning_rate: 0.0,
            best: None,
            wait: 0,
            cooling: 0,
        }
    }

    /// Sets the factor of the learning rate, 0 ≤ factor < 1. Defaults to 0.1.
    pub fn factor(mut self, factor: f64) -> ReduceLrOnPlateau {
        self.factor = factor;
        self
    }

    /// Sets the number of epochs without improvement after which the learning rate is reduced. Defaults to 10.
    pub fn patience(mut self, patience: usize) -> ReduceLrOnPlateau {
        self.patience = patience;
        self
    }

    /// Sets the difference that a score must exceed to count as an improvement, ≥ 0. Defaults to 10⁻⁴.
    pub fn min_delta(mut self, min_delta: f64) -> ReduceLrOnPlateau {
        self.min_delta = min_delta;
        self
    }

    /// Sets the number of epochs after a reduction in which the patience is not counted. Defaults to 0.
    pub fn cooldown(mut self, epochs: usize) -> ReduceLrOnPlateau {
        self.cooldown = epochs;
        self
    }

    /// Sets the minimum learning rate, finite and ≥ 0. Defaults to 0. `min_lr` in Keras.
    pub fn min_learning_rate(mut self, rate: f32) -> ReduceLrOnPlateau {
        self.min_learning_rate = rate;
        self
    }

    fn reduce(&mut self, model: &mut Model) -> Result<()> {
        let (rate, least) = (model.learning_rate(), self.min_learning_rate);
        if rate > least {
            model.set_learning_rate(((f64::from(rate) * self.factor) as f32).max(least))?;
            (self.cooling, self.wait) = (self.cooldown, 0);
        }
        Ok(())
    }
}

impl Callback for ReduceLrOnPlateau {
    fn train_begin(&mut self, _model: &mut Model, begin: &TrainBegin<'_>) -> Result<()> {
        let owner = "ReduceLrOnPlateau";
        check_setting((0.0..1.0).contains(&self.factor), owner, "factor", self.factor, "≥ 0 and < 1")?;
        check_setting(self.min_delta >= 0.0, owner, "min_delta", self.min_delta, "≥ 0")?;
        let least = f64::from(self.min_learning_rate);
        check_setting(least >= 0.0 && least.is_finite(), owner, "min_learning_rate", least, "finite and ≥ 0")?;
        (self.best, self.wait, self.cooling) = (None, 0, 0);
        self.direction = self.monitor.direction("ReduceLrOnPlateau", begin.scores)?;
        Ok(())
    }

    fn epoch_end(&mut self, model: &mut Model, end: &EpochEnd<'_>) -> Result<Flow> {
        let Some(score) = end.epoch.get(self.monitor.name()) else { return Ok(Flow::Continue(())) };
        if self.cooling > 0 {
            (self.cooling, self.wait) = (self.cooling - 1, 0);
        }
        if self.best.is_none_or(|best| self.direction.is_better_by(self.min_delta, score, best)) {
            (self.best, self.wait) = (Some(score), 0);
        } else if self.cooling == 0 {
            self.wait += 1;
            if self.wait >= self.patience {
                self.reduce(model)?;
            }
        }
        Ok(Flow::Continue(()))
    }

    fn state(&self) -> Option<CallbackState> {
        let state = CallbackState::new("ReduceLrOnPlateau").with("wait", self.wait as f64);
        let state = state.with("cooling", self.cooling as f64);
        Some(self.best.iter().fold(state, |state, best| state.with("best", *best)))
    }

    fn restore(&mut self, state: &CallbackState) -> Result<()> {
        self.wait = state.number("wait")? as usize;
        self.cooling = state.number("cooling")? as usize;
        self.best = state.number("best").ok();
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Callback>> {
        vec![Box::new(ReduceLrOnPlateau::new("val_loss").factor(0.5).patience(1).cooldown(1))]
    }
}
