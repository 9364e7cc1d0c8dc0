//! Recurrent layers over all steps: simple, LSTM (Hochreiter and Schmidhuber 1997) and GRU (Cho et al. 2014).
//!
//! The product of the inputs and the kernel is computed for all steps at once before [`forward`], and the gradients of both
//! kernels after [`backward`]. The recurrence between them has one fork: each thread runs all steps of its rows, so threads
//! never wait for each other. Rows do not depend on each other, so their assignment to threads changes no bit.

mod combine;
mod gate;
mod gru;
mod lstm;
mod part;
mod product;
mod rows;
mod simple;

pub(crate) use gate::{Gate, RowFunction};
pub(crate) use part::{Backward, Forward};
pub(crate) use product::{Columns, pack, padded};

use super::parallel;
use super::simd::SimdLevel;
use crate::sizes;
use rows::{Rows, RowsMut};

/// The kind of a recurrent layer. Gates are in the order of Keras.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// h′ = f(x·W + h·U + b)
    Simple,
    /// Input gate, forget gate, candidate, output gate.
    Lstm,
    /// Update gate, reset gate, candidate.
    Gru {
        /// Whether the reset gate is applied to the product of the state and not to the state.
        reset_after: bool,
    },
}

impl Cell {
    /// The number of gates, with the candidate.
    pub(crate) fn gates(self) -> usize {
        match self {
            Cell::Simple => 1,
            Cell::Lstm => 4,
            Cell::Gru { .. } => 3,
        }
    }

    /// The number of states.
    pub(crate) fn states(self) -> usize {
        if self == Cell::Lstm { 2 } else { 1 }
    }

    /// Columns of each of the two products of a step, in units. The second is that of a reset state.
    fn products(self) -> [usize; 2] {
        match self {
            Cell::Gru { reset_after: false } => [2, 1],
            _ => [self.gates(), 0],
        }
    }
}

/// The sizes and settings of a recurrence.
#[derive(Clone, Copy)]
pub(crate) struct Recurrence {
    pub(crate) level: SimdLevel,
    pub(crate) rows: usize,
    pub(crate) steps: usize,
    pub(crate) units: usize,
    pub(crate) cell: Cell,
    pub(crate) activation: Gate,
    pub(crate) recurrent_activation: Gate,
    /// Whether the last step is processed first.
    pub(crate) go_backwards: bool,
    /// Whether the output of a masked step is 0 and not the previous output.
    pub(crate) zero_output_for_mask: bool,
    /// Whether the outputs of all steps are returned, and not only the last one.
    pub(crate) return_sequences: bool,
    /// Whether the outputs are in the order of the inputs, and not in that in which they are computed.
    pub(crate) in_order_of_inputs: bool,
    /// Whether the final states follow the outputs.
    pub(crate) return_state: bool,
}

impl Recurrence {
    /// Columns of all gates.
    pub(crate) fn columns(&self) -> usize {
        self.cell.gates() * self.units
    }

    /// Vectors of `units` elements in a row of the result.
    pub(crate) fn results(&self) -> usize {
        let outputs = if self.return_sequences { self.steps } else { 1 };
        outputs + if self.return_state { self.cell.states() } else { 0 }
    }

    /// Whether the arguments of the activations are stored.
    pub(crate) fn needs_arguments(&self) -> bool {
        self.activation.needs_argument() || self.recurrent_activation.needs_argument()
    }

    /// The operands of the products in the forward pass, of which the second may be empty.
    pub(crate) fn forward_columns<'a>(&self, weights: &'a [f32]) -> [Columns<'a>; 2] {
        let [first, second] = self.cell.products().map(|columns| columns * self.units);
        let columns = |first, width| Columns { weights, stride: self.columns(), first, width, transposed: false };
        [columns(0, first), columns(first, second)]
    }

    /// The operands of the products in the backward pass, of which the second may be empty.
    pub(crate) fn backward_columns<'a>(&self, weights: &'a [f32]) -> [Columns<'a>; 2] {
        self.forward_columns(weights).map(|columns| Columns { transposed: true, ..columns })
    }

    /// Rows and columns of the operands of [`forward_columns`](Recurrence::forward_columns).
    pub(crate) fn forward_sizes(&self) -> [[usize; 2]; 2] {
        self.cell.products().map(|columns| [self.units, columns * self.units])
    }

    /// Rows and columns of the operands of [`backward_columns`](Recurrence::backward_columns).
    pub(crate) fn backward_sizes(&self) -> [[usize; 2]; 2] {
        self.forward_sizes().map(|[rows, columns]| [columns, rows])
    }

    /// The position in the sequence of the step that is processed as number `number`.
    fn time(&self, number: usize) -> usize {
        if self.go_backwards { self.steps - 1 - number } else { number }
    }

    /// The position in the result of the output of the step that is processed as number `number`, in elements.
    fn output(&self, number: usize) -> usize {
        let position = if self.in_order_of_inputs { self.time(number) } else { number };
        if self.return_sequences { position * self.units } else { 0 }
    }

    /// Calls `work` for parts of the rows, on several threads if that is worth a fork.
    fn for_parts<P: part::Split + Send>(&self, part: P, work: &(impl Fn(P) + Sync)) {
        self.fork(part, rayon::current_num_threads(), work);
    }

    fn fork<P: part::Split + Send>(&self, part: P, max_parts: usize, work: &(impl Fn(P) + Sync)) {
        let rows = part.rows();
        let half = (rows / 2).max(1).next_multiple_of(ROWS_OF_PART);
        let multiply_adds = sizes::work(&[rows, self.steps, self.units, self.columns()]);
        let activations = sizes::work(&[rows, self.steps, self.columns()]);
        let nanoseconds = multiply_adds / parallel::MULTIPLY_ADDS_PER_NANOSECOND + activations;
        if max_parts < 2 || half >= rows || !parallel::worth_a_fork(nanoseconds) {
            return work(part);
        }
        let (top, bottom) = part.split(half);
        let max_parts = max_parts.div_ceil(2);
        parallel::join(nanoseconds, || self.fork(top, max_parts, work), || self.fork(bottom, max_parts, work));
    }
}

