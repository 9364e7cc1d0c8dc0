//! How a model is to be trained: optimizer, loss, metrics, seed, threads.

use super::heads::{Losses, MetricWish, Wishes};
use super::network::Network;
use super::plan::Plans;
use super::preprocess::Parts;
use super::threads::Threads;
use super::{Model, plan};
use crate::error::Result;
use crate::kernels::simd;
use crate::metrics::Metric;
use crate::optimizers::{Optimizer, OptimizerState};
use crate::random::{Key, Purpose};
use crate::tape::{ParamGradients, Params};
use std::sync::Arc;

/// How a model is to be trained.
///
/// ```
/// use gradus::{Compile, losses::CategoricalCrossentropy, metrics::Accuracy, optimizers::Sgd};
/// let settings = Compile::new(Sgd::new(0.01), CategoricalCrossentropy::new()).metric(Accuracy).seed(12345);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Compile {
    optimizer: Arc<dyn Optimizer>,
    wishes: Wishes,
    seed: u64,
    threads: Option<usize>,
}

impl Compile {
    /// With this optimizer and loss, no metrics, seed 0 and the ambient threads. A model with several outputs has this
    /// loss for each, or those that [`Losses`] names.
    pub fn new(optimizer: impl Optimizer + 'static, loss: impl Into<Losses>) -> Compile {
        let wishes = Wishes { losses: loss.into(), weights: Vec::new(), metrics: Vec::new() };
        Compile { optimizer: Arc::new(optimizer), wishes, seed: 0, threads: None }
    }

    /// Reports another metric, in which every row counts alike.
    pub fn metric(self, metric: impl Metric + 'static) -> Compile {
        self.wish(Arc::new(metric), None, false)
    }

    /// Reports another metric of the output with this name, as `name_accuracy` where the model has several outputs.
    pub fn metric_of(self, output: impl Into<String>, metric: impl Metric + 'static) -> Compile {
        self.wish(Arc::new(metric), Some(output.into()), false)
    }

    /// Reports another metric, in which each row counts by its weight where rows have [weights](crate::data::Arrays::with_sample_weight)
    /// or [classes](crate::Fit::class_weight) do: Keras' `weighted_metrics`. As `weighted_accuracy` where a metric
    /// that counts them alike has its name.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, data::Arrays, layers::*, losses::BinaryCrossentropy, metrics::Accuracy, optimizers::Sgd};
    /// let settings = Compile::new(Sgd::new(0.1), BinaryCrossentropy::new()).metric(Accuracy).weighted_metric(Accuracy);
    /// let model = Sequential::new([1]).add(Activation::Sigmoid).compile(settings)?;
    /// let data = Arrays::new(ndarray::arr2(&[[-1.0f32], [1.0]]), ndarray::arr1(&[0u8, 0]))?; // right, wrong
    /// let scores = model.evaluate(&data.with_sample_weight([3.0, 1.0])?)?;
    /// assert_eq!((scores.get("accuracy"), scores.get("weighted_accuracy")), (Some(0.5), Some(0.75)));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn weighted_metric(self, metric: impl Metric + 'static) -> Compile {
        self.wish(Arc::new(metric), None, true)
    }

    /// The same of the output with this name.
    pub fn weighted_metric_of(self, output: impl Into<String>, metric: impl Metric + 'static) -> Compile {
        self.wish(Arc::new(metric), Some(output.into()), true)
    }

    fn wish(mut self, metric: Arc<dyn Metric>, output: Option<String>, weighted: bool) -> Compile {
        self.wishes.metrics.push(MetricWish { metric, output, weighted });
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
        let mut params = Params::new();
        let network = build(&mut params, Key::from_seed(self.seed).purpose(Purpose::Init))?;
        self.model_of(network, params)
    }

    /// Makes the model of a network with its parameters.
    pub(super) fn model_of(self, network: Network, params: Params) -> Result<Model> {
        let key = Key::from_seed(self.seed);
        let heads = self.wishes.heads(&network)?;
        plan::check_loss(&network, &params, &heads)?;
        Ok(Model {
            gradients: ParamGradients::new(&params),
            optimizer: OptimizerState::of(self.optimizer, &params)?,
            network,
            params,
            heads,
            learning_rate: None,
            key,
            epoch: 0,
            step: 0,
            threads: Threads::new(self.threads)?,
            plans: Plans::default(),
            preprocessing: Parts::new(),
        })
    }
}
