//! The common part of recurrent layers.

use super::{Activation, Cursor, Weights};
use crate::constraints::Constraint;
use crate::error::{Error, Result, check_setting};
use crate::initializers::Initializer;
use crate::kernels::recurrent::Cell;
use crate::ops::RecurrentOptions;
use crate::random::Key;
use crate::regularizers::Regularizer;
use crate::shape::Shape;
use crate::sizes;
use crate::spec::Spec;
use crate::tape::{Mode, Var};
use std::sync::Arc;

/// The options of a recurrent layer, from which [`Bidirectional`](super::Bidirectional) records both directions.
#[derive(Clone, Copy, Debug)]
pub struct Recurrence<'a> {
    /// The layer's name in errors.
    pub(super) owner: &'static str,
    pub(super) cell: Cell,
    pub(super) units: usize,
    pub(super) use_bias: bool,
    pub(super) activation: Activation,
    pub(super) recurrent_activation: Activation,
    /// The initializers of the kernel, the recurrent kernel and the bias.
    pub(super) initializers: [&'a Arc<dyn Initializer>; 3],
    /// The regularizers of the kernel, the recurrent kernel and the bias.
    pub(super) regularizers: [Option<&'a Arc<dyn Regularizer>>; 3],
    /// The constraints on the kernel, the recurrent kernel and the bias.
    pub(super) constraints: [Option<&'a Arc<dyn Constraint>>; 3],
    pub(super) unit_forget_bias: bool,
    pub(super) dropout: f32,
    pub(super) recurrent_dropout: f32,
    pub(super) return_sequences: bool,
    pub(super) return_state: bool,
    pub(super) go_backwards: bool,
    pub(super) zero_output_for_mask: bool,
    /// Whether the outputs are in the order of the inputs even if steps are processed backwards.
    pub(super) in_order_of_inputs: bool,
    /// A prefix of the names of the weights.
    pub(super) prefix: &'static str,
}

impl Recurrence<'_> {
    /// The number of states.
    pub(super) fn states(&self) -> usize {
        self.cell.states()
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
        let [kernel, recurrent, bias] = self.initializers.map(AsRef::as_ref);
        let [of_kernel, of_recurrent, of_bias] = self.regularizers;
        let name = |name: &str| format!("{}{name}", self.prefix);
        weights.add_regularized(&name("kernel"), [sequence.last(), columns], kernel, of_kernel)?;
        weights.constrain(self.constraints[0])?;
        weights.add_regularized(&name("recurrent_kernel"), [self.units, columns], recurrent, of_recurrent)?;
        weights.constrain(self.constraints[1])?;
        if self.use_bias {
            let two = self.cell == Cell::Gru { reset_after: true };
            let shape = if two { Shape::from([2, columns]) } else { Shape::from(columns) };
            let forgetting = ForgetBias { others: bias, units: self.units };
            let initializer = if self.unit_forget_bias { &forgetting } else { bias };
            weights.add_regularized(&name("bias"), shape, initializer, of_bias)?;
            weights.constrain(self.constraints[2])?;
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
        let is_training = x.recorder().mode() == Mode::Training;
        // One mask for all steps of a sequence.
        let factors = |rate: f32, shape: Shape| {
            let ones = || x.recorder().constant_values(shape, vec![1.0; shape.len()]);
            (is_training && rate > 0.0).then(|| ones().dropout(rate))
        };
        let x = factors(self.dropout, Shape::from([rows, 1, x.shape().last()])).map_or(x, |factors| x * factors);
        let recurrent_factors = factors(self.recurrent_dropout, Shape::from([rows, self.units]));
        let options = RecurrentOptions::new()
            .activation(self.activation)
            .recurrent_activation(self.recurrent_activation)
            .initial_state(&inputs[1..])
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

/// The biases of an LSTM: ones for the forget gate.
#[derive(Debug)]
struct ForgetBias<'a> {
    /// The initializer of the biases of other gates.
    others: &'a dyn Initializer,
    units: usize,
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
