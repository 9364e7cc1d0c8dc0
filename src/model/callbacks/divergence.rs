//! The reaction to a loss that is NaN or infinite: an error, or the last good weights with an optional lower learning rate.

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

/// Detects divergence: a loss that is NaN or infinite, after each step, and such weights, after each epoch. It creates an
/// [`Error::Diverged`], which names the first layer whose output was not finite.
///
/// | constructor | reaction |
/// |---|---|
/// | [`stop`](Divergence::stop) | `fit` returns the error |
/// | [`restore_last_good`](Divergence::restore_last_good) | training stops with the last good weights |
/// | [`lower_rate`](Divergence::lower_rate) | training continues from the last good weights with a lower learning rate |
///
/// ```
/// # use gradus::{Compile, Fit, Progress, Sequential, data::Arrays, layers::Dense, losses::MeanSquaredError, optimizers::Sgd};
/// # let data = Arrays::new(ndarray::arr2(&[[0.0f32], [1.0]]), ndarray::arr2(&[[1.0f32], [3.0]]))?;
/// # let settings = Compile::new(Sgd::new(1e30), MeanSquaredError::new());
/// # let mut model = Sequential::new([1]).add(Dense::new(1)).compile(settings)?;
/// use gradus::Divergence;
/// let mut divergence = Divergence::restore_last_good();
/// model.fit(&data, Fit::new().epochs(50).progress(Progress::Quiet).callback(&mut divergence))?;
/// assert_eq!(divergence.seen().len(), 1);
/// assert!(model.predict(&ndarray::arr2(&[[1.0]]))?.iter().all(|value| value.is_finite()));
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// Weights are good if a step from them had a finite loss. The last two reactions keep a copy of good weights, running
/// statistics and optimizer state in memory: those at the beginning, then those of every 100th step. The counters of steps and
/// epochs are not reset: training continues with the next batch and other random numbers, and the mean loss of the epoch
/// remains NaN in the history. The lower learning rate replaces a schedule of the optimizer.
///
/// Keras has only [`TerminateOnNan`](super::TerminateOnNan).
///
/// # Errors
/// `fit` returns [`Error::Setting`] if an option is out of range, or if the last two reactions are used with
/// [`Fit::sharded_optimizer_state`](crate::Fit::sharded_optimizer_state), and [`Error::Diverged`] as described above.
#[derive(Debug)]
#[must_use]
pub struct Divergence {
    answer: Answer,
    every_steps: u64,
    most: u64,
    /// Weights from which a step had a finite loss; initially those at the beginning.
    good: Option<Snapshot>,
    /// Weights from which no step has been computed yet, if `waiting`.
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
    /// Creates a callback that ends `fit` with [`Error::Diverged`]. The model keeps the weights after the step.
    pub fn stop() -> Divergence {
        Divergence::new(Answer::Stop)
    }

    /// Creates a callback that restores the last good weights and stops training.
    pub fn restore_last_good() -> Divergence {
        Divergence::new(Answer::Restore)
    }

    /// Creates a callback that restores the last good weights, multiplies the learning rate by `factor`, 0 < factor < 1, and
    /// continues training. After nine reductions, the next divergence ends `fit` with [`Error::Diverged`] and the last good
    /// weights.
    pub fn lower_rate(factor: f32) -> Divergence {
        Divergence::new(Answer::LowerRate(factor))
    }

    fn new(answer: Answer) -> Divergence {
        let (every_steps, most) = (100, 9);
        Divergence { answer, every_steps, most, good: None, next: None, waiting: false, times: 0, seen: Vec::new() }
    }

    /// Sets the number of steps between copies of the weights, at least 1. Fewer steps lose less progress and take more time
    /// for copies. Defaults to 100.
    pub fn every_steps(mut self, steps: u64) -> Divergence {
        self.every_steps = steps;
        self
    }

    /// Sets the maximum number of reductions of the learning rate. Defaults to 9.
    pub fn most(mut self, times: u64) -> Divergence {
        self.most = times;
        self
    }

    /// The divergences of the last `fit`, in order, each an [`Error::Diverged`].
    pub fn seen(&self) -> &[Error] {
        &self.seen
    }

    /// Marks the waiting weights as good, as a step from them had a finite loss, and copies weights every `every_steps` steps.
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
        self.good.as_ref().map_or(Ok(()), |good| good.restore_to(model))?;
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
    fn train_begin(&mut self, model: &mut Model, begin: &TrainBegin<'_>) -> Result<()> {
        let steps = self.every_steps;
        check_setting(steps > 0, "Divergence", "every_steps", steps, "at least 1")?;
        if let Answer::LowerRate(factor) = self.answer {
            check_setting(0.0 < factor && factor < 1.0, "Divergence", "factor", factor, "> 0 and < 1")?;
        }
        (self.waiting, self.times) = (false, 0);
        self.seen.clear();
        if self.answer != Answer::Stop {
            let expected =
                "false with Divergence::restore_last_good and lower_rate, which copy the state of the optimizer";
            let sharded = begin.sharded_optimizer_state;
            check_setting(!sharded, "Fit", "sharded_optimizer_state", "true", expected)?;
            // After a resume, both are the weights of the checkpoint until `restore` sets them.
            (self.good, self.next) = (Some(Snapshot::of(model)?), Some(Snapshot::of(model)?));
        }
        Ok(())
    }

    fn batch_end(&mut self, model: &mut Model, end: &BatchEnd<'_>) -> Result<Flow> {
        let Some(place) = end.not_finite else { return self.keep(model).map(Flow::Continue) };
        let error = Error::Diverged { epoch: end.epoch, step: model.step(), loss: end.loss, place: place.into() };
        self.answer(model, error)
    }

    /// Checks the update of the last step, which no later step of the epoch evaluates.
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

/// Weights, running statistics, and the state of the optimizer.
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

    fn restore_to(&self, model: &mut Model) -> Result<()> {
        let Model { architecture, training, changed, .. } = model;
        *changed = true;
        let params = architecture.params_mut();
        let training = training.as_mut().ok_or(Error::NotCompiled { place: "fit" })?;
        training.optimizer.copy_from(params, &self.optimizer, &self.params);
        params.assign(&self.params)
    }

    /// All arrays by their names in checkpoints, with those of the optimizer.
    fn as_params(&self) -> Params {
        let mut all = self.params.clone();
        for StateArray { name, shape, values } in self.optimizer.arrays(&self.params) {
            let added = all.insert(&name, shape, values.to_vec(), false);
            added.expect("names of optimizer state differ from those of weights in files");
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
