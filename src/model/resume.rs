//! Checkpoints of the training loop: creation, checks and restoring.

use super::Model;
use super::callbacks::{Callbacks, Stop};
use super::checkpoint::Checkpoint;
use super::compiled::{Counters, Training};
use super::matched_dataset::MatchedDataset;
use super::training::TrainingLoop;
use crate::error::{Error, Result};
use crate::save::TrainingSpec;
use sha2::{Digest, Sha256};

/// Maximum number of rows in the digest of a dataset.
const DIGEST_ROWS: usize = 32;

impl TrainingLoop<'_> {
    /// Creates a checkpoint of the complete training state.
    pub(super) fn checkpoint(&self, model: &Model, callbacks: &Callbacks<'_>) -> Result<Checkpoint> {
        let training = model.compiled("fit")?;
        let mut checkpoint = Checkpoint::new(training.counters.step, model.params(), &training.optimizer)
            .with_history(&self.history)
            .with("start", self.start as f64)
            .with("batch", self.current.batch as f64)
            .with("seconds", self.current.seconds)
            .with("learning_rate", self.current.learning_rate.into())
            .with("done", f64::from(self.stop == Some(Stop::Done)));
        for (name, value) in self.settings() {
            checkpoint = checkpoint.with(name, value);
        }
        for (name, value, default) in self.added_settings() {
            if value != default {
                checkpoint = checkpoint.with(name, value);
            }
        }
        let means = &self.current.means;
        let optional = means.optional().filter_map(|(name, mean)| mean.map(|mean| (name, mean)));
        for (name, mean) in means.named().chain(optional) {
            checkpoint = checkpoint.with_mean(&name, mean);
        }
        checkpoint.model = Some(model.description());
        checkpoint.record.states = callbacks.states();
        Ok(checkpoint)
    }

    /// Restores the state of a checkpoint. If it does not fit, nothing changes.
    pub(super) fn resume(&mut self, model: &mut Model, checkpoint: &Checkpoint) -> Result<()> {
        let at = check_model(model, checkpoint)?;
        self.check_settings(checkpoint)?;
        let number = |name: &str| checkpoint.number(name);
        let (start, batch, seconds) = (number("start")? as u64, number("batch")? as usize, number("seconds")?);
        let (learning_rate, done) = (number("learning_rate")? as f32, number("done")? != 0.0);
        let mut means = self.current.means.clone();
        for (name, mean) in means.named_mut() {
            *mean = checkpoint.mean(&name)?;
        }
        for (name, mean) in means.optional_mut() {
            *mean = checkpoint.has_mean(&name).then(|| checkpoint.mean(&name)).transpose()?;
        }
        let Model { architecture, training, .. } = model;
        let Training { optimizer, counters, .. } = training.as_mut().ok_or(Error::NotCompiled { place: "fit" })?;
        checkpoint.restore(architecture.params_mut(), optimizer)?;
        *counters = at;
        self.current.means = means;
        (self.current.batch, self.current.seconds, self.current.learning_rate) = (batch, seconds, learning_rate);
        self.epochs = self.epochs - self.start + start;
        self.start = start;
        self.stop = done.then_some(Stop::Done);
        self.history.epochs.clone_from(&checkpoint.record.epochs);
        Ok(())
    }

    /// The settings outside the model that determine the bits, as numbers.
    pub(super) fn settings(&self) -> [(&'static str, f64); 5] {
        [
            ("batch_size", self.batches.batch_size() as f64),
            ("shuffle", f64::from(self.shuffle)),
            ("rows", self.data.len() as f64),
            ("data", digest(&self.data)),
            ("validation", self.evaluation.as_ref().map_or(0.0, |evaluation| digest(&evaluation.matched))),
        ]
    }

    /// Settings that only some checkpoints have, as numbers, with their defaults.
    pub(super) fn added_settings(&self) -> [(&'static str, f64, f64); 2] {
        [("shuffle_by_length", self.shuffle_by_length as f64, 0.0), ("shards", self.shards.0 as f64, 1.0)]
    }

    fn check_settings(&self, checkpoint: &Checkpoint) -> Result<()> {
        for (name, here) in self.settings() {
            let differs = checkpoint.number(name)? != here;
            match name {
                "data" if differs => return Err(checkpoint.other("it was trained on different rows".into())),
                "validation" if differs => return Err(checkpoint.other("it was validated on different rows".into())),
                _ => checkpoint.check(name, here)?,
            }
        }
        for (name, here, default) in self.added_settings() {
            let there = checkpoint.number(name).unwrap_or(default);
            if there != here {
                return Err(checkpoint.other(format!("it was trained with {name} {there}, expected {here}")));
            }
        }
        Ok(())
    }
}

/// Returns the counters in a checkpoint, which must be of the same model with the same settings.
fn check_model(model: &Model, checkpoint: &Checkpoint) -> Result<Counters> {
    let here = model.description();
    let Some(there) = &checkpoint.model else {
        return Err(checkpoint.other("a training loop on the tape wrote it, not Model::fit".into()));
    };
    if let Some(difference) = there.difference(&here) {
        return Err(checkpoint.other(difference));
    }
    let training = there.training.as_ref();
    let counters = training.map(|&TrainingSpec { key, epoch, step, learning_rate, .. }| Counters {
        key,
        epoch,
        step,
        learning_rate,
    });
    counters.ok_or(Error::NotCompiled { place: "fit" })
}

/// A 48-bit digest of evenly spaced rows of a dataset. Reading all rows of a large dataset would take about a second.
fn digest(data: &MatchedDataset<'_>) -> f64 {
    let shown = data.len().min(DIGEST_ROWS);
    let rows: Vec<usize> = (0..shown).map(|at| at * data.len() / shown).collect();
    let mut hasher = Sha256::new();
    data.values(&rows).iter().for_each(|value| hasher.update(value.to_le_bytes()));
    hasher.finalize().iter().take(6).fold(0.0, |digest, byte| 256.0 * digest + f64::from(*byte))
}
