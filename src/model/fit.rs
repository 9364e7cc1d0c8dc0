//! How long and on what a model is trained, and the call that does it.

use super::Model;
use super::callbacks::{Callback, Callbacks, Progress};
use super::checkpoints::{self, Checkpoints};
use super::training::TrainingLoop;
use crate::data::{self, Dataset};
use crate::error::{Result, check_setting};
use crate::metrics::History;
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
    validation: Option<&'a dyn Dataset>,
    validation_split: f64,
    progress: Progress,
    callbacks: Vec<&'a mut dyn Callback>,
    checkpoints: Option<Checkpoints>,
    resume: Option<PathBuf>,
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

impl Model {
    /// Trains on every row of a dataset, `epochs` times. Returns what each epoch reported.
    ///
    /// Two calls with 2 epochs each end with the same bits as one call with 4.
    ///
    /// # Errors
    /// Inputs or targets that do not fit the model, labels that are not classes, an empty dataset, settings out of range:
    /// all before the first step, as are a checkpoint that is damaged or of another training. A checkpoint that cannot be
    /// written ends training, and the earlier ones are still there. An error of a callback ends training where it stands; the
    /// model keeps what it learned. A value with which an operation cannot compute, such as an index out of range, ends
    /// training with [`Error::Fault`](crate::Error::Fault) before its step changes anything, so the model is as the step
    /// before left it. [`Error::NotCompiled`](crate::Error::NotCompiled) for a model without an optimizer.
    pub fn fit(&mut self, data: &dyn Dataset, settings: Fit<'_>) -> Result<History> {
        if settings.validation.is_some() || settings.validation_split == 0.0 {
            let validation = settings.validation;
            return self.fit_rows(data, validation, settings);
        }
        let fraction = settings.validation_split;
        check_setting((0.0..1.0).contains(&fraction), "Fit", "validation_split", fraction, "≥ 0 and < 1")?;
        let (training, validation) = data::validation_split(data, fraction)?;
        self.fit_rows(&training, Some(&validation), settings)
    }

    fn fit_rows(&mut self, data: &dyn Dataset, validation: Option<&dyn Dataset>, settings: Fit<'_>) -> Result<History> {
        let mut training = TrainingLoop::new(self, data, validation, &settings)?;
        training.checkpoints = settings.checkpoints;
        let from = settings.resume.map_or(Ok(None), |path| checkpoints::find(&path))?;
        let mut progress = settings.progress.callback();
        let mut callbacks: Vec<&mut dyn Callback> = Vec::new();
        if let Some(progress) = &mut progress {
            callbacks.push(progress.as_mut());
        }
        for callback in settings.callbacks {
            callbacks.push(callback);
        }
        let mut callbacks = Callbacks::new(callbacks);
        let result = self.with_threads(|model| training.run(model, &mut callbacks, from.as_ref()));
        let history = training.finish(self);
        result.map(|()| history)
    }

    /// Runs `work` on this model inside its pool.
    fn with_threads<T: Send>(&mut self, work: impl FnOnce(&mut Model) -> T + Send) -> T {
        let threads = std::mem::replace(&mut self.threads, super::Threads::ambient());
        let result = threads.run_long(|| work(self));
        self.threads = threads;
        result
    }
}
