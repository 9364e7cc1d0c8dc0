//! ConvLstm2d: long short-term memory of images, whose products are convolutions.

use crate::constraints::Constraint;
use crate::error::{Error, Result, check_setting};
use crate::initializers::{GlorotUniform, Initializer, Orthogonal, Zeros};
use crate::layers::recurrence::ForgetBias;
use crate::layers::{Activation, Cursor, Direction, Layer, RecurrentLayer, Weights};
use crate::ops::{self, Conv2dOptions, Padding};
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::size2d::Size2d;
use crate::sizes;
use crate::spec::Spec;
use crate::tape::{Mode, Var};

/// The largest number of steps. They are recorded one by one.
const MAX_STEPS: usize = 1 << 14;

options! {
    /// A long short-term memory of images (Shi et al. 2015). `ConvLSTM2D` in Keras.
    ///
    /// A step is that of [`Lstm`](crate::layers::Lstm), with convolutions instead of products: that of the image by the kernel,
    /// with strides, padding and dilation, and that of the hidden state by the recurrent kernel, with [`Padding::Same`].
    ///
    /// The first input is a sequence of images, steps × height × width × channels. Two further inputs are the initial hidden and
    /// cell states, which are 0 without them. States and outputs have the shape of the convolution of an image,
    /// rows × columns × `filters`. The first output is the last output of the recurrence, or with `return_sequences` all of them,
    /// steps × rows × columns × `filters`; `return_state` adds the final hidden and cell states. Weights are `kernel`,
    /// kernel height × kernel width × channels × 4 · `filters`, `recurrent_kernel`, kernel height × kernel width × `filters` ×
    /// 4 · `filters`, and `bias`, 4 · `filters`, in the order input gate, forget gate, candidate, output gate. `stateful` and
    /// `data_format` of Keras have no counterpart.
    ///
    /// A [mask](Var::mask) marks valid steps, or valid positions of the output in each step: steps × rows × columns. The latter
    /// is that of [`Masking`](crate::layers::Masking), so its images must have the height and width of the output.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::ConvLstm2d};
    /// let network = Sequential::new([5, 8, 8, 1]).add(ConvLstm2d::new(4, 3));
    /// let model = network.architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([6, 6, 4])]);
    /// assert_eq!(model.params().count(true), 3 * 3 * (1 + 4) * 16 + 16);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a size, stride or dilation rate or the number of filters
    /// is 0, or a rate is not ≥ 0 and < 1, and [`Error::Shape`](crate::Error::Shape) for other inputs, images smaller than a
    /// kernel without padding, masks of another shape, and more than 16,384 steps.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct ConvLstm2d("ConvLSTM2D") of (filters: usize, kernel_size: Size2d) {
        /// Distance between windows of the images in rows and columns, at least 1. Defaults to 1.
        into strides: Size2d = Size2d::from(1),
        /// Padding of the images with zeros. Defaults to [`Padding::Valid`], none.
        value padding: Padding = Padding::Valid,
        /// Distance between the elements of a kernel in the images, at least 1. Defaults to 1.
        into dilation_rate: Size2d = Size2d::from(1),
        /// Activation of the candidates and of the cell state. Defaults to [`Activation::Tanh`].
        value activation: Activation = Activation::Tanh,
        /// Activation of the gates. Defaults to [`Activation::Sigmoid`].
        value recurrent_activation: Activation = Activation::Sigmoid,
        /// Whether to add a learned bias. Defaults to `true`.
        value use_bias: bool = true,
        /// Initializer of the kernel. Defaults to [`GlorotUniform`].
        part kernel_initializer: Initializer = GlorotUniform,
        /// Initializer of the recurrent kernel. Defaults to [`Orthogonal`].
        part recurrent_initializer: Initializer = Orthogonal::default(),
        /// Initializer of the bias. Defaults to [`Zeros`].
        part bias_initializer: Initializer = Zeros,
        /// Whether the biases of the forget gate are initially 1. Defaults to `true`.
        value unit_forget_bias: bool = true,
        /// Regularizer of the kernel, whose penalty is added to the loss. Defaults to none.
        optional kernel_regularizer: Regularizer,
        /// Regularizer of the recurrent kernel, whose penalty is added to the loss. Defaults to none.
        optional recurrent_regularizer: Regularizer,
        /// Regularizer of the bias, whose penalty is added to the loss. Defaults to none.
        optional bias_regularizer: Regularizer,
        /// Constraint on the kernel, which is applied after each step. Defaults to none.
        optional kernel_constraint: Constraint,
        /// Constraint on the recurrent kernel, which is applied after each step. Defaults to none.
        optional recurrent_constraint: Constraint,
        /// Constraint on the bias, which is applied after each step. Defaults to none.
        optional bias_constraint: Constraint,
        /// Probability of dropping an element of an image in training, ≥ 0 and < 1. Equal elements are dropped in all steps of a
        /// sequence and for all gates. Defaults to 0.
        value dropout: f32 = 0.0,
        /// Probability of dropping an element of the hidden state in convolutions in training, ≥ 0 and < 1. Equal elements are
        /// dropped in all steps of a sequence and for all gates. Defaults to 0.
        value recurrent_dropout: f32 = 0.0,
        /// Whether to return the outputs of all steps instead of the last. Defaults to `false`.
        value return_sequences: bool = false,
        /// Whether to return the final hidden and cell states too. Defaults to `false`.
        value return_state: bool = false,
        /// Whether to process the steps from the last to the first; outputs are in the order of processing. Defaults to
        /// `false`.
        value go_backwards: bool = false,
        /// Whether the output of a masked step is 0 instead of the previous output. Defaults to `false`.
        value zero_output_for_mask: bool = false,
    }
}

