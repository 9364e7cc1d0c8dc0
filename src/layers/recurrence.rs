//! The common part of recurrent layers.

use super::noise::ones;
use super::weights::WeightOptions;
use super::{Activation, Cursor, Direction, Weights};
use crate::error::{Error, Result, check_setting};
use crate::initializers::Initializer;
use crate::kernels::recurrent::Cell;
use crate::ops::RecurrentOptions;
use crate::random::Key;
use crate::shape::Shape;
use crate::sizes;
use crate::spec::Spec;
use crate::tape::{Mode, Var};

/// The options of a recurrent layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recurrence<'a> {
    /// The layer's name in errors.
    pub(super) owner: &'static str,
    pub(super) cell: Cell,
    pub(super) units: usize,
    pub(super) use_bias: bool,
    pub(super) activation: Activation,
    pub(super) recurrent_activation: Activation,
    /// The options of the kernel, the recurrent kernel and the bias.
    pub(super) weights: [WeightOptions<'a>; 3],
    pub(super) unit_forget_bias: bool,
    pub(super) dropout: f32,
    pub(super) recurrent_dropout: f32,
    pub(super) return_sequences: bool,
    pub(super) return_state: bool,
    pub(super) go_backwards: bool,
    pub(super) zero_output_for_mask: bool,
    /// Whether the outputs are in the order of the inputs even if steps are processed backwards.
    pub(super) in_order_of_inputs: bool,
    /// The number of rows of each batch, if the states are carried from one batch to the next.
    pub(super) stateful: Option<usize>,
}

/// The names of the states that are carried from one batch to the next.
const STATES: [&str; 2] = ["hidden_state", "cell_state"];

/// Implements a layer as the recurrence of a cell, whose options have the names of Keras.
macro_rules! recurrent {
    ($Layer:ident, |$this:ident| $cell:expr, $recurrent_activation:expr, $unit_forget_bias:expr) => {
        impl $Layer {
            fn recurrence(&self) -> $crate::layers::recurrence::Recurrence<'_> {
                let $this = self;
                $crate::layers::recurrence::Recurrence {
                    owner: stringify!($Layer),
                    cell: $cell,
                    units: self.units,
                    use_bias: self.use_bias,
                    activation: self.activation,
                    recurrent_activation: $recurrent_activation,
                    weights: [
                        (
                            self.kernel_initializer.as_ref(),
                            self.kernel_regularizer.as_ref(),
                            self.kernel_constraint.as_ref(),
                        ),
                        (
                            self.recurrent_initializer.as_ref(),
                            self.recurrent_regularizer.as_ref(),
                            self.recurrent_constraint.as_ref(),
                        ),
                        (self.bias_initializer.as_ref(), self.bias_regularizer.as_ref(), self.bias_constraint.as_ref()),
                    ],
                    unit_forget_bias: $unit_forget_bias,
                    dropout: self.dropout,
                    recurrent_dropout: self.recurrent_dropout,
                    return_sequences: self.return_sequences,
                    return_state: self.return_state,
                    go_backwards: self.go_backwards,
                    zero_output_for_mask: self.zero_output_for_mask,
                    in_order_of_inputs: false,
                    stateful: self.stateful,
                }
            }
        }

        impl Layer for $Layer {
            fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
                self.recurrence().build(inputs, weights)
            }

            fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
                self.recurrence().record(weights, inputs)
            }

            fn spec(&self) -> Spec {
                self.write_options(Spec::new(Self::CLASS))
            }

            fn supports_masking(&self) -> bool {
                true
            }

            fn recurrent(&self) -> Option<&dyn $crate::layers::RecurrentLayer> {
                Some(self)
            }
        }

        impl $crate::layers::RecurrentLayer for $Layer {
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
                self.recurrence().cell.states()
            }

            fn record_in<'r>(
                &self,
                direction: $crate::layers::Direction,
                weights: &mut Cursor<'_, 'r>,
                inputs: &[Var<'r>],
            ) -> Vec<Var<'r>> {
                self.recurrence().directed(direction).record(weights, inputs)
            }
        }
    };
}
pub(super) use recurrent;

