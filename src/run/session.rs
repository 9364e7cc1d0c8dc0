//! A run of a training loop on the tape: resuming, checkpoints, and a stop after the last step or a signal.

use super::{Interrupt, Options};
use crate::error::Result;
use crate::model::{Checkpoints, TrainingState};

/// A run of a training loop on the tape, for the number of steps in the [`Options`].
///
/// ```no_run
/// # use gradus::{Key, TrainingState, tape::Tape, run::Options};
/// # fn train(options: &Options, state: TrainingState, mut tape: Tape, key: Key) -> gradus::Result<()> {
/// let (mut state, mut session) = options.session(state)?;
/// while session.proceed(&mut state)? {
///     // fill the inputs of the tape with the rows that follow from `state.step()`
///     state.train_step(&mut tape, key)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Session {
    checkpoints: Checkpoints,
    interrupt: Interrupt,
    steps: u64,
    /// The step and the number of entries in the history when the last checkpoint was written.
    saved: (u64, usize),
}

impl Options {
    /// Begins a run of a training loop on the tape. The seed becomes a [setting](TrainingState::setting) of the state. With
    /// `--resume`, the state becomes that of the newest of its [`checkpoints`](Options::checkpoints).
    ///
    /// # Errors
    /// Returns an error if the checkpoint folder cannot be written to, its checkpoints cannot be read or belong to another
    /// training run, the state already has a setting `seed`, or the process already handles signals.
    pub fn session(&self, state: TrainingState) -> Result<(TrainingState, Session)> {
        let mut state = state.setting("seed", self.seed as f64)?;
        let (interrupt, mut checkpoints) = (Interrupt::new()?, self.checkpoints());
        checkpoints.check_folder()?;
        if self.resume
            && let Some(checkpoint) = checkpoints.resume()?
        {
            state.resume(&checkpoint)?;
        }
        let saved = reached(&state);
        Ok((state, Session { checkpoints, interrupt, steps: self.epochs as u64, saved }))
    }
}

impl Session {
    /// Returns whether to make another step: `false` after the last step, Ctrl-C, or another signal.
    ///
    /// Before that, writes a checkpoint if the history has a new entry, the last checkpoint is ten seconds old, or no step
    /// follows.
    ///
    /// # Errors
    /// Returns an error if a checkpoint cannot be written. Earlier checkpoints are kept.
    pub fn proceed(&mut self, state: &mut TrainingState) -> Result<bool> {
        let (step, entries) = reached(state);
        let ends = step >= self.steps || self.interrupt.pressed();
        let due = ends || entries > self.saved.1 || self.checkpoints.is_due(step);
        if due && (step, entries) != self.saved {
            state.save(&mut self.checkpoints)?;
            self.saved = (step, entries);
        }
        Ok(!ends)
    }
}

/// The step and the number of entries in the history.
fn reached(state: &TrainingState) -> (u64, usize) {
    (state.step(), state.history().epochs.len())
}
