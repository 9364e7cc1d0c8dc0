//! The LSTM with input gate i, forget gate f, candidate g and output gate o:
//! c′ = f · c + i · g, h′ = o · activation(c′).
//!
//! Gradients: dc′ += dh′ · o · activation′(c′), di = dc′ · g, df = dc′ · c, dg = dc′ · i, do = dh′ · activation(c′),
//! dc = dc′ · f.

use super::Recurrence;
use super::combine;
use super::part::{Backward, Forward};
use super::rows::{Rows, RowsMut};
use crate::kernels::simd::vectorized;

/// Computes the states after a step.
pub(super) fn forward(r: &Recurrence, time: usize, panels: [&[f32]; 2], part: &mut Forward<'_>) {
    let (units, columns, rows) = (r.units, r.columns(), part.rows);
    let (at, stride) = (time * units, r.steps * units);
    part.multiply_state(r, time, panels[0], columns);
    part.finish_gates(r, time, 0, 0, columns);
    for row in 0..rows {
        part.carry[row * stride + at..][..units].copy_from_slice(&part.cell[row * units..][..units]);
    }
    let gates = Rows::new(part.gates, time * columns, r.steps * columns);
    let (cell, activated) = (RowsMut::new(part.cell, 0, units), RowsMut::new(part.activated, at, stride));
    next_cell(r.level, gates, cell, activated, [rows, units]);
    let activated = RowsMut::new(part.activated, at, stride);
    r.activation.forward(r.level, [rows, units], Some(Rows::new(part.cell, 0, units)), activated);
    let (output, activated) = (gates.after(3 * units), Rows::new(part.activated, at, stride));
    combine::multiply(r.level, output, activated, RowsMut::new(part.state, 0, units), [rows, units]);
}

vectorized! {
    /// Replaces the cell state and copies it.
    fn next_cell<F: Fma>(gates: Rows<'_>, cell: RowsMut<'_>, copy: RowsMut<'_>, sizes: [usize; 2]) {
        let ([rows, units], mut cell, mut copy) = (sizes, cell, copy);
        for row in 0..rows {
            let (input, forget) = (gates.row(row, units), gates.after(units).row(row, units));
            let candidate = gates.after(2 * units).row(row, units);
            let values = cell.row(row, units);
            for (((c, i), f), g) in values.iter_mut().zip(input).zip(forget).zip(candidate) {
                *c = f * *c + i * g;
            }
            copy.row(row, units).copy_from_slice(values);
        }
    }
}

/// Computes the gradients of a step.
pub(super) fn backward(r: &Recurrence, time: usize, part: &mut Backward<'_>) {
    let (units, columns, rows) = (r.units, r.columns(), part.rows);
    let (at, stride) = (time * units, r.steps * units);
    let gates = Rows::new(part.gates, time * columns, r.steps * columns);
    let [cell, activated] = [part.carry, part.activated].map(|states| Rows::new(states, at, stride));
    let d_state = Rows::new(part.d_state, 0, units);
    combine::multiply(r.level, d_state, gates.after(3 * units), RowsMut::new(part.direct, 0, units), [rows, units]);

    let (next, scratch) = part.scratch.split_at_mut(rows * units);
    let direct = RowsMut::new(part.direct, 0, units);
    if r.activation.needs_argument() {
        (0..rows).for_each(|row| next[row * units..][..units].copy_from_slice(cell.row(row, units)));
        let [next, copy] = [next, &mut *part.sums].map(|states| RowsMut::new(states, 0, units));
        next_cell(r.level, gates, next, copy, [rows, units]);
        let next = Rows::new(part.sums, 0, units);
        r.activation.backward(r.level, [rows, units], Some(next), activated, direct, scratch);
    } else {
        r.activation.backward(r.level, [rows, units], None, activated, direct, scratch);
    }

    let steps = Step { gates, cell, activated, d_state, direct: Rows::new(part.direct, 0, units) };
    let d_cell = RowsMut::new(part.d_cell, 0, units);
    let d_gates = RowsMut::new(part.d_inputs, time * columns, r.steps * columns);
    gradients(r.level, steps, Rows::new(part.mask, time, r.steps), d_cell, d_gates, [rows, units]);
    part.activate_back(r, time, 0, columns);
}

/// Values of a step for the gradients.
#[derive(Clone, Copy)]
struct Step<'a> {
    gates: Rows<'a>,
    /// The cell state before the step.
    cell: Rows<'a>,
    /// The activated cell state after the step.
    activated: Rows<'a>,
    d_state: Rows<'a>,
    /// The gradient of the cell state by way of the hidden state.
    direct: Rows<'a>,
}

vectorized! {
    /// Computes the gradients of the gates and of the cell state before the step. Masked rows are left as they are.
    fn gradients<F: Fma>(
        step: Step<'_>,
        mask: Rows<'_>,
        d_cell: RowsMut<'_>,
        d_gates: RowsMut<'_>,
        sizes: [usize; 2],
    ) {
        let ([rows, units], mut d_cell, mut d_gates) = (sizes, d_cell, d_gates);
        for row in (0..rows).filter(|row| !mask.is_masked(*row)) {
            let gate = |number: usize| step.gates.after(number * units).row(row, units);
            let [input, forget, candidate] = [gate(0), gate(1), gate(2)];
            let [cell, activated, d_state, direct] =
                [step.cell, step.activated, step.d_state, step.direct].map(|rows| rows.row(row, units));
            let d_cell = d_cell.row(row, units);
            let (d_input, others) = d_gates.row(row, 4 * units).split_at_mut(units);
            let (d_forget, others) = others.split_at_mut(units);
            let (d_candidate, d_output) = others.split_at_mut(units);
            for u in 0..units {
                let d_next = d_cell[u] + direct[u];
                d_input[u] = d_next * candidate[u];
                d_forget[u] = d_next * cell[u];
                d_candidate[u] = d_next * input[u];
                d_output[u] = d_state[u] * activated[u];
                d_cell[u] = d_next * forget[u];
            }
        }
    }
}
