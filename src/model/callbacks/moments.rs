//! The moments that callbacks are told of. Epochs and batches count from 1.

use super::flow::Stop;
use crate::metrics::{Epoch, History, Scores};
use crate::model::reported_score::ReportedScore;

/// Where training begins.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TrainBegin<'a> {
    /// The number of the epoch to come.
    pub epoch: u64,
    /// The number of the last epoch.
    pub epochs: u64,
    /// How many batches of the epoch to come were trained before an interruption.
    pub batch: usize,
    /// How many batches an epoch has.
    pub batches: usize,
    /// The scores that each epoch reports, with the names that [`Epoch::get`] knows: `loss`, `accuracy`, `val_loss`, …
    pub scores: &'a [ReportedScore],
    /// The epochs before an interruption; empty where training is not resumed.
    pub history: &'a History,
}

/// Where training stands before an epoch.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct EpochBegin<'a> {
    /// The epoch's number.
    pub epoch: u64,
    /// The number of the last epoch.
    pub epochs: u64,
    /// How many batches the epoch has.
    pub batches: usize,
    /// What earlier epochs reported.
    pub history: &'a History,
}

/// Where training stands after a step.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BatchEnd<'a> {
    /// The epoch's number.
    pub epoch: u64,
    /// The number of the last epoch.
    pub epochs: u64,
    /// The batch's number.
    pub batch: usize,
    /// How many batches the epoch has.
    pub batches: usize,
    /// The batch's own mean loss, before its update.
    pub loss: f64,
    /// Where the first value that is NaN or infinite came from, if the loss is: `the output of dense_1: affine`.
    pub not_finite: Option<&'a str>,
    /// Means over the epoch so far.
    pub scores: &'a Scores,
}

/// Where training stands after an epoch.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct EpochEnd<'a> {
    /// What the epoch reported.
    pub epoch: &'a Epoch,
    /// The number of the last epoch.
    pub epochs: u64,
    /// What all epochs reported, this one among them.
    pub history: &'a History,
}

/// How training ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TrainEnd<'a> {
    /// What `fit` will return. Its last entry is of the epoch's beginning only where training stopped within one.
    pub history: &'a History,
    /// Why it ended before its last epoch, if it did.
    pub stop: Option<Stop>,
}
