//! Settings of training: optimizer, loss, metrics, seed and threads.

use super::compiled::{Counters, Training};
use super::kept_plans::Plans;
use super::preprocessing_parts::Parts;
use super::shards::MAX_SHARDS;
use super::threads::Threads;
use super::trained_outputs::{CompileRequest, Losses, MetricRequest};
use super::{Model, plan};
use crate::architecture::Architecture;
use crate::error::{Result, check_setting};
use crate::metrics::Metric;
use crate::optimizers::{Optimizer, OptimizerState};
use crate::random::Key;
use crate::tape::ParamGradients;
use std::sync::Arc;

/// Settings of training: optimizer, loss, metrics, seed and threads.
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
    shards: usize,
    threads: Option<usize>,
}

impl Compile {
    /// Creates settings with an optimizer and a loss, without metrics, with seed 0 and the current thread pool. If a
    /// model has several outputs, a single loss applies to each of them, and [`Losses`] sets one for each.
    pub fn new(optimizer: impl Optimizer + 'static, loss: impl Into<Losses>) -> Compile {
        let request = CompileRequest { losses: loss.into(), weights: Vec::new(), metrics: Vec::new() };
        Compile { optimizer: Arc::new(optimizer), request, deferred_checks: false, seed: 0, shards: 1, threads: None }
    }

    /// Adds a metric of the only output. All rows have the same weight. A model with several outputs needs
    /// [`metric_of`](Compile::metric_of), which names the output; `compile` returns an error otherwise.
    pub fn metric(self, metric: impl Metric + 'static) -> Compile {
        self.request_metric(Arc::new(metric), None, false)
    }

    /// Adds a metric of the output with this name. All rows have the same weight. The output must have a loss. If
    /// the model has several outputs, the name of the score begins with that of the output, as in `kind_accuracy`.
    pub fn metric_of(self, output: impl Into<String>, metric: impl Metric + 'static) -> Compile {
        self.request_metric(Arc::new(metric), Some(output.into()), false)
    }

    /// Adds a metric in which each row is weighted by its [sample weight](crate::data::Arrays::with_sample_weight) or
    /// [class weight](crate::Fit::class_weight). Keras' `weighted_metrics`. Its score is called `weighted_accuracy` if
    /// an unweighted metric has the same name.
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

    /// Adds a weighted metric of the output with this name; see [`weighted_metric`](Compile::weighted_metric).
    pub fn weighted_metric_of(self, output: impl Into<String>, metric: impl Metric + 'static) -> Compile {
        self.request_metric(Arc::new(metric), Some(output.into()), true)
    }

    fn request_metric(mut self, metric: Arc<dyn Metric>, output: Option<String>, weighted: bool) -> Compile {
        self.request.metrics.push(MetricRequest { metric, output, weighted });
        self
    }

    /// Sets the factor by which the loss of an output is multiplied in the sum that training minimizes, a finite number.
    /// Default: 1. `output` is the name of an output that has a loss; that of a `Sequential` is `output`. The loss of the
    /// output is reported without the factor, as in Keras.
    pub fn loss_weight(mut self, output: impl Into<String>, weight: f32) -> Compile {
        self.request.weights.push((output.into(), weight));
        self
    }

    /// Sets whether losses and metrics are checked against the outputs at the first training or evaluation instead of
    /// at compilation. Default: `false`. Importers use it, so that a model with an unsuitable loss can still predict.
    pub fn deferred_checks(mut self, deferred: bool) -> Compile {
        self.deferred_checks = deferred;
        self
    }

    /// Sets the seed of all random draws: initial weights, shuffling and dropout. The same seed gives the same bits on
    /// any number of threads. Default: 0.
    pub fn seed(mut self, seed: u64) -> Compile {
        self.seed = seed;
        self
    }

