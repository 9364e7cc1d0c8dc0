//! The GRU with update gate z, reset gate r and candidate g: h′ = z · h + (1 − z) · g.
//!
//! The candidate's argument is x·W + r · (h·U + b) if the reset gate is applied after the product, otherwise
//! x·W + (r · h)·U. Gradients: dz = dh′ · (h − g), dg = dh′ · (1 − z), and dh has the direct part dh′ · z.

use super::Recurrence;
use super::combine;
use super::part::{Backward, Forward};
use super::product::{multiply, padded};
use super::rows::{Rows, RowsMut};
use crate::kernels::simd::vectorized;

/// Computes the hidden state after a step, with the reset gate applied after the product.
pub(super) fn forward_after(r: &Recurrence, time: usize, panels: [&[f32]; 2], bias: &[f32], part: &mut Forward<'_>) {
    let (units, columns, rows) = (r.units, r.columns(), part.rows);
    let (at, stride) = (time * units, r.steps * units);
    part.multiply_state(r, time, panels[0], columns);
    if !bias.is_empty() {
        let sums = RowsMut::new(part.sums, 0, padded(columns));
        combine::add(r.level, Rows::new(bias, 0, 0), sums, [rows, columns]);
    }
    let mut carry = RowsMut::new(part.carry, at, stride);
    let products = Rows::new(part.sums, 2 * units, padded(columns));
    (0..rows).for_each(|row| carry.row(row, units).copy_from_slice(products.row(row, units)));
    part.finish_gates(r, time, 0, 0, 2 * units);
    let gates = RowsMut::new(part.gates, time * columns, r.steps * columns);
    apply_reset(r.level, Rows::new(part.carry, at, stride), gates, [rows, units]);
    part.activate(r, time, 2 * units, units);
    next_state(r, time, part);
}

vectorized! {
    /// Adds the reset product of the state to the candidate's argument.
    fn apply_reset<F: Fma>(products: Rows<'_>, gates: RowsMut<'_>, sizes: [usize; 2]) {
        let ([rows, units], mut gates) = (sizes, gates);
        for row in 0..rows {
            let (first, candidate) = gates.row(row, 3 * units).split_at_mut(2 * units);
            let factors = first[units..].iter().zip(products.row(row, units));
            candidate.iter_mut().zip(factors).for_each(|(g, (r, product))| *g += r * product);
        }
    }
}

/// Computes the hidden state after a step, with the reset gate applied to the state.
pub(super) fn forward_before(r: &Recurrence, time: usize, panels: [&[f32]; 2], part: &mut Forward<'_>) {
    let (units, columns, rows) = (r.units, r.columns(), part.rows);
    let (at, stride) = (time * units, r.steps * units);
    part.multiply_state(r, time, panels[0], 2 * units);
    part.finish_gates(r, time, 0, 0, 2 * units);
    let states = if part.dropout.is_empty() { &*part.before } else { &*part.dropped };
    let reset = Rows::new(part.gates, time * columns + units, r.steps * columns);
    let carry = RowsMut::new(part.carry, at, stride);
    combine::multiply(r.level, reset, Rows::new(states, at, stride), carry, [rows, units]);
    let sums = RowsMut::new(part.sums, 0, padded(columns));
    multiply(r.level, Rows::new(part.carry, at, stride), [rows, units, units], panels[1], sums);
    part.finish_gates(r, time, 2 * units, 0, units);
    next_state(r, time, part);
}

fn next_state(r: &Recurrence, time: usize, part: &mut Forward<'_>) {
    let (units, columns) = (r.units, r.columns());
    let gates = Rows::new(part.gates, time * columns, r.steps * columns);
    mix(r.level, gates, RowsMut::new(part.state, 0, units), [part.rows, units]);
}

vectorized! {
    /// Replaces the hidden state.
    fn mix<F: Fma>(gates: Rows<'_>, state: RowsMut<'_>, sizes: [usize; 2]) {
        let ([rows, units], mut state) = (sizes, state);
        for row in 0..rows {
            let (update, candidate) = (gates.row(row, units), gates.after(2 * units).row(row, units));
            for ((h, z), g) in state.row(row, units).iter_mut().zip(update).zip(candidate) {
                *h = z * *h + (1.0 - z) * g;
            }
        }
    }
}

