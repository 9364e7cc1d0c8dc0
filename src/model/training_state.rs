//! The state of a training loop on the tape, with checkpoints and resuming.

use super::checkpoint::Checkpoint;
use super::checkpoints::Checkpoints;
use crate::error::{Error, Result, check_setting};
use crate::metrics::{Epoch, History, Metric, RunningScores, ScoredBatch, Scores};
use crate::optimizers::{Optimizer, OptimizerState};
use crate::random::Key;
use crate::save::in_code;
use crate::tape::{ParamGradients, Params, Tape};
use sha2::{Digest, Sha256};
use std::time::Instant;

/// The state of a training loop on the tape: parameters, optimizer with its state, number of steps, running means of
/// the scores, and history. [`Checkpoints`] contain all of it, so that an interrupted loop ends with the
/// bits of an uninterrupted one, except for the seconds in its history.
///
/// The program implements the loop. Its random draws and its choice of rows must depend only on [`step`](Self::step),
/// [`epoch`](Self::epoch) and [`batch`](Self::batch).
///
/// ```
/// use gradus::data::{Arrays, Batches, Dataset};
/// use gradus::metrics::{MeanAbsoluteError, ScoredBatch};
/// use gradus::optimizers::Adam;
/// use gradus::tape::{Mode, Params, Recorder};
/// use gradus::{Checkpoints, Key, TrainingState};
/// use ndarray::arr2;
///
/// /// Trains up to an epoch, from the newest checkpoint in a folder if there is one.
/// fn train(folder: &str, epochs: u64) -> gradus::Result<TrainingState> {
///     let data = Arrays::new(&arr2(&[[1.0f32], [2.0], [3.0], [4.0]]), &arr2(&[[2.0f32], [4.0], [6.0], [8.0]]))?;
///     let mut params = Params::new();
///     let weight = params.add("weight", &arr2(&[[0.0]]))?;
///     let recorder = Recorder::new(Mode::Training);
///     let (x, t) = (recorder.input([2, 1]), recorder.input([2, 1]));
///     let y = x.matmul(recorder.parameter(&params, weight));
///     let loss = y.mean_squared_error(t);
///     recorder.minimize(loss);
///     let [x, t, y, loss] = [x, t, y, loss].map(|var| var.id());
///     let mut tape = recorder.finish()?;
///
///     let (key, mut batches) = (Key::from_seed(1), Batches::new(data.len(), 2)?);
///     let mut checkpoints = Checkpoints::new(folder);
///     let mut state = TrainingState::new(params, Adam::new(0.1))?
///         .metric(MeanAbsoluteError::default())?
///         .steps_per_epoch(batches.len() as u64)?
///         .setting("rows", data.len() as f64)?;
///     if let Some(checkpoint) = checkpoints.resume()? {
///         state.resume(&checkpoint)?;
///     }
///     while state.epoch() < epochs {
///         batches.shuffle(key.split(state.epoch()));
///         let [inputs, targets] = tape.input_slices([x, t]);
///         data.gather(batches.batch(state.batch()), inputs, targets);
///         state.train_step(&mut tape, key)?;
///         let batch = ScoredBatch::values(tape.view(y), tape.view(t));
///         state.add(f64::from(tape.value(loss).sum()), &batch)?;
///         if state.batch() == 0 {
///             state.report(None);
///             state.save(&mut checkpoints)?;
///         }
///     }
///     Ok(state)
/// }
///
/// let folder = std::env::temp_dir().join(format!("gradus-doc-training-state-{}", std::process::id()));
/// let [whole, parts] = ["whole", "parts"].map(|name| folder.join(name).display().to_string());
/// let whole = train(&whole, 4)?;
/// train(&parts, 2)?;
/// let resumed = train(&parts, 4)?;
/// assert_eq!(resumed.params().sha256(), whole.params().sha256());
/// assert_eq!(resumed.history().get("loss"), whole.history().get("loss"));
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Debug)]
pub struct TrainingState {
    params: Params,
    optimizer: OptimizerState,
    gradients: ParamGradients,
    step: u64,
    steps_per_epoch: Option<u64>,
    running: RunningScores,
    history: History,
    /// Seconds of the steps since the last entry of the history.
    seconds: f64,
    /// When the last call ended.
    clock: Instant,
    /// Numbers that must be equal when training resumes.
    settings: Vec<(String, f64)>,
}

