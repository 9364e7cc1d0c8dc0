//! The training part of a model: optimizer with state, losses, metrics and counters.

use super::trained_outputs::TrainedOutput;
use crate::optimizers::OptimizerState;
use crate::random::Key;
use crate::tape::ParamGradients;

/// The data needed only for training and evaluation. Models for inference have none.
#[derive(Clone, Debug)]
pub(super) struct Training {
    pub(super) trained_outputs: Vec<TrainedOutput>,
    /// The optimizer and its state.
    pub(super) optimizer: OptimizerState,
    pub(super) gradients: ParamGradients,
    pub(super) counters: Counters,
    /// Number of shards of a batch.
    pub(super) shards: usize,
}

/// The progress of a model's training and the key of its random draws. They determine shuffling, dropout and the
/// learning rate of later steps.
///
/// ```
/// use gradus::{Compile, Counters, Key, Sequential, layers::Dense, losses::MeanSquaredError, optimizers::Sgd};
/// let settings = Compile::new(Sgd::new(0.1), MeanSquaredError::new()).seed(7);
/// let mut model = Sequential::new([4]).add(Dense::new(1)).compile(settings)?;
/// assert_eq!(model.counters(), Some(Counters { key: Key::from_seed(7), epoch: 0, step: 0, learning_rate: None }));
/// // An importer of another program's files continues where its training stopped.
/// model.set_counters(Counters { epoch: 2, step: 60, ..model.counters().unwrap() })?;
/// assert_eq!(model.step(), 60);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counters {
    /// The key of all draws, [`Key::from_seed`] of the seed that the model was compiled with.
    pub key: Key,
    /// The number of epochs trained.
    pub epoch: u64,
    /// The number of steps trained.
    pub step: u64,
    /// The learning rate of later steps, or `None` for that of the optimizer.
    pub learning_rate: Option<f32>,
}

impl Training {
    /// The learning rate of the next step.
    pub(super) fn learning_rate(&self) -> f32 {
        let own = || self.optimizer.step(self.counters.step.saturating_add(1)).learning_rate;
        self.counters.learning_rate.unwrap_or_else(own)
    }
}
