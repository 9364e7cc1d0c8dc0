//! Recurrent nodes with settings that the operation over all steps does not have: `clip`, peepholes, `input_forget`, and
//! activations with parameters, and different activations of the candidate and the cell state. Their steps are recorded one by one.
//!
//! `clip` limits the arguments of the activations, except that of the cell state, as in onnxruntime.

use super::recurrent_function::Function;
use crate::tape::Var;
use ndarray::Array2;

/// The operator of a node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    Rnn,
    Lstm,
    Gru { reset_after: bool },
}

/// The settings without a counterpart in the operation over all steps.
#[derive(Clone, Copy, Default)]
pub(super) struct Special<'r> {
    pub(super) clip: Option<f32>,
    /// The weights of the cell state in the input, output and forget gates, `units` each.
    pub(super) peepholes: Option<[Var<'r>; 3]>,
    pub(super) input_forget: bool,
    /// Whether the activations of the candidate and the cell state differ, or one is no activation of layers.
    pub(super) activations_differ: bool,
}

impl Special<'_> {
    pub(super) fn is_needed(&self) -> bool {
        self.clip.is_some() || self.peepholes.is_some() || self.input_forget || self.activations_differ
    }
}

/// A recurrence in one direction.
pub(super) struct Unrolled<'r> {
    pub(super) cell: Cell,
    pub(super) special: Special<'r>,
    /// The activations in the order of ONNX.
    pub(super) activations: Vec<Function>,
    /// The inputs, rows × steps × features.
    pub(super) x: Var<'r>,
    /// The weights with the gates of gradus.
    pub(super) kernel: Var<'r>,
    pub(super) recurrent_kernel: Var<'r>,
    pub(super) bias: Option<Var<'r>>,
    /// The states before the first step.
    pub(super) states: Vec<Var<'r>>,
    pub(super) mask: Option<Var<'r>>,
    pub(super) go_backwards: bool,
}

impl<'r> Unrolled<'r> {
    /// Records all steps. Returns the outputs of all steps, which are 0 for masked steps, and the final states.
    pub(super) fn record(mut self) -> Vec<Var<'r>> {
        let [rows, steps, features] = [0, 1, 2].map(|axis| self.x.shape().axis(axis));
        let units = self.recurrent_kernel.shape().axis(0);
        if self.states.is_empty() {
            let zeros = || self.x.recorder().constant(&Array2::<f32>::zeros((rows, units)));
            self.states = (0..if self.cell == Cell::Lstm { 2 } else { 1 }).map(|_| zeros()).collect();
        }
        let mut outputs = Vec::new();
        for number in 0..steps {
            let time = if self.go_backwards { steps - 1 - number } else { number };
            let x = self.x.slice(&[0, time, 0], [rows, 1, features]).reshape([rows, features]);
            let next = self.step(x, units);
            let valid = self.mask.map(|mask| mask.slice(&[0, time], [rows, 1]));
            for (state, next) in self.states.iter_mut().zip(next) {
                *state = match valid {
                    None => next,
                    Some(valid) => next * valid + *state * (valid * -1.0 + 1.0),
                };
            }
            let output = valid.map_or(self.states[0], |valid| self.states[0] * valid);
            outputs.push(output.reshape([rows, 1, units]));
        }
        if self.go_backwards {
            outputs.reverse();
        }
        let (first, others) = (outputs[0], &outputs[1..]);
        let sequence = if others.is_empty() { first } else { first.concatenate(others, 1) };
        std::iter::once(sequence).chain(self.states).collect()
    }

    /// The states after a step.
    fn step(&self, x: Var<'r>, units: usize) -> Vec<Var<'r>> {
        let (state, rows) = (self.states[0], x.shape().axis(0));
        let gate = |all: Var<'r>, number: usize| all.slice(&[0, number * units], [rows, units]);
        let activate = |number: usize, argument: Var<'r>| {
            let argument = self.special.clip.map_or(argument, |limit| argument.clip(-limit, limit));
            self.activations[number].record(argument)
        };
        let of_inputs = x.matmul(self.kernel);
        let with = |sums: Var<'r>, bias: Option<Var<'r>>| bias.map_or(sums, |bias| sums + bias);
        match self.cell {
            Cell::Rnn => {
                let sums = with(of_inputs + state.matmul(self.recurrent_kernel), self.bias);
                vec![activate(0, sums)]
            }
            Cell::Lstm => {
                let (cell, sums) = (self.states[1], with(of_inputs + state.matmul(self.recurrent_kernel), self.bias));
                let seen = |sums: Var<'r>, gate: usize, cell: Var<'r>| {
                    self.special.peepholes.map_or(sums, |weights| sums + cell * weights[gate])
                };
                let input = activate(0, seen(gate(sums, 0), 0, cell));
                let forget = match self.special.input_forget {
                    true => input * -1.0 + 1.0,
                    false => activate(0, seen(gate(sums, 1), 2, cell)),
                };
                let next = forget * cell + input * activate(1, gate(sums, 2));
                let output = activate(0, seen(gate(sums, 3), 1, next));
                vec![output * self.activations[2].record(next), next]
            }
            Cell::Gru { reset_after } => {
                let columns = 3 * units;
                let half = |number: usize| self.bias.map(|bias| bias.slice(&[number, 0], [1, columns]));
                let (of_inputs, of_state) = match reset_after {
                    true => (with(of_inputs, half(0)), with(state.matmul(self.recurrent_kernel), half(1))),
                    false => (with(of_inputs, self.bias), state.matmul(self.recurrent_kernel)),
                };
                let update = activate(0, gate(of_inputs, 0) + gate(of_state, 0));
                let reset = activate(0, gate(of_inputs, 1) + gate(of_state, 1));
                let by_state = match reset_after {
                    true => reset * gate(of_state, 2),
                    false => (reset * state).matmul(self.recurrent_kernel.slice(&[0, 2 * units], [units, units])),
                };
                let candidate = activate(1, gate(of_inputs, 2) + by_state);
                vec![(update * -1.0 + 1.0) * candidate + update * state]
            }
        }
    }
}
