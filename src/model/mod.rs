//! Models: compilation, training, evaluation and prediction, with Keras' names.

pub mod callbacks;
mod carried_states;
mod checkpoint;
mod checkpoints;
mod column_names;
mod compile;
mod compiled;
mod confusion_matrix;
mod constraints;
mod evaluate;
mod fit;
mod fit_model;
mod from_architecture;
#[cfg(test)]
mod fused_masks;
mod kept_plans;
mod loss_means;
mod matched_dataset;
mod members;
mod message;
mod on_batch;
mod plan;
mod plan_cache;
mod predict;
mod predict_dataset;
mod predict_inputs;
mod preprocess;
mod preprocessing_parts;
mod reported_score;
mod resume;
mod sample_weights;
mod save;
mod scoring;
mod shard_plan;
mod shard_sums;
mod sharded_state;
mod sharded_steps;
mod shards;
mod steps;
mod targets;
#[cfg(test)]
mod tests;
mod threads;
mod together;
mod trainable;
mod trained_outputs;
mod training;
mod training_access;
mod training_state;

pub use crate::architecture::{Applied, Graph, GraphLayer, Node, Sequential};
pub use callbacks::{
    BatchEnd, Callback, Divergence, EpochBegin, EpochEnd, Flow, Monitor, Progress, ReportedScore, Stop, TrainBegin,
    TrainEnd,
};
pub use checkpoint::Checkpoint;
pub use checkpoints::Checkpoints;
pub use compile::Compile;
pub use compiled::Counters;
pub use fit::Fit;
pub use on_batch::Batch;
pub use predict_inputs::PredictInputs;
pub use trained_outputs::{Losses, TrainedOutput};
pub use training_state::TrainingState;

use crate::architecture::{Architecture, ValueInfo};
use crate::error::{Error, Result};
use crate::losses::Loss;
use crate::optimizers::{Optimizer, OptimizerState, check_rate};
use crate::output_scale::OutputScale;
use crate::sample_shape::SampleShape;
use crate::shape::Shape;
use crate::tape::{ParamId, Params, Recorder, Var};
use compiled::Training;
use kept_plans::Plans;
use threads::Threads;

/// A neural network: layers with weights, and for training also losses, metrics, an optimizer with its state, and
/// counters.
///
/// [`Sequential::compile`] and [`Graph::compile`] create a model for training. An [`Architecture`] becomes a model for
/// inference or for training.
///
/// A clone has the weights, the optimizer state and the counters of the model, so that both continue with the same bits, and is
/// independent of it afterwards. They share arrays of weights until one of them changes them.
///
/// ```
/// use gradus::{Compile, Sequential, data::Arrays, layers::Dense, losses::MeanSquaredError, optimizers::Adam};
/// use ndarray::arr2;
/// let network = Sequential::new([1]).add(Dense::new(1));
/// let mut model = network.compile(Compile::new(Adam::default(), MeanSquaredError::new()))?;
/// let data = Arrays::new(arr2(&[[1.0f32], [2.0]]), arr2(&[[2.0f32], [4.0]]))?;
/// model.train_on_batch(&data)?;
/// let mut copy = model.clone();
/// copy.train_on_batch(&data)?;
/// assert_ne!(copy.params().sha256(), model.params().sha256());
/// model.train_on_batch(&data)?;
/// assert_eq!(copy.params().sha256(), model.params().sha256());
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Model {
    architecture: Architecture,
    /// The training part, or `None` in a model for inference.
    training: Option<Training>,
    threads: Threads,
    plans: Plans,
    /// The preprocessing that converts strings to numbers, by input.
    preprocessing: preprocessing_parts::Parts,
    /// Whether weights or optimizer state may have changed outside of training steps since the members of an exchange last
    /// compared them.
    changed: bool,
}

impl Model {
    /// The inputs in order. Each has a name, the shape of one sample, and the axis order of the file that the model was
    /// loaded from.
    ///
    /// [`predict`](Model::predict) and datasets use channels last. [`AxisOrder::to_model`](crate::AxisOrder::to_model)
    /// converts an array from the file's order.
    pub fn inputs(&self) -> Vec<ValueInfo> {
        self.architecture.inputs().to_vec()
    }

    /// The outputs in order. Each has a name, the shape of one sample, and the axis order of the file that the model
    /// was loaded from.
    pub fn outputs(&self) -> Vec<ValueInfo> {
        self.architecture.outputs().to_vec()
    }

    /// The shape of one sample of each input.
    pub fn input_shapes(&self) -> Vec<SampleShape> {
        self.architecture.inputs().iter().map(ValueInfo::shape).collect()
    }

