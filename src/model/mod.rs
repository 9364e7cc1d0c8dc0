//! Models: layers put together, compiled, fitted, evaluated and used, with Keras' words.

mod callbacks;
mod compile;
mod evaluate;
mod fit;
mod network;
mod plan;
mod predict;
mod save;
mod sequential;
mod summary;
mod threads;
mod update;

pub use callbacks::{BatchEnd, Callback, EpochEnd, Progress};
pub use compile::Compile;
pub use fit::Fit;
pub use sequential::Sequential;
pub use update::OptimizerState;

use crate::error::Result;
use crate::losses::Loss;
use crate::metrics::Metric;
use crate::optimizers::Optimizer;
use crate::random::Key;
use crate::tape::{ParamGradients, Params};
use network::Network;
use plan::Plans;
use threads::Threads;

/// A compiled model: layers with their weights, a loss, an optimizer with its state, and counters of what was trained.
///
/// Made by [`Sequential::compile`].
#[derive(Debug)]
pub struct Model {
    network: Network,
    params: Params,
    gradients: ParamGradients,
    loss: Box<dyn Loss>,
    metrics: Vec<Box<dyn Metric>>,
    optimizer: Box<dyn Optimizer>,
    memory: OptimizerState,
    key: Key,
    /// Epochs and steps trained so far: with the key they say every draw, so that 2 + 2 epochs are 4.
    epoch: u64,
    step: u64,
    threads: Threads,
    plans: Plans,
}

impl Model {
    /// The weights and running statistics, by name and in build order.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The same, to change.
    pub fn params_mut(&mut self) -> &mut Params {
        &mut self.params
    }

    /// How weights follow their gradients.
    pub fn optimizer(&self) -> &dyn Optimizer {
        self.optimizer.as_ref()
    }

    /// What training makes small.
    pub fn loss(&self) -> &dyn Loss {
        self.loss.as_ref()
    }

    /// Works on a pool of so many threads of its own from now on. The results have the same bits.
    ///
    /// # Errors
    /// No thread at all, or a pool that cannot be made.
    pub fn set_threads(&mut self, threads: usize) -> Result<()> {
        self.threads = Threads::new(Some(threads))?;
        Ok(())
    }

    /// How many epochs were trained.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How many training steps were made.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The layers in Keras' three columns, and the number of weights.
    pub fn summary(&self) -> String {
        summary::table(&self.network, &self.params)
    }
}