impl ConvLstm2d {
    /// Creates the layer for `filters` filters and kernels of `kernel_size` rows and columns, all at least 1, with the defaults
    /// of Keras.
    pub fn new(filters: usize, kernel_size: impl Into<Size2d>) -> ConvLstm2d {
        ConvLstm2d::with_defaults(filters, kernel_size.into())
    }

    /// The options of the convolution of images.
    fn of_images(&self) -> Conv2dOptions {
        Conv2dOptions::new().strides(self.strides).padding(self.padding).dilation_rate(self.dilation_rate)
    }

    fn record_steps<'r>(
        &self,
        direction: Direction,
        in_order_of_inputs: bool,
        weights: &mut Cursor<'_, 'r>,
        inputs: &[Var<'r>],
    ) -> Vec<Var<'r>> {
        let [kernel, recurrent_kernel] = weights.take();
        let bias = self.use_bias.then(|| weights.take::<1>()[0]);
        let (x, recorder) = (inputs[0], inputs[0].recorder());
        let [rows, steps, height, width, channels] = [0, 1, 2, 3, 4].map(|axis| x.shape().axis(axis));
        let widest = channels.max(self.filters.saturating_mul(4));
        if let Err(error) = sizes::check_fits_memory::<f32>(&[rows, steps, height, width, widest]) {
            recorder.fail(error.at(|| recorder.current_scope(), &[]));
            return vec![x; if self.return_state { 3 } else { 1 }];
        }
        let constant = |shape: Shape, value: f32| recorder.constant_values(shape, vec![value; shape.len()]);
        let is_training = recorder.mode() == Mode::Training;
        let factors = |rate: f32, shape: Shape| (is_training && rate > 0.0).then(|| constant(shape, 1.0).dropout(rate));
        let of_inputs = factors(self.dropout, Shape::from([rows, 1, height, width, channels]));
        let x = of_inputs.map_or(x, |factors| x * factors);
        let images = x.reshape([rows * steps, height, width, channels]).conv2d(kernel, bias, self.of_images());
        let [_, height, width, columns] = [0, 1, 2, 3].map(|axis| images.shape().axis(axis));
        let images = images.reshape([rows, steps, height, width, columns]);
        let state = Shape::from([rows, height, width, self.filters]);
        let of_state = factors(self.recurrent_dropout, state);
        let (mut hidden, mut cell) = match inputs[1..] {
            [hidden, cell] => (hidden, cell),
            _ => (constant(state, 0.0), constant(state, 0.0)),
        };
        let mask = inputs[0].mask();
        let fitting = [Shape::from([rows, steps]), Shape::from([rows, steps, height, width])];
        if let Some(mask) = mask.filter(|mask| !fitting.contains(&mask.shape())) {
            let expected =
                format!("a mask of {} or {}, of steps or of positions of the output", fitting[0], fitting[1]);
            recorder.fail(Error::expected(expected).at(|| recorder.current_scope(), &[mask.shape()]));
            return vec![x; if self.return_state { 3 } else { 1 }];
        }
        let (mut output, mut outputs) = (None, Vec::new());
        for number in 0..steps {
            let time = if direction.go_backwards { steps - 1 - number } else { number };
            let image = images.slice(&[0, time, 0, 0, 0], [rows, 1, height, width, columns]);
            let dropped = of_state.map_or(hidden, |factors| hidden * factors);
            let same = Conv2dOptions::new().padding(Padding::Same);
            let sums = image.reshape([rows, height, width, columns]) + dropped.conv2d(recurrent_kernel, None, same);
            let gate = |number: usize, activation: Activation| {
                sums.slice(&[0, 0, 0, number * self.filters], state).activation(activation)
            };
            let [input, forget, out] = [0, 1, 3].map(|number| gate(number, self.recurrent_activation));
            let next_cell = forget * cell + input * gate(2, self.activation);
            let next = out * next_cell.activation(self.activation);
            let Some(mask) = mask else {
                (hidden, cell) = (next, next_cell);
                output = Some(next);
                outputs.push(next);
                continue;
            };
            // The values before the step where it is masked.
            let valid = match mask.shape().rank() {
                2 => mask.slice(&[0, time], [rows, 1]).reshape([rows, 1, 1, 1]),
                _ => mask.slice(&[0, time, 0, 0], [rows, 1, height, width]).reshape([rows, height, width, 1]),
            };
            let masked = valid * -1.0 + 1.0;
            (hidden, cell) = (next * valid + hidden * masked, next_cell * valid + cell * masked);
            let kept = output.filter(|_| !direction.zero_output_for_mask);
            let shown = kept.map_or(next * valid, |kept| next * valid + kept * masked);
            output = Some(shown);
            outputs.push(shown);
        }
        let first = if self.return_sequences {
            if in_order_of_inputs && direction.go_backwards {
                outputs.reverse();
            }
            let steps: Vec<Var<'r>> =
                outputs.iter().map(|output| output.reshape([rows, 1, height, width, self.filters])).collect();
            if let [only] = steps[..] { only } else { steps[0].concatenate(&steps[1..], 1) }
        } else {
            output.unwrap_or(hidden).without_mask()
        };
        let states = if self.return_state { vec![hidden, cell] } else { Vec::new() };
        std::iter::once(first).chain(states).collect()
    }
}