impl TrainingState {
    /// Creates the state before the first step.
    ///
    /// # Errors
    /// The optimizer's settings are out of range.
    pub fn new(params: Params, optimizer: impl Optimizer + 'static) -> Result<TrainingState> {
        Ok(TrainingState {
            optimizer: OptimizerState::new(optimizer, &params)?,
            gradients: ParamGradients::new(&params),
            params,
            step: 0,
            steps_per_epoch: None,
            running: RunningScores::new(),
            history: History::new("step"),
            seconds: 0.0,
            clock: Instant::now(),
            settings: Vec::new(),
        })
    }

    /// Adds a metric to the scores.
    ///
    /// # Errors
    /// The metric's settings are out of range, or its name is `loss` or that of another metric.
    pub fn metric(mut self, metric: impl Metric + 'static) -> Result<TrainingState> {
        self.running = self.running.metric(metric)?;
        Ok(self)
    }

    /// Sets the number of steps per epoch. Entries of the [`history`](Self::history) are then numbered by epoch instead
    /// of by step.
    ///
    /// # Errors
    /// [`Error::Setting`] if `steps` is 0. [`Error::Other`] if it is set twice.
    pub fn steps_per_epoch(mut self, steps: u64) -> Result<TrainingState> {
        check_setting(steps > 0, "TrainingState", "steps_per_epoch", 0, "at least 1")?;
        self.steps_per_epoch = Some(steps);
        self.history.unit = "epoch";
        self.setting("steps_per_epoch", steps as f64)
    }

    /// Adds a number that must be equal when training resumes, such as the seed, the batch size or the number of rows.
    /// Integers are exact up to 2⁵³. The optimizer and its settings are compared automatically.
    ///
    /// # Errors
    /// The name contains a slash, or it is already used by another setting or by the state.
    pub fn setting(mut self, name: &str, value: f64) -> Result<TrainingState> {
        if OWN.contains(&name) || name.contains('/') || self.settings.iter().any(|(other, _)| other == name) {
            let expected = "a unique name without a slash";
            return Err(Error::other(format!("TrainingState: found the setting name \"{name}\", expected {expected}")));
        }
        self.settings.push((name.into(), value));
        Ok(self)
    }

    /// The parameters.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The optimizer.
    pub fn optimizer(&self) -> &dyn Optimizer {
        self.optimizer.optimizer()
    }

    /// The state of the optimizer.
    pub fn optimizer_state(&self) -> &OptimizerState {
        &self.optimizer
    }

    /// Number of completed steps.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Number of completed epochs, or 0 without a [number of steps per epoch](Self::steps_per_epoch).
    pub fn epoch(&self) -> u64 {
        self.steps_per_epoch.map_or(0, |steps| self.step / steps)
    }

    /// Number of completed steps of the current epoch, or 0 without a [number of steps per epoch](Self::steps_per_epoch).
    pub fn batch(&self) -> usize {
        self.steps_per_epoch.map_or(0, |steps| (self.step % steps) as usize)
    }

    /// The history of [reported](Self::report) scores.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Runs a training step on the batch in the tape's inputs: forward, backward, update of the parameters. Random draws of
    /// step n, counted from 1, use the key `key.split(n)`.
    ///
    /// # Errors
    /// [`Error::Fault`] if an operation encounters an invalid value. The state does not change then.
    ///
    /// # Panics
    /// If the tape was recorded for other parameters.
    pub fn train_step(&mut self, tape: &mut Tape, key: Key) -> Result<()> {
        let step = self.step.saturating_add(1);
        self.optimizer.set_averaged(&mut self.params, false);
        tape.run(&self.params, key.split(step))?;
        let update = self.optimizer.step(step);
        self.optimizer.backward_and_update(update, tape, &mut self.params, &mut self.gradients);
        tape.commit(&mut self.params);
        self.step = step;
        self.seconds += self.clock.elapsed().as_secs_f64();
        self.clock = Instant::now();
        Ok(())
    }

