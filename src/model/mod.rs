//! Models: layers put together, compiled, fitted, evaluated and used, with Keras' words.

pub mod callbacks;
mod checkpoint;
mod checkpoints;
mod classified;
mod compile;
mod evaluate;
#[cfg(feature = "keras")]
mod exchange;
mod feed;
mod fit;
mod freeze;
mod graph;
mod heads;
mod network;
mod on_batch;
mod plan;
mod predict;
mod preprocess;
#[cfg(feature = "cli")]
mod rescore;
mod resume;
mod save;
mod scoring;
mod sequential;
mod summary;
mod targets;
#[cfg(test)]
mod tests;
mod threads;
mod training;
mod training_state;
mod weigh;
#[cfg(feature = "onnx")]
mod wired;

pub use callbacks::{
    BatchEnd, Callback, Divergence, EpochBegin, EpochEnd, Flow, Monitor, Progress, ReportedScore, Stop, TrainBegin,
    TrainEnd,
};
pub use checkpoint::Checkpoint;
pub use checkpoints::Checkpoints;
pub use compile::Compile;
pub use fit::Fit;
pub use graph::{Applied, Graph, GraphLayer, Node};
pub use heads::Losses;
pub use on_batch::Batch;
pub use sequential::Sequential;
pub use training_state::TrainingState;

#[cfg(feature = "cli")]
pub(crate) use feed::is_input;
#[cfg(feature = "keras")]
pub(crate) use network::layer_name;

use crate::architecture::ValueInfo;
use crate::error::{Error, Result};
use crate::losses::Loss;
use crate::optimizers::{Optimizer, OptimizerState, check_rate};
use crate::output_scale::OutputScale;
use crate::random::Key;
use crate::save::Output;
use crate::shape::Shape;
use crate::tape::{ParamGradients, Params, Recorder, Var};
use heads::Head;
use network::Network;
use plan::Plans;
use threads::Threads;

/// A compiled model: layers with their weights, a loss, an optimizer with its state, and counters of what was trained.
///
/// Made by [`Sequential::compile`] and [`Graph::compile`].
#[derive(Debug)]
pub struct Model {
    network: Network,
    params: Params,
    gradients: ParamGradients,
    /// The outputs that are trained.
    heads: Vec<Head>,
    /// The optimizer and its state.
    optimizer: OptimizerState,
    key: Key,
    /// Epochs and steps trained so far: with the key they say every draw, so that 2 + 2 epochs are 4.
    epoch: u64,
    step: u64,
    /// The learning rate of the steps to come, where it is not the optimizer's own.
    learning_rate: Option<f32>,
    threads: Threads,
    plans: Plans,
    /// What turns strings into numbers in front of inputs.
    preprocessing: preprocess::Parts,
}

impl Model {
    /// The inputs in order, each with its name, the shape of one sample, and the axis order of the file that the model was
    /// loaded from.
    ///
    /// [`predict`](Model::predict) and datasets take samples in the model's own order, channels last; [`AxisOrder::to_model`](crate::AxisOrder::to_model)
    /// brings an array from the file's order into that.
    pub fn inputs(&self) -> Vec<ValueInfo> {
        self.network.wiring.inputs.clone()
    }

    /// The outputs in order, each with its name, the shape of one sample, and the axis order of the file that the model was
    /// loaded from.
    pub fn outputs(&self) -> Vec<ValueInfo> {
        let info = |(number, output): (usize, &Output)| {
            ValueInfo::new(&output.name, self.network.output(number)).with_axis_order(output.axis_order)
        };
        self.network.wiring.outputs.iter().enumerate().map(info).collect()
    }

    /// The shape of one sample of each input.
    pub fn input_shapes(&self) -> Vec<Shape> {
        self.network.inputs().collect()
    }

    /// The shape of one sample of each output.
    pub fn output_shapes(&self) -> Vec<Shape> {
        (0..self.network.output_names().len()).map(|output| self.network.output(output)).collect()
    }

    /// How each output is to be read: as probabilities or values, as logits, or as margins. The losses say so; outputs
    /// without a loss are read as they are.
    pub fn output_scales(&self) -> Vec<OutputScale> {
        let scale = |output| {
            let head = self.heads.iter().find(|head| head.output == output);
            head.map_or(OutputScale::Plain, |head| head.loss.output_scale())
        };
        (0..self.network.output_names().len()).map(scale).collect()
    }

    /// The shape of one sample of each value: the inputs, then what each call gives.
    pub(crate) fn value_shapes(&self) -> &[Shape] {
        self.network.shapes()
    }

    /// The weights and running statistics, by name and in build order.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The same, to change.
    pub fn params_mut(&mut self) -> &mut Params {
        &mut self.params
    }

    /// The optimizer.
    pub fn optimizer(&self) -> &dyn Optimizer {
        self.optimizer.optimizer()
    }

    /// The optimizer with its state for each weight.
    pub fn optimizer_state(&self) -> &OptimizerState {
        &self.optimizer
    }

    /// The optimizer with its state for each weight, to change.
    pub fn optimizer_state_mut(&mut self) -> &mut OptimizerState {
        &mut self.optimizer
    }

    /// The learning rate of the next step: the optimizer's own, unless another was set.
    pub fn learning_rate(&self) -> f32 {
        self.learning_rate.unwrap_or(self.optimizer.step(self.step.saturating_add(1)).learning_rate)
    }

    /// Trains with this learning rate from the next step on, in place of the optimizer's own. It belongs to the model's
    /// training state, and is saved with it.
    ///
    /// # Errors
    /// It is below 0, infinite or not a number.
    pub fn set_learning_rate(&mut self, learning_rate: f32) -> Result<()> {
        check_rate("Model", learning_rate)?;
        self.learning_rate = Some(learning_rate);
        Ok(())
    }

    /// Records the model's forward pass on a tape of your own, for a training loop of your own: other losses, several
    /// models in one loss, gradients of inputs. The inputs have a batch axis and stand in the model's order, as do the
    /// outputs that come back; the recorder's mode says whether it is for training.
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
    /// Another number of inputs than the model has, or another shape of one sample. What else does not fit is kept by the
    /// recorder.
    ///
    /// # Panics
    /// When an input is of another recorder, or earlier parameters of the recording are not the model's.
    pub fn record<'r>(&self, recorder: &'r Recorder, inputs: &[Var<'r>]) -> Result<Vec<Var<'r>>> {
        let found: Vec<Shape> = inputs.iter().map(Var::shape).collect();
        let expected: Vec<Shape> = self.network.inputs().collect();
        if found.iter().map(Shape::sample).ne(expected.iter().copied()) || found.contains(&Shape::SCALAR) {
            let expected: Vec<String> = expected.iter().map(Shape::to_string).collect();
            let expected =
                Error::expected(format!("a batch axis and then {}, the model's inputs", expected.join(", ")));
            return Err(expected.at(|| "record".into(), &found));
        }
        Ok(self.network.record(recorder, &self.params, inputs))
    }

    /// Records what the model's [regularizers](crate::regularizers) add to a loss, for a loop of your own; `None` where no
    /// weight that is learned has one. `fit` and `evaluate` add it by themselves.
    ///
    /// # Panics
    /// When earlier parameters of the recording are not the model's.
    pub fn record_penalty<'r>(&self, recorder: &'r Recorder) -> Option<Var<'r>> {
        self.network.record_penalty(recorder, &self.params)
    }

    /// What training makes small: the loss of the first output that has one.
    pub fn loss(&self) -> &dyn Loss {
        self.heads[0].loss.as_ref()
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
