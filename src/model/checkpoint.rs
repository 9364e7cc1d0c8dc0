//! A checkpoint: the complete state of a training run, in memory or in a file.

use crate::error::{Error, Result};
use crate::files::write_whole;
use crate::metrics::{Epoch, History, Mean};
use crate::optimizers::{OptimizerState, StateArray, StoredArrays};
use crate::save::{self, Description, Record, Store, Stored};
use crate::tape::Params;
use std::path::{Path, PathBuf};

/// The complete state of a training run: weights, running statistics, the state of the optimizer, counters, the history,
/// and the states of callbacks.
///
/// [`Model::fit`](crate::Model::fit) creates and reads checkpoints as configured by
/// [`Fit::checkpoints`](crate::Fit::checkpoints) and [`Fit::resume`](crate::Fit::resume). A training loop on the tape
/// adds its counters and sums by name:
///
/// ```
/// use gradus::{Checkpoint, OptimizerState, metrics::Mean, optimizers::Adam, tape::Params};
/// let mut params = Params::new();
/// params.add("weight", &ndarray::arr1(&[1.0, 2.0]))?;
/// let mut state = OptimizerState::new(Adam::default(), &params)?;
/// let mut loss = Mean::default();
/// loss.add(0.1, 32);
///
/// let path = std::env::temp_dir().join("gradus-doc-checkpoint.safetensors");
/// Checkpoint::new(17, &params, &state).with("seconds", 1.5).with_mean("loss", &loss).save(&path)?;
///
/// let found = Checkpoint::load(&path)?;
/// found.restore(&mut params, &mut state)?;
/// assert_eq!((found.step(), found.number("seconds")?, found.mean("loss")?), (17, 1.5, loss));
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Checkpoint {
    pub(super) params: Params,
    pub(super) optimizer: StoredArrays,
    /// The description of the model, or `None` for a training loop on the tape.
    pub(super) model: Option<Description>,
    pub(super) record: Record,
    /// The file that the checkpoint was read from.
    path: PathBuf,
}

impl Checkpoint {
    /// Creates a checkpoint after `step` steps, with copies of the weights and of the optimizer's state.
    pub fn new(step: u64, params: &Params, optimizer: &OptimizerState) -> Checkpoint {
        let mut arrays = StoredArrays::new();
        for StateArray { name, shape, values } in optimizer.arrays(params) {
            arrays.insert(name, (shape, values.to_vec()));
        }
        let checkpoint = Checkpoint {
            params: params.clone(),
            optimizer: arrays,
            model: None,
            record: Record::default(),
            path: PathBuf::new(),
        };
        checkpoint.with("step", step as f64)
    }

    /// Adds a number. Integers are exact up to 2⁵³.
    pub fn with(mut self, name: impl Into<String>, value: f64) -> Checkpoint {
        self.record.numbers.insert(name.into(), value);
        self
    }

    /// Adds a running mean.
    pub fn with_mean(self, name: &str, mean: &Mean) -> Checkpoint {
        self.with(format!("{name}/sum"), mean.sum()).with(format!("{name}/rows"), mean.rows() as f64)
    }

    /// Adds a history.
    pub fn with_history(mut self, history: &History) -> Checkpoint {
        self.record.epochs.clone_from(&history.epochs);
        self
    }

    /// Number of completed steps.
    pub fn step(&self) -> u64 {
        self.record.numbers.get("step").map_or(0, |step| *step as u64)
    }

    /// Returns the number with this name.
    ///
    /// # Errors
    /// [`Error::Format`] if the checkpoint has no number with this name.
    pub fn number(&self, name: &str) -> Result<f64> {
        let number = self.record.numbers.get(name).copied();
        number.ok_or_else(|| self.wrong(format!("it has no number \"{name}\", so another program wrote it; resume with that program, or use another folder")))
    }

