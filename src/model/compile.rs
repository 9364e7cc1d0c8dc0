//! How a model is to be trained: optimizer, loss, metrics, seed, threads.

use super::heads::{Losses, Wishes};
use super::network::Network;
use super::plan::Plans;
use super::threads::Threads;
use super::update::OptimizerState;
use super::{Model, plan};
use crate::error::Result;
use crate::kernels::simd;
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
    wishes: Wishes,
    seed: u64,
    threads: Option<usize>,
}

impl Compile {
    /// With this optimizer and loss, no metrics, seed 0 and the ambient threads. A model with several outputs has this
    /// loss for each, or those that [`Losses`] names.
    pub fn new(optimizer: impl Optimizer + 'static, loss: impl Into<Losses>) -> Compile {
        let wishes = Wishes { losses: loss.into(), weights: Vec::new(), metrics: Vec::new() };
        Compile { optimizer: Box::new(optimizer), wishes, seed: 0, threads: None }
    }

    /// Reports another metric.
    pub fn metric(mut self, metric: impl Metric + 'static) -> Compile {
        self.wishes.metrics.push((None, Box::new(metric)));
        self
    }

    /// Reports another metric of the output with this name, as `name_accuracy` where the model has several outputs.
    pub fn metric_of(mut self, output: impl Into<String>, metric: impl Metric + 'static) -> Compile {
        self.wishes.metrics.push((Some(output.into()), Box::new(metric)));
        self
    }

    /// How much the loss of the output with this name counts in the sum that training makes small; without a word, 1.
    /// The output's own loss is reported unweighted, as in Keras.
    pub fn loss_weight(mut self, output: impl Into<String>, weight: f32) -> Compile {
        self.wishes.weights.push((output.into(), weight));
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
        let key = Key::from_seed(self.seed);
        let mut params = Params::new();
        let network = build(&mut params, key.purpose(Purpose::Init))?;
        let heads = self.wishes.heads(&network)?;
        plan::check_loss(&network, &params, &heads)?;
        Ok(Model {
            gradients: ParamGradients::new(&params),
            memory: OptimizerState::new(self.optimizer.as_ref(), &params)?,
            network,
            params,
            heads,
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
