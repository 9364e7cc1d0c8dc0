//! How a model is to be trained: optimizer, loss, metrics, seed, threads.

use super::network::Network;
use super::plan::Plans;
use super::threads::Threads;
use super::update::OptimizerState;
use super::{Model, plan};
use crate::error::Result;
use crate::kernels::simd;
use crate::losses::Loss;
use crate::metrics::Metric;
use crate::optimizers::Optimizer;
use crate::random::{Key, Purpose};
use crate::tape::{ParamGradients, Params};

/// How a model is to be trained.
///
/// ```
/// use gradus::{Compile, losses::CategoricalCrossentropy, metrics::Accuracy, optimizers::Sgd};
/// let settings = Compile::new(Sgd::new(0.01), CategoricalCrossentropy::new()).metric(Accuracy).seed(12345);
/// ```
#[derive(Debug)]
pub struct Compile {
    optimizer: Box<dyn Optimizer>,
    loss: Box<dyn Loss>,
    metrics: Vec<Box<dyn Metric>>,
    seed: u64,
    threads: Option<usize>,
}

impl Compile {
    /// With this optimizer and loss, no metrics, seed 0 and the ambient threads.
    pub fn new(optimizer: impl Optimizer + 'static, loss: impl Loss + 'static) -> Compile {
        Compile { optimizer: Box::new(optimizer), loss: Box::new(loss), metrics: Vec::new(), seed: 0, threads: None }
    }

    /// Reports another metric.
    pub fn metric(mut self, metric: impl Metric + 'static) -> Compile {
        self.metrics.push(Box::new(metric));
        self
    }

    /// What every draw follows from: first weights, shuffling, dropout. The same seed gives the same bits on any number of
    /// threads.
    pub fn seed(mut self, seed: u64) -> Compile {
        self.seed = seed;
        self
    }

    /// Works on a pool of so many threads of its own. Without it the environment variable `GRADUS_THREADS` says how many,
    /// and without that the ambient rayon pool is used.
    pub fn threads(mut self, threads: usize) -> Compile {
        self.threads = Some(threads);
        self
    }

    /// Makes the model of the network that `build` gives.
    pub(super) fn model(self, build: impl FnOnce(&mut Params, Key) -> Result<Network>) -> Result<Model> {
        simd::level()?;
        self.metrics.iter().try_for_each(|metric| metric.check())?;
        let key = Key::from_seed(self.seed);
        let mut params = Params::new();
        let network = build(&mut params, key.purpose(Purpose::Init))?;
        plan::check_loss(&network, &params, self.loss.as_ref())?;
        Ok(Model {
            gradients: ParamGradients::new(&params),
            memory: OptimizerState::new(self.optimizer.as_ref(), &params)?,
            network,
            params,
            loss: self.loss,
            metrics: self.metrics,
            learning_rate: None,
            optimizer: self.optimizer,
            key,
            epoch: 0,
            step: 0,
            threads: Threads::new(self.threads)?,
            plans: Plans::default(),
        })
    }
}