    /// Checks that a number in the checkpoint, such as a seed or a number of rows, equals `here`.
    ///
    /// # Errors
    /// [`Error::Format`] if it differs or is missing.
    pub fn check(&self, name: &str, here: f64) -> Result<()> {
        match self.number(name)? {
            there if there == here => Ok(()),
            there => Err(self.other(format!("it was trained with {name} {there}, expected {here}"))),
        }
    }

    /// Returns the running mean with this name.
    ///
    /// # Errors
    /// [`Error::Format`] if the checkpoint has no mean with this name.
    pub fn mean(&self, name: &str) -> Result<Mean> {
        let mut mean = Mean::default();
        mean.add_sum(self.number(&format!("{name}/sum"))?, self.number(&format!("{name}/rows"))? as usize);
        Ok(mean)
    }

    /// Whether the checkpoint has a running mean with this name.
    pub(super) fn has_mean(&self, name: &str) -> bool {
        self.record.numbers.contains_key(&format!("{name}/sum"))
    }

    /// The epochs of the saved [`History`].
    pub fn epochs(&self) -> &[Epoch] {
        &self.record.epochs
    }

    /// Restores weights, running statistics and the state of the optimizer. On an error, nothing changes.
    ///
    /// # Errors
    /// The names or shapes of the arrays differ from those in the checkpoint.
    pub fn restore(&self, params: &mut Params, optimizer: &mut OptimizerState) -> Result<()> {
        let mut restored = optimizer.clone();
        restored.assign(params, &self.optimizer).map_err(|error| self.wrong(error.to_string()))?;
        params.assign(&self.params).map_err(|error| self.wrong(error.to_string()))?;
        *optimizer = restored;
        Ok(())
    }

    /// Writes a safetensors file with a checksum over its contents, atomically. Creates missing folders. A checkpoint of a
    /// model can also be read by [`Model::load`](crate::Model::load).
    ///
    /// # Errors
    /// The file cannot be written, or its name ends like a file of another format, as in `model.keras`.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path.as_ref(), &self.encode(path.as_ref())?)
    }

    /// Reads a file written by [`save`](Checkpoint::save).
    ///
    /// # Errors
    /// The file cannot be read, is damaged, has a newer format version, or is not a checkpoint.
    pub fn load(path: impl AsRef<Path>) -> Result<Checkpoint> {
        let path = path.as_ref();
        Checkpoint::of(path, save::read(path)?)
    }

    /// Decodes a checkpoint that was encoded as the contents of the file `path`.
    pub(super) fn decode(path: &Path, bytes: &[u8]) -> Result<Checkpoint> {
        Checkpoint::of(path, save::decode(path, bytes)?)
    }

    /// The checkpoint in the contents of the file `path`.
    fn of(path: &Path, stored: Stored) -> Result<Checkpoint> {
        let Stored { params, optimizer, model, record } = stored;
        let record = record.ok_or_else(|| Error::Format {
            path: path.into(),
            problem: "found no training state, expected a checkpoint; if it is a model, read it with Model::load"
                .into(),
        })?;
        Ok(Checkpoint { params, optimizer, model, record, path: path.into() })
    }

    /// Encodes the checkpoint as the contents of a file at `path`.
    pub(super) fn encode(&self, path: &Path) -> Result<Vec<u8>> {
        let arrays = self.optimizer.iter();
        let arrays = arrays.map(|(name, (shape, values))| StateArray { name: name.clone(), shape: *shape, values });
        let store = Store {
            params: &self.params,
            optimizer: arrays.collect(),
            model: self.model.as_ref(),
            record: Some(&self.record),
        };
        store.encode(path)
    }

    /// The error for a checkpoint of another training run.
    pub(super) fn other(&self, difference: String) -> Error {
        let remedy = "resume with the settings it was written with, or load only its weights";
        self.wrong(format!("{difference}; {remedy}"))
    }

    /// An error about this checkpoint.
    pub(super) fn wrong(&self, problem: String) -> Error {
        Error::Format { path: self.path.clone(), problem }
    }
}
