//! The arguments of the hooks of callbacks. Epochs and batches are counted from 1.

use super::flow::Stop;
use crate::metrics::{Epoch, History, Scores};
use crate::model::reported_score::ReportedScore;

/// The argument of [`Callback::train_begin`](super::Callback::train_begin).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TrainBegin<'a> {
    /// The number of the first epoch, from 1.
    pub epoch: u64,
    /// The number of the last epoch.
    pub epochs: u64,
    /// The number of batches of the first epoch that were trained before an interruption.
    pub batch: usize,
    /// The number of batches in an epoch.
    pub batches: usize,
    /// The scores that each epoch reports, by their names for [`Epoch::get`]: `loss`, `accuracy`, `val_loss`, …
    pub scores: &'a [ReportedScore],
    /// The epochs before an interruption; empty if training is not resumed.
    pub history: &'a History,
    /// The number of shards of a batch, including those of [accumulated](crate::Fit::accumulate) batches.
    pub shards: usize,
    /// The number of members of an [exchange](crate::Fit::exchange); 1 without one.
    pub members: usize,
    /// Whether the state of the optimizer is [divided](crate::Fit::sharded_optimizer_state) among the members. A callback that
    /// needs it after each batch returns an error.
    pub sharded_optimizer_state: bool,
}

/// The argument of [`Callback::epoch_begin`](super::Callback::epoch_begin).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct EpochBegin<'a> {
    /// The number of the epoch, from 1.
    pub epoch: u64,
    /// The number of the last epoch.
    pub epochs: u64,
    /// The number of batches in the epoch.
    pub batches: usize,
    /// The scores of earlier epochs.
    pub history: &'a History,
}

/// The argument of [`Callback::batch_end`](super::Callback::batch_end).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BatchEnd<'a> {
    /// The number of the epoch, from 1.
    pub epoch: u64,
    /// The number of the last epoch.
    pub epochs: u64,
    /// The number of the batch, from 1.
    pub batch: usize,
    /// The number of batches in the epoch.
    pub batches: usize,
    /// The mean loss of the batch, before its update.
    pub loss: f64,
    /// The place of the first value that is NaN or infinite, such as `the output of dense_1: affine`; `None` if the loss is
    /// finite.
    pub not_finite: Option<&'a str>,
    /// The means over the batches of the epoch so far.
    pub scores: &'a Scores,
}

/// The argument of [`Callback::epoch_end`](super::Callback::epoch_end).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct EpochEnd<'a> {
    /// The scores of the epoch.
    pub epoch: &'a Epoch,
    /// The number of the last epoch.
    pub epochs: u64,
    /// The scores of all epochs, including this one.
    pub history: &'a History,
}

/// The argument of [`Callback::train_end`](super::Callback::train_end).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TrainEnd<'a> {
    /// The history that `fit` returns. If training stopped within an epoch, the last entry covers only the batches before the
    /// stop.
    pub history: &'a History,
    /// The kind of an early end; `None` if training ended after its last epoch.
    pub stop: Option<Stop>,
}
