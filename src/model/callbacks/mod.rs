//! Callbacks: what is told about training while it runs, and may stop it.

mod progress;

pub use progress::Progress;

use crate::metrics::{Epoch, Scores};
use std::ops::ControlFlow;

/// Told about batches and epochs. Returning [`ControlFlow::Break`] ends training.
///
/// ```
/// use gradus::{BatchEnd, Callback};
/// use std::ops::ControlFlow;
///
/// /// Stops after so many batches.
/// struct Few(usize);
///
/// impl Callback for Few {
///     fn batch_end(&mut self, batch: &BatchEnd<'_>) -> ControlFlow<()> {
///         if batch.batch < self.0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
///     }
/// }
/// ```
pub trait Callback: Send {
    /// After each training step. A break ends the epoch there, without validation.
    fn batch_end(&mut self, _batch: &BatchEnd<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// After each epoch and its validation.
    fn epoch_end(&mut self, _epoch: &EpochEnd<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Where training stands after a step.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BatchEnd<'a> {
    /// The epoch's number, from 1.
    pub epoch: u64,
    /// The number of the last epoch.
    pub epochs: u64,
    /// The batch's number, from 1.
    pub batch: usize,
    /// How many batches the epoch has.
    pub batches: usize,
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
}