/// Computes the gradients of a step, with the reset gate applied after the product.
pub(super) fn backward_after(r: &Recurrence, time: usize, part: &mut Backward<'_>) {
    let (units, columns, rows) = (r.units, r.columns(), part.rows);
    unmix_step(r, time, part);
    let (at, stride) = (time * columns, r.steps * columns);
    let values = [Rows::new(part.gates, at, stride), Rows::new(part.carry, time * units, r.steps * units)];
    let gradients = [&mut *part.d_inputs, &mut *part.d_products].map(|to| RowsMut::new(to, at, stride));
    unapply_reset(r.level, values, gradients, [rows, units]);
    part.activate_back(r, time, 0, 2 * units);
    for row in 0..rows {
        let at = (row * r.steps + time) * columns;
        part.d_products[at..][..2 * units].copy_from_slice(&part.d_inputs[at..][..2 * units]);
    }
}

vectorized! {
    /// Computes the gradients of the reset gate and of the product that it is applied to.
    fn unapply_reset<F: Fma>(values: [Rows<'_>; 2], gradients: [RowsMut<'_>; 2], sizes: [usize; 2]) {
        let ([rows, units], [gates, products], [mut d_inputs, mut d_products]) = (sizes, values, gradients);
        for row in 0..rows {
            let (first, d_candidate) = d_inputs.row(row, 3 * units).split_at_mut(2 * units);
            let (d_reset, d_product) = (&mut first[units..], &mut d_products.row(row, 3 * units)[2 * units..]);
            let (reset, product) = (gates.after(units).row(row, units), products.row(row, units));
            for u in 0..units {
                d_reset[u] = d_candidate[u] * product[u];
                d_product[u] = d_candidate[u] * reset[u];
            }
        }
    }
}

/// Computes the gradients of a step, with the reset gate applied to the state. `panels` are the packed weights of the
/// candidate.
pub(super) fn backward_before(r: &Recurrence, time: usize, panels: &[f32], part: &mut Backward<'_>) {
    let (units, columns, rows) = (r.units, r.columns(), part.rows);
    let (at, stride) = (time * columns, r.steps * columns);
    unmix_step(r, time, part);
    let sums = RowsMut::new(part.sums, 0, padded(columns));
    multiply(r.level, Rows::new(part.d_inputs, at + 2 * units, stride), [rows, units, units], panels, sums);
    let states = if part.dropout.is_empty() { part.before } else { part.dropped };
    let states = Rows::new(states, time * units, r.steps * units);
    let reset = Rows::new(part.gates, at + units, stride);
    let d_carry = Rows::new(part.sums, 0, padded(columns));
    combine::multiply(r.level, d_carry, states, RowsMut::new(part.d_inputs, at + units, stride), [rows, units]);
    part.activate_back(r, time, 0, 2 * units);
    let d_carry = Rows::new(part.sums, 0, padded(columns));
    combine::multiply(r.level, d_carry, reset, RowsMut::new(part.scratch, units, columns), [rows, units]);
}

/// Computes the gradients of the update gate and the candidate, and the direct one of the hidden state.
fn unmix_step(r: &Recurrence, time: usize, part: &mut Backward<'_>) {
    let (units, columns) = (r.units, r.columns());
    let gates = Rows::new(part.gates, time * columns, r.steps * columns);
    let before = Rows::new(part.before, time * units, r.steps * units);
    let d_gates = RowsMut::new(part.d_inputs, time * columns, r.steps * columns);
    let direct = RowsMut::new(part.direct, 0, units);
    unmix(r.level, gates, before, Rows::new(part.d_state, 0, units), d_gates, direct, [part.rows, units]);
    part.activate_back(r, time, 2 * units, units);
}

vectorized! {
    fn unmix<F: Fma>(
        gates: Rows<'_>,
        before: Rows<'_>,
        d_state: Rows<'_>,
        d_gates: RowsMut<'_>,
        direct: RowsMut<'_>,
        sizes: [usize; 2],
    ) {
        let ([rows, units], mut d_gates, mut direct) = (sizes, d_gates, direct);
        for row in 0..rows {
            let (update, candidate) = (gates.row(row, units), gates.after(2 * units).row(row, units));
            let (before, d_state) = (before.row(row, units), d_state.row(row, units));
            let (d_first, d_candidate) = d_gates.row(row, 3 * units).split_at_mut(2 * units);
            let (d_update, direct) = (&mut d_first[..units], direct.row(row, units));
            for u in 0..units {
                d_update[u] = d_state[u] * (before[u] - candidate[u]);
                d_candidate[u] = d_state[u] * (1.0 - update[u]);
                direct[u] = d_state[u] * update[u];
            }
        }
    }
}