impl Recurrence<'_> {
    /// The recurrence in a direction, with outputs in the order of the inputs.
    pub(super) fn directed(self, direction: Direction) -> Self {
        let Direction { go_backwards, zero_output_for_mask } = direction;
        Recurrence { go_backwards, zero_output_for_mask, in_order_of_inputs: true, ..self }
    }

    /// Declares the weights, and returns the shapes of the outputs.
    pub(super) fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        check_setting(self.units > 0, self.owner, "units", self.units, "at least 1")?;
        for (name, rate) in [("dropout", self.dropout), ("recurrent_dropout", self.recurrent_dropout)] {
            check_setting((0.0..1.0).contains(&rate), self.owner, name, f64::from(rate), "≥ 0 and < 1")?;
        }
        let (units, count) = (Shape::from(self.units), self.cell.states());
        let sequence = inputs.first().copied().unwrap_or(Shape::SCALAR);
        let states = inputs.get(1..).unwrap_or(&[]);
        let fits = sequence.rank() == 2 && (states.is_empty() || states.len() == count);
        if !fits || states.iter().any(|state| *state != units) {
            let states = if count == 1 { "one initial state" } else { "two initial states" };
            let expected = format!("a sequence of steps × features, and optionally {states} of {} units", self.units);
            return Err(Error::expected(expected));
        }
        let columns = sizes::product(&[self.units, self.cell.gates()])?;
        let [kernel, recurrent, (bias, regularizer, constraint)] = self.weights;
        weights.add_with_options("kernel", [sequence.last(), columns], kernel)?;
        weights.add_with_options("recurrent_kernel", [self.units, columns], recurrent)?;
        if self.use_bias {
            let two = self.cell == Cell::Gru { reset_after: true };
            let shape = if two { Shape::from([2, columns]) } else { Shape::from(columns) };
            let forgetting = ForgetBias { others: bias, units: self.units };
            let initializer = if self.unit_forget_bias { &forgetting } else { bias };
            weights.add_with_options("bias", shape, (initializer, regularizer, constraint))?;
        }
        if let Some(rows) = self.stateful {
            check_setting(rows > 0, self.owner, "stateful", rows, "at least 1")?;
            for name in &STATES[..count] {
                weights.add_carried_state(name, rows, units)?;
            }
        }
        let output = if self.return_sequences { Shape::from([sequence.axis(0), self.units]) } else { units };
        let states = if self.return_state { count } else { 0 };
        Ok(std::iter::once(output).chain(std::iter::repeat_n(units, states)).collect())
    }

    /// Records the recurrence.
    pub(super) fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [kernel, recurrent_kernel] = weights.take();
        let bias = self.use_bias.then(|| weights.take::<1>()[0]);
        let (x, rows) = (inputs[0], inputs[0].shape().axis(0));
        let carried = self.carried_states(weights, inputs[0]);
        let is_training = x.recorder().mode() == Mode::Training;
        // One mask for all steps of a sequence.
        let factors = |rate: f32, shape: Shape| (is_training && rate > 0.0).then(|| ones(x, shape).dropout(rate));
        let x = factors(self.dropout, Shape::from([rows, 1, x.shape().last()])).map_or(x, |factors| x * factors);
        let recurrent_factors = factors(self.recurrent_dropout, Shape::from([rows, self.units]));
        let options = RecurrentOptions::new()
            .activation(self.activation)
            .recurrent_activation(self.recurrent_activation)
            .initial_state(&inputs[1..])
            .carried_state(carried)
            .mask(inputs[0].mask())
            .recurrent_dropout(recurrent_factors)
            .go_backwards(self.go_backwards)
            .zero_output_for_mask(self.zero_output_for_mask)
            .return_sequences(self.return_sequences)
            .in_order_of_inputs(self.in_order_of_inputs)
            .return_state(self.return_state);
        let mut outputs = match self.cell {
            Cell::Simple => x.simple_rnn(kernel, recurrent_kernel, bias, options),
            Cell::Lstm => x.lstm(kernel, recurrent_kernel, bias, options),
            Cell::Gru { reset_after } => x.gru(kernel, recurrent_kernel, bias, reset_after, options),
        };
        if !self.return_sequences {
            outputs[0] = outputs[0].without_mask();
        }
        outputs
    }
}

impl Recurrence<'_> {
    /// The states that are carried from one batch to the next. None unless the layer is stateful.
    fn carried_states<'r>(&self, weights: &mut Cursor<'_, 'r>, x: Var<'r>) -> Vec<Var<'r>> {
        let Some(expected) = self.stateful else { return Vec::new() };
        if x.shape().axis(0) != expected {
            let expected = format!("batches of {expected} rows, the number of rows that stateful declares");
            x.recorder().fail(Error::expected(expected).at(|| x.recorder().current_scope(), &[x.shape()]));
        }
        STATES[..self.cell.states()].iter().map(|_| weights.take::<1>()[0]).collect()
    }
}

/// The biases of an LSTM: ones for the forget gate.
#[derive(Debug)]
pub(super) struct ForgetBias<'a> {
    /// The initializer of the biases of other gates.
    pub(super) others: &'a dyn Initializer,
    pub(super) units: usize,
}

impl Initializer for ForgetBias<'_> {
    fn values(&self, shape: Shape, key: Key) -> Result<Vec<f32>> {
        let mut values = self.others.values(shape, key)?;
        if let Some(forget) = values.get_mut(self.units..2 * self.units) {
            forget.fill(1.0);
        }
        Ok(values)
    }

    fn spec(&self) -> Spec {
        self.others.spec()
    }
}