/// The rows of a part are a multiple of these, except in the last part.
const ROWS_OF_PART: usize = 4;

/// Computes all steps. `panels` are the packed [`forward_columns`](Recurrence::forward_columns).
pub(crate) fn forward(recurrence: &Recurrence, panels: [&[f32]; 2], recurrent_bias: &[f32], all: Forward<'_>) {
    recurrence.for_parts(all, &|part| forward_part(recurrence, panels, recurrent_bias, part));
}

fn forward_part(r: &Recurrence, panels: [&[f32]; 2], recurrent_bias: &[f32], mut part: Forward<'_>) {
    let (units, rows) = (r.units, part.rows);
    let start = |states: &mut [f32], initial: &[f32]| match initial {
        [] => states.fill(0.0),
        _ => states.copy_from_slice(initial),
    };
    start(part.state, part.initial_state);
    start(part.cell, part.initial_cell);
    for number in 0..r.steps {
        let time = r.time(number);
        let at = |row: usize| (row * r.steps + time) * units;
        for row in 0..rows {
            part.before[at(row)..][..units].copy_from_slice(&part.state[row * units..][..units]);
        }
        if !part.dropout.is_empty() {
            let factors = Rows::new(part.dropout, 0, units);
            let dropped = RowsMut::new(part.dropped, time * units, r.steps * units);
            combine::multiply(r.level, Rows::new(part.state, 0, units), factors, dropped, [rows, units]);
        }
        match r.cell {
            Cell::Simple => simple::forward(r, time, panels, &mut part),
            Cell::Lstm => lstm::forward(r, time, panels, &mut part),
            Cell::Gru { reset_after: true } => gru::forward_after(r, time, panels, recurrent_bias, &mut part),
            Cell::Gru { reset_after: false } => gru::forward_before(r, time, panels, &mut part),
        }
        for row in 0..rows {
            let state = &mut part.state[row * units..][..units];
            let result = &mut part.y[row * r.results() * units..][..r.results() * units];
            let output = r.output(number);
            if part::is_masked(part.mask, r, row, time) {
                state.copy_from_slice(&part.before[at(row)..][..units]);
                if r.cell == Cell::Lstm {
                    part.cell[row * units..][..units].copy_from_slice(&part.carry[at(row)..][..units]);
                }
                if r.zero_output_for_mask || number == 0 {
                    result[output..][..units].fill(0.0);
                } else if r.return_sequences {
                    let previous = r.output(number - 1);
                    result.copy_within(previous..previous + units, output);
                }
            } else {
                result[output..][..units].copy_from_slice(state);
            }
        }
    }
    if r.return_state {
        for row in 0..rows {
            let first = (row + 1) * r.results() - r.cell.states();
            part.y[first * units..][..units].copy_from_slice(&part.state[row * units..][..units]);
            if r.cell == Cell::Lstm {
                part.y[(first + 1) * units..][..units].copy_from_slice(&part.cell[row * units..][..units]);
            }
        }
    }
}

/// Computes the gradients of the gates in all steps. `panels` are the packed
/// [`backward_columns`](Recurrence::backward_columns). The gradients of the initial states are in `d_state` and `d_cell`
/// afterwards.
pub(crate) fn backward(recurrence: &Recurrence, panels: [&[f32]; 2], all: Backward<'_>) {
    recurrence.for_parts(all, &|part| backward_part(recurrence, panels, part));
}

fn backward_part(r: &Recurrence, panels: [&[f32]; 2], mut part: Backward<'_>) {
    let (units, rows) = (r.units, part.rows);
    let results = r.results() * units;
    for row in 0..rows {
        let dy = &part.dy[row * results..][..results];
        let own = |states: &mut [f32], number: usize| match r.return_state {
            true => states.copy_from_slice(&dy[results - number * units..][..units]),
            false => states.fill(0.0),
        };
        own(&mut part.d_state[row * units..][..units], r.cell.states());
        if r.cell == Cell::Lstm {
            own(&mut part.d_cell[row * units..][..units], 1);
        }
        let d_output = &mut part.d_output[row * units..][..units];
        d_output.fill(0.0);
        if !r.return_sequences {
            d_output.copy_from_slice(&dy[..units]);
        }
    }
    for number in (0..r.steps).rev() {
        let time = r.time(number);
        for row in 0..rows {
            let d_output = &mut part.d_output[row * units..][..units];
            if r.return_sequences {
                let dy = &part.dy[row * results + r.output(number)..][..units];
                d_output.iter_mut().zip(dy).for_each(|(sum, dy)| *sum += dy);
            }
            if !part::is_masked(part.mask, r, row, time) {
                let d_state = &mut part.d_state[row * units..][..units];
                d_state.iter_mut().zip(&*d_output).for_each(|(sum, dy)| *sum += dy);
                d_output.fill(0.0);
            } else if r.zero_output_for_mask {
                d_output.fill(0.0);
            }
        }
        match r.cell {
            Cell::Simple => simple::backward(r, time, &mut part),
            Cell::Lstm => lstm::backward(r, time, &mut part),
            Cell::Gru { reset_after: true } => gru::backward_after(r, time, &mut part),
            Cell::Gru { reset_after: false } => gru::backward_before(r, time, panels[1], &mut part),
        }
        part.clear_masked(r, time);
        part.step_back(r, time, panels[0]);
    }
}
