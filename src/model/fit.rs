//! Settings of a call of `fit`.

use super::callbacks::{Callback, Progress};
use super::checkpoints::Checkpoints;
use crate::data::Dataset;
use crate::exchange::Exchange;
use std::fmt;
use std::path::PathBuf;

/// Settings of a call of [`Model::fit`](crate::Model::fit), with Keras' defaults.
///
/// ```
/// use gradus::{Fit, Progress};
/// let settings = Fit::new().epochs(50).batch_size(128).validation_split(0.1).progress(Progress::Quiet);
/// ```
///
/// It is not `Clone`, because it borrows callbacks mutably.
#[must_use]
pub struct Fit<'a> {
    pub(super) epochs: usize,
    pub(super) batch_size: usize,
    pub(super) shuffle: bool,
    pub(super) shuffle_by_length: usize,
    pub(super) class_weights: Vec<(usize, f32)>,
    pub(super) validation: Option<&'a dyn Dataset>,
    pub(super) validation_split: f64,
    pub(super) progress: Progress,
    pub(super) callbacks: Vec<&'a mut dyn Callback>,
    pub(super) checkpoints: Option<Checkpoints>,
    pub(super) resume: Option<PathBuf>,
    pub(super) accumulate: usize,
    pub(super) exchange: Option<&'a mut dyn Exchange>,
    pub(super) sharded_optimizer_state: bool,
}

impl fmt::Debug for Fit<'_> {
    /// Formats the settings, whether there is a validation dataset, and the number of callbacks.
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
            .field("accumulate", &self.accumulate)
            .field("exchange", &self.exchange.is_some())
            .field("sharded_optimizer_state", &self.sharded_optimizer_state)
            .finish()
    }
}

impl Default for Fit<'_> {
    fn default() -> Self {
        Fit::new()
    }
}