    /// Sets the number of shards of each training batch. Default: 1. Gradients are computed for each shard separately, with
    /// the memory of one shard, and then added. With an [`Exchange`](crate::exchange::Exchange), several processes compute the
    /// shards.
    ///
    /// Like the seed, the number of shards determines the bits of a training run, and the numbers of threads and processes do
    /// not. It is part of a saved model. Of a batch of n rows, shard s has the rows from ⌊s · n / shards⌋ to
    /// ⌊(s + 1) · n / shards⌋, not including the last. The sum is a fixed tree: the left half of several shards is the largest
    /// power of two below their number.
    ///
    /// - The loss is the mean over all rows or valid positions of the batch, as with one shard. Penalties on weights are added
    ///   once.
    /// - Dropout and noise depend on the position of a row in the batch. They are those of one shard.
    /// - `BatchNorm` uses the mean and the variance of its shard, as in Keras with several devices, so results differ from
    ///   those of one shard. Running statistics are the means of those of the shards. Each shard of a batch needs two rows.
    /// - Rows that differ in size along open axes are padded to the longest of their shard.
    /// - A batch with fewer rows than shards, such as the last of an epoch, leaves shards without rows, which are ignored.
    ///
    /// ```
    /// use gradus::{Compile, Fit, Progress, Sequential, data::Arrays, layers::Dense};
    /// use gradus::{losses::MeanSquaredError, optimizers::Sgd};
    /// use ndarray::arr2;
    /// let data = Arrays::new(arr2(&[[1.0f32], [2.0], [3.0], [4.0]]), arr2(&[[2.0f32], [4.0], [6.0], [8.0]]))?;
    /// let trained = |shards: usize| {
    ///     let settings = Compile::new(Sgd::new(0.1), MeanSquaredError::new()).shards(shards);
    ///     let mut model = Sequential::new([1]).add(Dense::new(1)).compile(settings)?;
    ///     model.fit(&data, Fit::new().epochs(9).batch_size(4).progress(Progress::Quiet))?;
    ///     Ok::<_, gradus::Error>(model.predict(&arr2(&[[5.0]]))?[[0, 0]])
    /// };
    /// assert!((trained(2)? - trained(1)?).abs() < 1e-4); // equal except for rounding
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// `compile` returns an error for 0 shards and for more than 65536, `fit` for more shards than the batch size, and both `fit` and `train_on_batch` for
    /// several shards of a model with stateful layers.
    pub fn shards(mut self, shards: usize) -> Compile {
        self.shards = shards;
        self
    }

    /// Uses a dedicated pool of `threads` threads. By default, the environment variable `GRADUS_THREADS` sets the
    /// number; without it, the current rayon pool is used.
    pub fn threads(mut self, threads: usize) -> Compile {
        self.threads = Some(threads);
        self
    }

    /// The seed of the initial weights.
    pub(super) fn seed_of_weights(&self) -> u64 {
        self.seed
    }

    /// Creates the model of an architecture. `threads` applies unless the settings have a number of threads.
    pub(super) fn model(self, architecture: Architecture, threads: Option<Threads>) -> Result<Model> {
        let threads = match (self.threads, threads) {
            (None, Some(threads)) => threads,
            (threads, _) => Threads::new(threads)?,
        };
        let training = Some(self.training(&architecture)?);
        Ok(Model {
            architecture,
            training,
            threads,
            plans: Plans::default(),
            preprocessing: Parts::new(),
            changed: false,
        })
    }

    /// The training state before the first step.
    fn training(self, architecture: &Architecture) -> Result<Training> {
        let in_range = (1..=MAX_SHARDS).contains(&self.shards);
        check_setting(in_range, "Compile", "shards", self.shards, "at least 1 and at most 65536")?;
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
            shards: self.shards,
        })
    }
}

impl Model {
    /// Replaces the optimizer, losses and metrics. Use it to train a model for inference, or to train or evaluate a
    /// model with other settings. Weights are kept; the optimizer's state and the counters of epochs and steps are
    /// reset.
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
    /// Settings are out of range, losses or metrics do not fit the outputs or name unknown outputs, a trainable weight
    /// does not affect any loss, or the thread pool cannot be created.
    pub fn compile(self, settings: Compile) -> Result<Model> {
        let model = settings.model(self.architecture, Some(self.threads))?;
        Ok(Model { preprocessing: self.preprocessing, ..model })
    }
}
