//! A callback that responds to a loss that becomes NaN or infinite.

use super::callback::Callback;
use super::flow::{Flow, Stop};
use super::moments::{BatchEnd, EpochEnd, TrainBegin};
use crate::error::{Error, Result, check_setting};
use crate::model::Model;
use crate::optimizers::{OptimizerState, StateArray};
use crate::save::CallbackState;
use crate::tape::Params;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Responds to a NaN or infinite loss after each step, and to NaN or infinite weights after each epoch. Each such event
/// is an [`Error::Diverged`], which names the first layer whose output was not finite.
///
/// There are three responses. Keras' `TerminateOnNaN` corresponds to the first:
///
/// ```
/// use gradus::Divergence;
/// let divergence = Divergence::stop(); // `fit` ends with the error
/// let divergence = Divergence::restore_last_good(); // training ends with the last good weights; `seen` has the error
/// let divergence = Divergence::lower_rate(0.5); // training continues from them with half the learning rate
/// ```
///
/// Weights are good if a step from them had a finite loss. The last two responses keep a copy of good weights, running
/// statistics and the state of the optimizer in memory: those of the beginning, and then of every hundredth step.
/// Restoring does not reset the counters of steps and epochs, so training continues with the next batch and new random
/// draws. The mean loss of the epoch stays NaN in the history. A lowered rate replaces a schedule; see
/// [`Model::set_learning_rate`].
#[derive(Debug)]
#[must_use]
pub struct Divergence {
    answer: Answer,
    every_steps: u64,
    most: u64,
    /// The last good snapshot, at first that of the beginning.
    good: Option<Snapshot>,
    /// A newer snapshot, valid if `waiting`, from which no step has been made yet.
    next: Option<Snapshot>,
    waiting: bool,
    times: u64,
    seen: Vec<Error>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Stop,
    Restore,
    LowerRate(f32),
}

impl Divergence {
    /// Ends `fit` with [`Error::Diverged`]. The weights are those after the step.
    pub fn stop() -> Divergence {
        Divergence::new(Answer::Stop)
    }

    /// Restores the last good weights and ends training.
    pub fn restore_last_good() -> Divergence {
        Divergence::new(Answer::Restore)
    }

    /// Restores the last good weights, multiplies the learning rate by `factor`, 0 < factor < 1, and continues. By
    /// default, the tenth divergence ends `fit` with [`Error::Diverged`] and the last good weights.
    pub fn lower_rate(factor: f32) -> Divergence {
        Divergence::new(Answer::LowerRate(factor))
    }

    fn new(answer: Answer) -> Divergence {
        let (every_steps, most) = (100, 9);
        Divergence { answer, every_steps, most, good: None, next: None, waiting: false, times: 0, seen: Vec::new() }
    }

    /// Sets the number of steps between copies of the weights. Default: 100. A smaller number loses fewer steps but
    /// copies more often.
    pub fn every_steps(mut self, steps: u64) -> Divergence {
        self.every_steps = steps;
        self
    }

    /// Sets the maximum number of times that the rate is lowered. Default: 9.
    pub fn most(mut self, times: u64) -> Divergence {
        self.most = times;
        self
    }

    /// The errors that occurred in this `fit`, in order. Each is an [`Error::Diverged`].
    pub fn seen(&self) -> &[Error] {
        &self.seen
    }

    /// Marks a snapshot as good once a step from it had a finite loss, and takes a new one every `every_steps` steps.
    fn keep(&mut self, model: &Model) -> Result<()> {
        if self.answer == Answer::Stop {
            return Ok(());
        }
        if self.waiting {
            std::mem::swap(&mut self.good, &mut self.next);
        }
        self.waiting = model.step().is_multiple_of(self.every_steps);
        match &mut self.next {
            Some(next) if self.waiting => next.take(model),
            _ => Ok(()),
        }
    }

    fn answer(&mut self, model: &mut Model, error: Error) -> Result<Flow> {
        self.waiting = false;
        self.times += 1;
        self.good.as_ref().map_or(Ok(()), |good| good.put_back(model))?;
        match self.answer {
            Answer::LowerRate(factor) if self.times <= self.most => {
                model.set_learning_rate(factor * model.learning_rate())?;
                self.seen.push(error);
                Ok(Flow::Continue(()))
            }
            Answer::Restore => {
                self.seen.push(error);
                Ok(ControlFlow::Break(Stop::Done))
            }
            Answer::Stop | Answer::LowerRate(_) => Err(error),
        }
    }
}