impl Layer for ConvLstm2d {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [height, width] = self.kernel_size.sizes();
        check_setting(self.filters > 0, "ConvLstm2d", "filters", self.filters, "at least 1")?;
        check_setting(height.min(width) > 0, "ConvLstm2d", "kernel_size", 0, "at least 1")?;
        for (name, rate) in [("dropout", self.dropout), ("recurrent_dropout", self.recurrent_dropout)] {
            check_setting((0.0..1.0).contains(&rate), "ConvLstm2d", name, f64::from(rate), "≥ 0 and < 1")?;
        }
        let expected = || {
            Error::expected(
                "a sequence of images steps × height × width × channels, and optionally two initial states with the shape of \
                 a step's output",
            )
        };
        let [sequence, states @ ..] = inputs else { return Err(expected()) };
        if sequence.rank() != 4 {
            return Err(expected());
        }
        if sequence.axis(0) > MAX_STEPS {
            return Err(Error::expected(format!("at most {MAX_STEPS} steps, which are recorded one by one")));
        }
        let columns = sizes::product(&[self.filters, 4])?;
        let kernel = Shape::from([height, width, sequence.last(), columns]);
        let recurrent_kernel = Shape::from([height, width, self.filters, columns]);
        let output = ops::conv2d_output(sequence.sample(), kernel, &self.of_images())?.with_axis(2, self.filters);
        let same = Conv2dOptions::new().padding(Padding::Same);
        ops::conv2d_output(output, recurrent_kernel, &same)?;
        let fits = states.is_empty() || states.len() == 2;
        if !fits || states.iter().any(|state| *state != output) {
            return Err(expected());
        }
        let options =
            (self.kernel_initializer.as_ref(), self.kernel_regularizer.as_ref(), self.kernel_constraint.as_ref());
        weights.add_with_options("kernel", kernel, options)?;
        let options = (
            self.recurrent_initializer.as_ref(),
            self.recurrent_regularizer.as_ref(),
            self.recurrent_constraint.as_ref(),
        );
        weights.add_with_options("recurrent_kernel", recurrent_kernel, options)?;
        if self.use_bias {
            let others = self.bias_initializer.as_ref();
            let forgetting = ForgetBias { others, units: self.filters };
            let initializer = if self.unit_forget_bias { &forgetting } else { others };
            let options = (initializer, self.bias_regularizer.as_ref(), self.bias_constraint.as_ref());
            weights.add_with_options("bias", columns, options)?;
        }
        sizes::check_fits_memory::<f32>(&[sequence.axis(0), output.axis(0), output.axis(1), columns])?;
        let first = if self.return_sequences { output.batch(sequence.axis(0))? } else { output };
        let states = if self.return_state { 2 } else { 0 };
        Ok(std::iter::once(first).chain(std::iter::repeat_n(output, states)).collect())
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let mut direction = Direction::new(self.go_backwards);
        direction.zero_output_for_mask = self.zero_output_for_mask;
        self.record_steps(direction, false, weights, inputs)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn recurrent(&self) -> Option<&dyn RecurrentLayer> {
        Some(self)
    }
}

