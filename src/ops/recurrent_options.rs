//! The options of recurrent operations.

use super::Activation;
use crate::tape::Var;

/// The options of [`Var::simple_rnn`], [`Var::lstm`] and [`Var::gru`].
///
/// ```
/// use gradus::{ops::RecurrentOptions, tape::{Mode, Recorder}};
/// let recorder = Recorder::new(Mode::Inference);
/// let (x, kernel) = (recorder.input([2, 5, 3]), recorder.input([3, 16]));
/// let recurrent_kernel = recorder.input([4, 16]);
/// let options = RecurrentOptions::new().return_sequences(true).return_state(true);
/// let outputs = x.lstm(kernel, recurrent_kernel, None, options);
/// let shapes: Vec<_> = outputs.iter().map(|output| output.shape().to_string()).collect();
/// assert_eq!(shapes, ["2 × 5 × 4", "2 × 4", "2 × 4"]);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[must_use]
pub struct RecurrentOptions<'r> {
    pub(super) activation: Option<Activation>,
    pub(super) recurrent_activation: Option<Activation>,
    pub(super) initial_state: Vec<Var<'r>>,
    pub(super) carried_state: Vec<Var<'r>>,
    pub(super) mask: Option<Var<'r>>,
    pub(super) recurrent_dropout: Option<Var<'r>>,
    pub(super) go_backwards: bool,
    pub(super) zero_output_for_mask: bool,
    pub(super) return_sequences: bool,
    pub(super) return_state: bool,
    pub(super) in_order_of_inputs: bool,
}

impl<'r> RecurrentOptions<'r> {
    /// Creates the default options.
    pub fn new() -> RecurrentOptions<'r> {
        RecurrentOptions::default()
    }

    /// Sets the activation of candidates and, in an LSTM, of the cell state. Default: [`Activation::Tanh`].
    pub fn activation(mut self, activation: Activation) -> RecurrentOptions<'r> {
        self.activation = Some(activation);
        self
    }

    /// Sets the activation of gates, which a simple recurrence does not have. Default: [`Activation::Sigmoid`].
    pub fn recurrent_activation(mut self, activation: Activation) -> RecurrentOptions<'r> {
        self.recurrent_activation = Some(activation);
        self
    }

    /// Sets the states before the first step, rows × units each: the hidden state, and in an LSTM the cell state. Default:
    /// zeros.
    pub fn initial_state(mut self, states: impl Into<Vec<Var<'r>>>) -> RecurrentOptions<'r> {
        self.initial_state = states.into();
        self
    }

    /// Sets state parameters, rows × units each, that contain the states between runs: without
    /// [`initial_state`](RecurrentOptions::initial_state), they are the states before the first step, and
    /// [`Tape::commit`](crate::tape::Tape::commit) writes the states after the last step to them. Default: none.
    pub fn carried_state(mut self, states: impl Into<Vec<Var<'r>>>) -> RecurrentOptions<'r> {
        self.carried_state = states.into();
        self
    }

    /// Sets the mask, rows × steps: 0 for masked steps, 1 for valid steps. It gets no gradient. Default: none.
    ///
    /// A masked step leaves the states unchanged. Its output is that of the step processed before it, or 0 with
    /// [`zero_output_for_mask`](RecurrentOptions::zero_output_for_mask). Until the first valid step of a row, there is
    /// no previous output, and the output is 0, even with an [initial state](RecurrentOptions::initial_state).
    pub fn mask(mut self, mask: impl Into<Option<Var<'r>>>) -> RecurrentOptions<'r> {
        self.mask = mask.into();
        self
    }

    /// Sets the factors of the hidden state in products, rows × units, which are equal in all steps. They get no gradient.
    /// Default: none.
    pub fn recurrent_dropout(mut self, factors: impl Into<Option<Var<'r>>>) -> RecurrentOptions<'r> {
        self.recurrent_dropout = factors.into();
        self
    }

    /// Sets whether the steps are processed from the last to the first. Default: `false`.
    pub fn go_backwards(mut self, go_backwards: bool) -> RecurrentOptions<'r> {
        self.go_backwards = go_backwards;
        self
    }

    /// Sets whether the output of a masked step is 0 instead of the previous output. Default: `false`.
    pub fn zero_output_for_mask(mut self, zero_output_for_mask: bool) -> RecurrentOptions<'r> {
        self.zero_output_for_mask = zero_output_for_mask;
        self
    }

    /// Sets whether the outputs of all steps are returned, and not only the last. Default: `false`.
    pub fn return_sequences(mut self, return_sequences: bool) -> RecurrentOptions<'r> {
        self.return_sequences = return_sequences;
        self
    }

    /// Sets whether the outputs of all steps are in the order of the inputs if steps are processed from the last to the first.
    /// Default: `false`.
    pub fn in_order_of_inputs(mut self, in_order_of_inputs: bool) -> RecurrentOptions<'r> {
        self.in_order_of_inputs = in_order_of_inputs;
        self
    }

    /// Sets whether the final states are returned too. Default: `false`.
    pub fn return_state(mut self, return_state: bool) -> RecurrentOptions<'r> {
        self.return_state = return_state;
        self
    }
}