    /// Adds a batch with its mean loss to the scores.
    ///
    /// # Errors
    /// Those of [`RunningScores::add`].
    pub fn add(&mut self, loss: f64, batch: &ScoredBatch<'_>) -> Result<()> {
        self.running.add(loss, batch)
    }

    /// Appends an entry to the history: the scores of the batches since the last entry, and validation scores if there
    /// are any.
    ///
    /// The `seconds` of the entry are the total time of its steps. Each step is timed from the end of the previous step,
    /// entry or checkpoint. Work between a step and its entry, such as validation, is excluded.
    pub fn report(&mut self, validation: Option<Scores>) {
        let number = if self.steps_per_epoch.is_some() { self.epoch() } else { self.step };
        let learning_rate = self.optimizer.step(self.step.max(1)).learning_rate;
        let (scores, seconds) = (self.running.scores(), std::mem::take(&mut self.seconds));
        self.history.epochs.push(Epoch { number, scores, validation, seconds, learning_rate });
        self.running.clear();
        self.clock = Instant::now();
    }

    /// Writes a checkpoint atomically, and removes those that are no longer kept.
    ///
    /// # Errors
    /// Those of [`Checkpoints::save`].
    pub fn save(&mut self, checkpoints: &mut Checkpoints) -> Result<()> {
        checkpoints.save(&self.checkpoint())?;
        self.clock = Instant::now();
        Ok(())
    }

    /// Returns a copy of the state as a checkpoint.
    pub fn checkpoint(&self) -> Checkpoint {
        let mut checkpoint = Checkpoint::new(self.step, &self.params, &self.optimizer)
            .with_history(&self.history)
            .with("optimizer", digest(self.optimizer()))
            .with("seconds", self.seconds);
        for (name, value) in self.running.numbers().into_iter().chain(self.settings.iter().cloned()) {
            checkpoint = checkpoint.with(name, value);
        }
        checkpoint
    }

    /// Restores the state of a checkpoint. On an error, nothing changes.
    ///
    /// # Errors
    /// The checkpoint is of a [`Model`](crate::Model), of another optimizer, of parameters with other names or shapes,
    /// of other metrics, or has other [settings](Self::setting).
    pub fn resume(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        if checkpoint.model.is_some() {
            return Err(checkpoint.other("Model::fit wrote it, not a training loop on the tape".into()));
        }
        for (name, value) in &self.settings {
            checkpoint.check(name, *value)?;
        }
        if checkpoint.number("optimizer")? != digest(self.optimizer()) {
            return Err(checkpoint.other(format!("its optimizer is not {}", in_code(&self.optimizer().spec()))));
        }
        let seconds = checkpoint.number("seconds")?;
        let (mut params, mut optimizer) = (self.params.clone(), self.optimizer.clone());
        checkpoint.restore(&mut params, &mut optimizer)?;
        self.running.restore(|name| checkpoint.number(name))?;
        (self.params, self.optimizer) = (params, optimizer);
        (self.step, self.seconds) = (checkpoint.step(), seconds);
        self.history.epochs = checkpoint.epochs().to_vec();
        self.clock = Instant::now();
        Ok(())
    }
}

/// Numbers in a checkpoint that are not settings.
const OWN: [&str; 3] = ["step", "seconds", "optimizer"];

/// A 48-bit digest of the optimizer and its settings.
fn digest(optimizer: &dyn Optimizer) -> f64 {
    let hash = Sha256::digest(optimizer.spec().to_string());
    hash.iter().take(6).fold(0.0, |digest, byte| 256.0 * digest + f64::from(*byte))
}
