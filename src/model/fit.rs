//! How long and on what a model is trained.

use super::callbacks::{Callback, Progress};
use super::checkpoints::Checkpoints;
use crate::data::Dataset;
use std::fmt;
use std::path::PathBuf;

/// How long and on what a model is trained, with Keras' defaults.
///
/// ```
/// use gradus::{Fit, Progress};
/// let settings = Fit::new().epochs(50).batch_size(128).validation_split(0.1).progress(Progress::Quiet);
/// ```
///
/// It is not `Clone`, because it borrows its callbacks to change them.
#[must_use]
pub struct Fit<'a> {
    pub(super) epochs: usize,
    pub(super) batch_size: usize,
    pub(super) shuffle: bool,
    pub(super) class_weights: Vec<(usize, f32)>,
    pub(super) validation: Option<&'a dyn Dataset>,
    pub(super) validation_split: f64,
    pub(super) progress: Progress,
    pub(super) callbacks: Vec<&'a mut dyn Callback>,
    pub(super) checkpoints: Option<Checkpoints>,
    pub(super) resume: Option<PathBuf>,
}

impl fmt::Debug for Fit<'_> {
    /// Writes the settings, and of the validation dataset and the callbacks only whether and how many there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fit")
            .field("epochs", &self.epochs)
            .field("batch_size", &self.batch_size)
            .field("shuffle", &self.shuffle)
            .field("class_weights", &self.class_weights)
            .field("validation", &self.validation.is_some())
            .field("validation_split", &self.validation_split)
            .field("progress", &self.progress)
            .field("callbacks", &self.callbacks.len())
            .field("checkpoints", &self.checkpoints)
            .field("resume", &self.resume)
            .finish()
    }
}

impl Default for Fit<'_> {
    fn default() -> Self {
        Fit::new()
    }
}

impl<'a> Fit<'a> {
    /// One epoch of batches of 32 in shuffled order, without validation.
    pub fn new() -> Fit<'a> {
        Fit {
            epochs: 1,
            batch_size: 32,
            shuffle: true,
            class_weights: Vec::new(),
            validation: None,
            validation_split: 0.0,
            progress: Progress::Auto,
            callbacks: Vec::new(),
            checkpoints: None,
            resume: None,
        }
    }

    /// How often every row is seen.
    pub fn epochs(mut self, epochs: usize) -> Fit<'a> {
        self.epochs = epochs;
        self
    }

    /// How many rows a step sees. The last batch of an epoch may be smaller.
    pub fn batch_size(mut self, batch_size: usize) -> Fit<'a> {
        self.batch_size = batch_size;
        self
    }

    /// Whether rows come in another order in each epoch.
    pub fn shuffle(mut self, shuffle: bool) -> Fit<'a> {
        self.shuffle = shuffle;
        self
    }

    /// Multiplies the loss of each row of this class by a weight in training; other classes count 1. Keras' `class_weight`,
    /// an entry at a time. Validation counts every row alike, or by the weights that its dataset has.
    ///
    /// It is for models of one output, whose targets are labels or a number for each class, and for datasets without
    /// weights of their own.
    pub fn class_weight(mut self, class: usize, weight: f32) -> Fit<'a> {
        self.class_weights.push((class, weight));
        self
    }

    /// Evaluates these rows after each epoch.
    pub fn validation(mut self, data: &'a dyn Dataset) -> Fit<'a> {
        self.validation = Some(data);
        self
    }

    /// Sets the last rows aside for validation: this share of them. A [`validation`](Fit::validation) set goes first.
    pub fn validation_split(mut self, fraction: f64) -> Fit<'a> {
        self.validation_split = fraction;
        self
    }

    /// What is shown on standard error.
    pub fn progress(mut self, progress: Progress) -> Fit<'a> {
        self.progress = progress;
        self
    }

    /// Tells a callback about batches and epochs.
    pub fn callback(mut self, callback: &'a mut dyn Callback) -> Fit<'a> {
        self.callbacks.push(callback);
        self
    }

    /// Writes checkpoints, so that no more than the steps since the last one can be lost: at the end of each epoch, where
    /// training stops early, and as often as they say.
    pub fn checkpoints(mut self, checkpoints: Checkpoints) -> Fit<'a> {
        self.checkpoints = Some(checkpoints);
        self
    }

    /// Goes on from a checkpoint: a file, or the newest of a folder that is whole. Training begins afresh where the folder
    /// is empty or not there. Weights, running statistics, history (but for its seconds) and predictions are in the end
    /// those of a training that nothing interrupted, whatever the number of threads.
    ///
    /// [`epochs`](Fit::epochs) counts from where the interrupted training began, not from the checkpoint.
    pub fn resume(mut self, path: impl Into<PathBuf>) -> Fit<'a> {
        self.resume = Some(path.into());
        self
    }
}