impl RecurrentLayer for ConvLstm2d {
    fn goes_backwards(&self) -> bool {
        self.go_backwards
    }

    fn returns_sequences(&self) -> bool {
        self.return_sequences
    }

    fn returns_state(&self) -> bool {
        self.return_state
    }

    fn states(&self) -> usize {
        2
    }

    fn record_in<'r>(&self, direction: Direction, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        self.record_steps(direction, true, weights, inputs)
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;
    use crate::constraints::{NonNeg, UnitNorm};
    use crate::initializers::{HeNormal, Ones};
    use crate::regularizers::{L1, L2};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Vec<Shape>)> {
        let images = || vec![Shape::from([2, 4, 3, 2])];
        let regularized = ConvLstm2d::new(1, 2).kernel_regularizer(L2::new(0.1)).recurrent_regularizer(L1::new(0.2));
        let regularized = regularized.bias_regularizer(L2::new(0.3)).kernel_initializer(HeNormal);
        let regularized = regularized.kernel_constraint(UnitNorm::new()).recurrent_constraint(NonNeg);
        let strided = ConvLstm2d::new(2, (3, 2)).strides((2, 1)).padding(Padding::Same).return_sequences(true);
        let dropped = ConvLstm2d::new(2, 2).dropout(0.3).recurrent_dropout(0.2).zero_output_for_mask(true);
        let activations = ConvLstm2d::new(1, 2).activation(Activation::Softsign);
        let activations = activations.recurrent_activation(Activation::HardSigmoid).unit_forget_bias(false);
        let states = ConvLstm2d::new(2, 2).return_state(true).recurrent_initializer(HeNormal).bias_initializer(Ones);
        let state = Shape::from([3, 2, 2]);
        vec![
            (Box::new(ConvLstm2d::new(2, 2)), images()),
            (Box::new(strided.use_bias(false).go_backwards(true)), images()),
            (Box::new(regularized.bias_constraint(NonNeg)), images()),
            (Box::new(dropped), images()),
            (Box::new(activations.dilation_rate(2)), images()),
            (Box::new(states), vec![images()[0], state, state]),
        ]
    }

    #[test]
    fn masked_steps_leave_the_states_unchanged() {
        let network = |steps: usize| {
            let network = crate::Sequential::new([steps, 3, 3, 1]).add(crate::layers::Masking::new(9.0));
            let layer = ConvLstm2d::new(2, 2).padding(Padding::Same);
            network.add(layer).architecture(3).unwrap().into_model().unwrap()
        };
        let x = ndarray::Array5::from_shape_fn((2, 4, 3, 3, 1), |(row, step, i, j, _)| match (row, step) {
            (0, 2..) => 9.0,
            _ => (row + 2 * step + i * j) as f32 / 7.0,
        });
        let y = network(4).predict(&x).unwrap();
        let shorter = network(2).predict(&x.slice(ndarray::s![..1, ..2, .., .., ..])).unwrap();
        let apart = shorter.iter().zip(&y).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-6, "{apart} apart");
    }

    #[test]
    fn masks_of_other_positions_are_errors() {
        let network = crate::Sequential::new([4, 3, 3, 1]).add(crate::layers::Masking::new(9.0));
        let message = network.add(ConvLstm2d::new(2, 2)).architecture(3).unwrap_err().to_string();
        assert!(message.contains("of steps or of positions of the output"), "{message}");
    }

    #[test]
    fn long_sequences_and_other_states_are_rejected() {
        let message = |inputs: &[Shape]| {
            let declared = crate::layers::Declared::of(&ConvLstm2d::new(2, 2), "layer", inputs);
            declared.unwrap_err().to_string()
        };
        assert!(message(&[Shape::from([20_000, 4, 3, 2])]).contains("at most 16384 steps"));
        let state = Shape::from([4, 3, 2]);
        assert!(message(&[Shape::from([2, 4, 3, 2]), state, state]).contains("optionally two initial states"));
    }
}
