//! How a model is to be trained: optimizer, loss, metrics, seed, threads.

use super::compiled::{Counters, Training};
use super::plan::Plans;
use super::preprocessing_parts::Parts;
use super::threads::Threads;
use super::trained_outputs::{CompileRequest, Losses, MetricRequest};
use super::{Model, plan};
use crate::architecture::Architecture;
use crate::error::Result;
use crate::metrics::Metric;
use crate::optimizers::{Optimizer, OptimizerState};
use crate::random::Key;
use crate::tape::ParamGradients;
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
    request: CompileRequest,
    deferred_checks: bool,
    seed: u64,
    threads: Option<usize>,
}

impl Compile {
    /// With this optimizer and loss, no metrics, seed 0 and the ambient threads. A model with several outputs has this
    /// loss for each, or those that [`Losses`] names.
    pub fn new(optimizer: impl Optimizer + 'static, loss: impl Into<Losses>) -> Compile {
        let request = CompileRequest { losses: loss.into(), weights: Vec::new(), metrics: Vec::new() };
        Compile { optimizer: Arc::new(optimizer), request, deferred_checks: false, seed: 0, threads: None }
    }

    /// Reports another metric, in which every row counts alike.
    pub fn metric(self, metric: impl Metric + 'static) -> Compile {
        self.request_metric(Arc::new(metric), None, false)
    }

    /// Reports another metric of the output with this name, as `name_accuracy` where the model has several outputs.
    pub fn metric_of(self, output: impl Into<String>, metric: impl Metric + 'static) -> Compile {
        self.request_metric(Arc::new(metric), Some(output.into()), false)
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
        self.request_metric(Arc::new(metric), None, true)
    }

    /// The same of the output with this name.
    pub fn weighted_metric_of(self, output: impl Into<String>, metric: impl Metric + 'static) -> Compile {
        self.request_metric(Arc::new(metric), Some(output.into()), true)
    }

    fn request_metric(mut self, metric: Arc<dyn Metric>, output: Option<String>, weighted: bool) -> Compile {
        self.request.metrics.push(MetricRequest { metric, output, weighted });
        self
    }

    /// How much the loss of the output with this name counts in the sum that training makes small; without a word, 1.
    /// The output's own loss is reported unweighted, as in Keras.
    pub fn loss_weight(mut self, output: impl Into<String>, weight: f32) -> Compile {
        self.request.weights.push((output.into(), weight));
        self
    }

    /// Whether losses and metrics are checked against the outputs when the model first trains or evaluates, not already
    /// when it is compiled; `false` by default. For importers: a model whose file names a loss that does not fit can still
    /// predict.
    pub fn deferred_checks(mut self, deferred: bool) -> Compile {
        self.deferred_checks = deferred;
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

    /// The seed, from which the initial weights follow.
    pub(super) fn seed_of_weights(&self) -> u64 {
        self.seed
    }

    /// Makes the model of an architecture, on these threads unless the settings say others.
    pub(super) fn model(self, architecture: Architecture, threads: Option<Threads>) -> Result<Model> {
        let threads = match (self.threads, threads) {
            (None, Some(threads)) => threads,
            (threads, _) => Threads::new(threads)?,
        };
        let training = Some(self.training(&architecture)?);
        Ok(Model { architecture, training, threads, plans: Plans::default(), preprocessing: Parts::new() })
    }

    /// The state before the first step of training.
    fn training(self, architecture: &Architecture) -> Result<Training> {
        let counters = Counters { key: Key::from_seed(self.seed), epoch: 0, step: 0, learning_rate: None };
        let trained_outputs = self.request.trained_outputs(architecture, !self.deferred_checks)?;
        if !self.deferred_checks {
            plan::check_loss(architecture, &trained_outputs)?;
        }
        Ok(Training {
            optimizer: OptimizerState::of(self.optimizer, architecture.params())?,
            gradients: ParamGradients::new(architecture.params()),
            trained_outputs,
            counters,
        })
    }
}

impl Model {
    /// Gives the model another optimizer, losses and metrics: to train a model that was made for inference, or to train or
    /// evaluate a trained one in another way. Weights stay as they are; the optimizer's state, epochs and steps start anew.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, data::Arrays, layers::Dense};
    /// use gradus::{losses::*, metrics::R2Score, optimizers::Sgd};
    /// let network = Sequential::new([1]).add(Dense::new(1));
    /// let model = network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()))?;
    /// let data = Arrays::new(ndarray::arr2(&[[1.0f32], [2.0]]), ndarray::arr2(&[[1.0f32], [2.0]]))?;
    /// let model = model.compile(Compile::new(Sgd::new(0.1), Huber::new()).metric(R2Score))?;
    /// assert_eq!(model.evaluate(&data)?.names().collect::<Vec<_>>(), ["loss", "r2_score"]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// Settings out of range, losses and metrics that do not fit the outputs or are of outputs that are not there, a
    /// weight that no loss reaches, a thread pool that cannot be made.
    pub fn compile(self, settings: Compile) -> Result<Model> {
        let model = settings.model(self.architecture, Some(self.threads))?;
        Ok(Model { preprocessing: self.preprocessing, ..model })
    }
}