impl Callback for Divergence {
    fn train_begin(&mut self, model: &mut Model, _begin: &TrainBegin<'_>) -> Result<()> {
        let steps = self.every_steps;
        check_setting(steps > 0, "Divergence", "every_steps", steps, "at least 1")?;
        if let Answer::LowerRate(factor) = self.answer {
            check_setting(0.0 < factor && factor < 1.0, "Divergence", "factor", factor, "> 0 and < 1")?;
        }
        (self.waiting, self.times) = (false, 0);
        self.seen.clear();
        if self.answer != Answer::Stop {
            // After a resume both are the weights of the checkpoint. `restore` then sets which of them are good.
            (self.good, self.next) = (Some(Snapshot::of(model)?), Some(Snapshot::of(model)?));
        }
        Ok(())
    }

    fn batch_end(&mut self, model: &mut Model, end: &BatchEnd<'_>) -> Result<Flow> {
        let Some(place) = end.not_finite else { return self.keep(model).map(Flow::Continue) };
        let error = Error::Diverged { epoch: end.epoch, step: model.step(), loss: end.loss, place: place.into() };
        self.answer(model, error)
    }

    /// Checks the weights, because no later step of the epoch sees the last update.
    fn epoch_end(&mut self, model: &mut Model, end: &EpochEnd<'_>) -> Result<Flow> {
        let Some(place) = model.params().first_not_finite() else { return Ok(Flow::Continue(())) };
        let (epoch, step, loss) = (end.epoch.number, model.step(), end.epoch.scores.loss);
        self.answer(model, Error::Diverged { epoch, step, loss, place })
    }

    fn state(&self) -> Option<CallbackState> {
        let good = self.good.as_ref()?.as_params();
        let state = CallbackState::new("Divergence").with("times", self.times as f64);
        Some(state.with("waiting", f64::from(self.waiting)).with_params(&good))
    }

    fn restore(&mut self, state: &CallbackState) -> Result<()> {
        self.times = state.number("times")? as u64;
        self.waiting = state.number("waiting")? != 0.0;
        self.good.as_mut().map_or(Ok(()), |good| good.assign(state.params()))
    }
}

/// Weights, running statistics and the state of the optimizer.
#[derive(Debug)]
struct Snapshot {
    params: Params,
    optimizer: OptimizerState,
}

impl Snapshot {
    fn of(model: &Model) -> Result<Snapshot> {
        Ok(Snapshot { params: model.params().clone(), optimizer: model.compiled("fit")?.optimizer.clone() })
    }

    fn take(&mut self, model: &Model) -> Result<()> {
        self.optimizer.copy_from(&self.params, &model.compiled("fit")?.optimizer, model.params());
        self.params.assign(model.params())
    }

    fn put_back(&self, model: &mut Model) -> Result<()> {
        let Model { architecture, training, .. } = model;
        let params = architecture.params_mut();
        let training = training.as_mut().ok_or(Error::NotCompiled { place: "fit" })?;
        training.optimizer.copy_from(params, &self.optimizer, &self.params);
        params.assign(&self.params)
    }

    /// All arrays by name, as checkpoints store them for callbacks. Arrays of the optimizer have the names that they
    /// have in files.
    fn as_params(&self) -> Params {
        let mut all = self.params.clone();
        for StateArray { name, shape, values } in self.optimizer.arrays(&self.params) {
            let added = all.insert(&name, shape, values.to_vec(), false);
            added.expect("optimizer arrays and weights have distinct names");
        }
        all
    }

    fn assign(&mut self, all: &Params) -> Result<()> {
        self.params.assign(all)?;
        let mut stored = BTreeMap::new();
        for StateArray { name, shape, .. } in self.optimizer.arrays(&self.params) {
            let values = all.values(all.id(&name)?).to_vec();
            stored.insert(name, (shape, values));
        }
        self.optimizer.assign(&self.params, &stored)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Callback>> {
        vec![
            Box::new(Divergence::stop()),
            Box::new(Divergence::restore_last_good()),
            Box::new(Divergence::lower_rate(0.5)),
        ]
    }
}