    /// The shape of one sample of each output. An axis is open if its size depends on those of open axes of inputs.
    pub fn output_shapes(&self) -> Vec<SampleShape> {
        self.architecture.outputs().iter().map(ValueInfo::shape).collect()
    }

    /// The scale of each output: probabilities or values, logits, or margins. It is set by the loss. Outputs without a
    /// loss are probabilities or values.
    pub fn output_scales(&self) -> Vec<OutputScale> {
        let scale = |output| {
            let trained = self.trained_outputs().iter().find(|trained| trained.output == output);
            trained.map_or(OutputScale::Plain, |trained| trained.loss.output_scale())
        };
        (0..self.architecture.output_names().len()).map(scale).collect()
    }

    /// The weights and running statistics by name, in build order.
    pub fn params(&self) -> &Params {
        self.architecture.params()
    }

    /// The weights and running statistics, to change their values.
    ///
    /// The layers refer to these parameters, so after `*model.params_mut() = params`, the methods `fit`, `evaluate`,
    /// `predict` and `save` return [`Error::Graph`]. [`Params::assign`] copies the values of other parameters:
    ///
    /// ```
    /// use gradus::{Sequential, layers::Dense};
    /// let network = Sequential::new([2]).add(Dense::new(1));
    /// let (mut model, other) = (network.architecture(1)?.into_model()?, network.architecture(2)?.into_model()?);
    /// model.params_mut().assign(other.params())?;
    /// assert_eq!(model.params().sha256(), other.params().sha256());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn params_mut(&mut self) -> &mut Params {
        self.changed = true;
        self.architecture.params_mut()
    }

    /// The optimizer, or `None` in a model for inference and while its state is divided among the members of an exchange, as
    /// [`Fit::sharded_optimizer_state`] describes.
    pub fn optimizer(&self) -> Option<&dyn Optimizer> {
        self.optimizer_state().map(OptimizerState::optimizer)
    }

    /// The optimizer and its state for each weight, or `None` in a model for inference and while the state is divided among the
    /// members of an exchange, as [`Fit::sharded_optimizer_state`] describes.
    pub fn optimizer_state(&self) -> Option<&OptimizerState> {
        self.training.as_ref().map(|training| &training.optimizer).filter(|state| state.part().is_none())
    }

    /// The optimizer and its state for each weight, mutably, or `None` in a model for inference and while the state is divided
    /// among the members of an exchange, as [`Fit::sharded_optimizer_state`] describes.
    pub fn optimizer_state_mut(&mut self) -> Option<&mut OptimizerState> {
        self.changed = true;
        self.training.as_mut().map(|training| &mut training.optimizer).filter(|state| state.part().is_none())
    }

    /// The learning rate of the next step: that of the optimizer unless [`set_learning_rate`](Model::set_learning_rate)
    /// replaced it. It is 0 in a model for inference.
    pub fn learning_rate(&self) -> f32 {
        self.training.as_ref().map_or(0.0, Training::learning_rate)
    }

    /// Sets the learning rate of all later steps, in place of the learning rate of the optimizer. It is part of the training
    /// state and saved with the model.
    ///
    /// # Errors
    /// The rate is negative or not finite. [`Error::NotCompiled`] if the model has no optimizer.
    pub fn set_learning_rate(&mut self, learning_rate: f32) -> Result<()> {
        check_rate("Model", learning_rate)?;
        self.compiled_mut("set_learning_rate")?.counters.learning_rate = Some(learning_rate);
        Ok(())
    }

    /// Records the forward pass of the model with a recorder, for custom training loops: other losses, several models
    /// in one loss, or gradients of inputs. `inputs` have a batch axis and are in the model's order, as are the
    /// returned outputs. The recorder's mode selects training or inference.
    ///
    /// ```
    /// use gradus::tape::{Mode, ParamGradients, Recorder};
    /// use gradus::{Compile, Key, OptimizerState, Sequential, layers::*, losses::MeanSquaredError, optimizers::Adam};
    /// use ndarray::Array2;
    ///
    /// let network = Sequential::new([1]).add(Dense::new(16).activation(Activation::Tanh)).add(Dense::new(1));
    /// let mut model = network.compile(Compile::new(Adam::default(), MeanSquaredError::new()))?;
    ///
    /// // The loss of this loop: the mean of fourth powers, recorded once.
    /// let recorder = Recorder::new(Mode::Training);
    /// let (x, t) = (recorder.input([32, 1]), recorder.input([32, 1]));
    /// let y = model.record(&recorder, &[x])?[0];
    /// let square = (y - t) * (y - t);
    /// let loss = (square * square).mean();
    /// recorder.minimize(loss);
    /// let (x, t, loss) = (x.id(), t.id(), loss.id());
    /// let mut tape = recorder.finish()?;
    ///
    /// // Each step: fill in a batch, run forward and backward, update.
    /// let mut state = OptimizerState::new(Adam::new(0.01), model.params())?;
    /// let mut gradients = ParamGradients::new(model.params());
    /// tape.input_mut(x).assign(&Array2::from_shape_fn((32, 1), |(i, _)| i as f32 / 32.0));
    /// tape.input_mut(t).assign(&Array2::from_shape_fn((32, 1), |(i, _)| (i as f32 / 32.0).powi(2)));
    /// let mut losses = Vec::new();
    /// for step in 1..=200 {
    ///     tape.run(model.params(), Key::from_seed(1).split(step))?; // the key is for dropout's draws
    ///     losses.push(tape.value(loss).sum());
    ///     tape.backward(model.params(), &mut gradients);
    ///     tape.commit(model.params_mut()); // running statistics, if there are any
    ///     state.update(state.step(step), model.params_mut(), &mut gradients); // backward_and_update is faster
    /// }
    /// assert!(losses[199] < 0.1 * losses[0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// The number of inputs or the shape of a sample differs from the model's, or a layer does not accept the size along an
    /// open axis. The recorder reports other errors when it finishes.
    ///
    /// # Panics
    /// If an input belongs to another recorder, or parameters that were recorded before are not those of this model.
    pub fn record<'r>(&self, recorder: &'r Recorder, inputs: &[Var<'r>]) -> Result<Vec<Var<'r>>> {
        let found: Vec<Shape> = inputs.iter().map(Var::shape).collect();
        let expected = self.input_shapes();
        let fit = |(found, expected): (&Shape, &SampleShape)| found.rank() > 0 && expected.contains(found.sample());
        if found.len() != expected.len() || !found.iter().zip(&expected).all(fit) {
            let expected: Vec<String> = expected.iter().map(SampleShape::to_string).collect();
            let expected =
                Error::expected(format!("a batch axis and then {}, the model's inputs", expected.join(", ")));
            return Err(expected.at(|| "record".into(), &found));
        }
        self.architecture.record(recorder, inputs)
    }

    /// Records the penalties of the model's [regularizers](crate::regularizers) for a custom training loop, including
    /// those on outputs if the forward pass was recorded before. Returns `None` if there are none. `fit` and `evaluate` add penalties automatically.
    ///
    /// # Panics
    /// If parameters that were recorded before are not those of this model.
    pub fn record_penalty<'r>(&self, recorder: &'r Recorder) -> Option<Var<'r>> {
        self.architecture.record_penalty(recorder)
    }

    /// Records the constrained values of the weights that have a [constraint](crate::constraints), for a custom training loop.
    /// After each step, run their tape and copy each value to its parameter. `fit` applies constraints automatically.
    ///
    /// ```
    /// use gradus::constraints::NonNeg;
    /// use gradus::tape::{Mode, Recorder};
    /// use gradus::{Key, Sequential, initializers::Constant, layers::Dense};
    /// let layer = Dense::new(2).bias_initializer(Constant::new(-1.0)).bias_constraint(NonNeg);
    /// let mut model = Sequential::new([3]).add(layer).architecture(0)?.into_model()?;
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (bias, value) = model.record_constraints(&recorder)[0];
    /// let value = value.id();
    /// let mut tape = recorder.finish()?;
    /// tape.run(model.params(), Key::from_seed(0))?;
    /// model.params_mut().values_mut(bias).copy_from_slice(tape.view(value).data());
    /// assert_eq!(model.params().values(bias), [0.0, 0.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Panics
    /// If parameters that were recorded before are not those of this model.
    pub fn record_constraints<'r>(&self, recorder: &'r Recorder) -> Vec<(ParamId, Var<'r>)> {
        self.architecture.record_constraints(recorder)
    }

    /// The loss of the first output that has one, or `None` in a model for inference.
    pub fn loss(&self) -> Option<&dyn Loss> {
        self.trained_outputs().first().map(TrainedOutput::loss)
    }

    /// Uses a dedicated pool of `threads` threads from then on. Results do not depend on the number.
    ///
    /// # Errors
    /// `threads` is 0 or more than 4096, or the pool cannot be created.
    pub fn set_threads(&mut self, threads: usize) -> Result<()> {
        self.threads = Threads::new(Some(threads))?;
        Ok(())
    }

    /// Number of epochs trained; 0 in a model for inference.
    pub fn epoch(&self) -> u64 {
        self.counters().map_or(0, |counters| counters.epoch)
    }

    /// Number of completed training steps; 0 in a model for inference.
    pub fn step(&self) -> u64 {
        self.counters().map_or(0, |counters| counters.step)
    }

    /// A table of the layers with Keras' three columns, and the number of weights.
    pub fn summary(&self) -> String {
        self.architecture.summary()
    }
}