impl<'a> Fit<'a> {
    /// Creates settings for one epoch of shuffled batches of 32 rows, without validation.
    pub fn new() -> Fit<'a> {
        Fit {
            epochs: 1,
            batch_size: 32,
            shuffle: true,
            shuffle_by_length: 0,
            class_weights: Vec::new(),
            validation: None,
            validation_split: 0.0,
            progress: Progress::Auto,
            callbacks: Vec::new(),
            checkpoints: None,
            resume: None,
            accumulate: 1,
            exchange: None,
            sharded_optimizer_state: false,
        }
    }

    /// Sets the number of epochs. Default: 1. With 0, `fit` trains nothing and returns `Ok` with an empty history.
    pub fn epochs(mut self, epochs: usize) -> Fit<'a> {
        self.epochs = epochs;
        self
    }

    /// Sets the number of rows per step. Default: 32. The last batch of an epoch may be smaller.
    pub fn batch_size(mut self, batch_size: usize) -> Fit<'a> {
        self.batch_size = batch_size;
        self
    }

    /// Sets the number of batches whose gradients are added to one step. Default: 1. A step then has `batches` ·
    /// [`batch_size`](Fit::batch_size) rows and the memory of one batch.
    ///
    /// These batches are [shards](crate::Compile::shards) that are computed one after the other: with s shards for each batch,
    /// training has the bits of `batches` · s shards and of `batches` · `batch_size` rows for each step, so callbacks and
    /// learning rate schedules count these steps as batches. The rows of a smaller last step are distributed evenly.
    ///
    /// ```
    /// use gradus::Fit;
    /// let fit = Fit::new().batch_size(32).accumulate(4); // steps of 128 rows
    /// ```
    pub fn accumulate(mut self, batches: usize) -> Fit<'a> {
        self.accumulate = batches;
        self
    }

    /// Sets whether rows are shuffled in each epoch. Default: `true`.
    pub fn shuffle(mut self, shuffle: bool) -> Fit<'a> {
        self.shuffle = shuffle;
        self
    }

    /// Shuffles rows of different sizes so that each batch has rows of similar sizes, which reduces padding: the shuffled rows
    /// are sorted by size in groups of `batches` batches, and the batches are shuffled, as by
    /// [`Batches::shuffle_by_length`](crate::data::Batches::shuffle_by_length). The size of a row is the number of elements of
    /// its inputs. With 0, the default, rows are shuffled regardless of their sizes. Has no effect on rows of equal size or
    /// with [`shuffle(false)`](Fit::shuffle).
    pub fn shuffle_by_length(mut self, batches: usize) -> Fit<'a> {
        self.shuffle_by_length = batches;
        self
    }

    /// Multiplies the loss of each training row of class `class` by `weight`. Keras' `class_weight`, one entry per
    /// call. Default: 1 for each class. Validation does not use class weights, only the sample weights of its dataset.
    ///
    /// Class weights are for models with one output, whose targets are labels, one-hot rows, or 0 and 1, and for
    /// datasets without sample weights.
    pub fn class_weight(mut self, class: usize, weight: f32) -> Fit<'a> {
        self.class_weights.push((class, weight));
        self
    }

    /// Sets a dataset that is evaluated after each epoch. Default: none.
    pub fn validation(mut self, data: &'a dyn Dataset) -> Fit<'a> {
        self.validation = Some(data);
        self
    }

    /// Holds out the last rows of the dataset for validation, before rows are shuffled: they are the same rows in each
    /// epoch and are never trained on. `fraction` is their proportion, ≥ 0 and < 1. Default: 0. If a
    /// [`validation`](Fit::validation) dataset is also set, that dataset is used for validation, and all rows are trained
    /// on.
    pub fn validation_split(mut self, fraction: f64) -> Fit<'a> {
        self.validation_split = fraction;
        self
    }

    /// Sets the progress output on standard error. Default: [`Progress::Auto`].
    pub fn progress(mut self, progress: Progress) -> Fit<'a> {
        self.progress = progress;
        self
    }

    /// Adds a callback.
    pub fn callback(mut self, callback: &'a mut dyn Callback) -> Fit<'a> {
        self.callbacks.push(callback);
        self
    }

    /// Writes checkpoints at the end of each epoch, when training stops early, and as often as `checkpoints` specifies.
    /// An interruption loses at most the steps since the last checkpoint. Default: none.
    pub fn checkpoints(mut self, checkpoints: Checkpoints) -> Fit<'a> {
        self.checkpoints = Some(checkpoints);
        self
    }

    /// Trains together with the other members of an exchange, to the bits of one process with the same number of
    /// [shards](crate::Compile::shards). All members call `fit` with equal models, datasets and settings. Member 0 runs the
    /// callbacks, shows the progress, and writes and reads the checkpoints; these settings have no effect on other members.
    /// Callbacks may change the weights, the state of the optimizer, the learning rate and the counters of the model, but
    /// freeze no layers. Every member returns the history, which differs only in its seconds. Default: none.
    pub fn exchange(mut self, exchange: &'a mut dyn Exchange) -> Fit<'a> {
        self.exchange = Some(exchange);
        self
    }

    /// Sets whether each member of an [exchange](Fit::exchange) keeps the state of the optimizer of a part of the weights, updates
    /// these weights, and sends them to the others. Default: `false`. It saves memory and time of the update, and changes no
    /// bit. Has no effect without an exchange.
    ///
    /// Moving averages of weights are kept by every member. The state is collected for checkpoints and when an epoch and `fit`
    /// end. In between, [`Model::optimizer`](crate::Model::optimizer) and
    /// [`Model::optimizer_state`](crate::Model::optimizer_state) return `None`, files of other formats contain no optimizer, and
    /// [`Model::save`](crate::Model::save) and [`Model::set_trainable`](crate::Model::set_trainable) return errors. If another
    /// member is lost during training, the model can no longer be trained; resume from a checkpoint instead.
    pub fn sharded_optimizer_state(mut self, sharded: bool) -> Fit<'a> {
        self.sharded_optimizer_state = sharded;
        self
    }

    /// Resumes from a checkpoint: a file, or the newest intact one in a folder. If the folder is empty or does not
    /// exist, training starts from the beginning. The final weights, running statistics, history (except its seconds)
    /// and predictions equal those of uninterrupted training, on any number of threads.
    ///
    /// [`epochs`](Fit::epochs) counts from the beginning of the interrupted training, not from the checkpoint.
    pub fn resume(mut self, path: impl Into<PathBuf>) -> Fit<'a> {
        self.resume = Some(path.into());
        self
    }
}
