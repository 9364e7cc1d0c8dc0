//! The arguments of the callback hooks. Epochs and batches count from 1.

use super::flow::Stop;
use crate::metrics::{Epoch, History, Scores};
use crate::model::reported_score::ReportedScore;

/// The argument of [`Callback::train_begin`](super::Callback::train_begin).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TrainBegin<'a> {
    /// Number of the first epoch to train.
    pub epoch: u64,
    /// Number of the last epoch.
    pub epochs: u64,
    /// Number of batches of the first epoch that were trained before an interruption.
    pub batch: usize,
    /// Number of batches per epoch.
    pub batches: usize,
    /// The scores that each epoch reports, with the names accepted by [`Epoch::get`]: `loss`, `accuracy`, `val_loss`, …
    pub scores: &'a [ReportedScore],
    /// The epochs before an interruption. Empty unless training resumes.
    pub history: &'a History,
}

/// The argument of [`Callback::epoch_begin`](super::Callback::epoch_begin).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct EpochBegin<'a> {
    /// Number of the epoch.
    pub epoch: u64,
    /// Number of the last epoch.
    pub epochs: u64,
    /// Number of batches per epoch.
    pub batches: usize,
    /// The reports of earlier epochs.
    pub history: &'a History,
}

/// The argument of [`Callback::batch_end`](super::Callback::batch_end).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BatchEnd<'a> {
    /// Number of the epoch.
    pub epoch: u64,
    /// Number of the last epoch.
    pub epochs: u64,
    /// Number of the batch.
    pub batch: usize,
    /// Number of batches per epoch.
    pub batches: usize,
    /// Mean loss of this batch, before its update.
    pub loss: f64,
    /// The source of the first NaN or infinite value if the loss is not finite, as in `the output of dense_1: affine`.
    pub not_finite: Option<&'a str>,
    /// Means over the epoch so far.
    pub scores: &'a Scores,
}

/// The argument of [`Callback::epoch_end`](super::Callback::epoch_end).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct EpochEnd<'a> {
    /// The report of the epoch.
    pub epoch: &'a Epoch,
    /// Number of the last epoch.
    pub epochs: u64,
    /// The reports of all epochs, including this one.
    pub history: &'a History,
}

/// The argument of [`Callback::train_end`](super::Callback::train_end).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TrainEnd<'a> {
    /// The history that `fit` returns. Its last entry covers a part of an epoch if training stopped within it.
    pub history: &'a History,
    /// The reason why training ended before its last epoch, if it did.
    pub stop: Option<Stop>,
}
