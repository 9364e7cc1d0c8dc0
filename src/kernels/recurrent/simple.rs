//! The simple recurrence: h′ = f(x·W + h·U + b).

use super::Recurrence;
use super::part::{Backward, Forward};

/// Computes the hidden state after a step.
pub(super) fn forward(r: &Recurrence, time: usize, panels: [&[f32]; 2], part: &mut Forward<'_>) {
    let units = r.units;
    part.multiply_state(r, time, panels[0], units);
    part.finish_gates(r, time, 0, 0, units);
    for row in 0..part.rows {
        let from = (row * r.steps + time) * units;
        part.state[row * units..][..units].copy_from_slice(&part.gates[from..][..units]);
    }
}

/// Computes the gradients of a step.
pub(super) fn backward(r: &Recurrence, time: usize, part: &mut Backward<'_>) {
    let units = r.units;
    for row in 0..part.rows {
        let to = (row * r.steps + time) * units;
        part.d_inputs[to..][..units].copy_from_slice(&part.d_state[row * units..][..units]);
    }
    part.activate_back(r, time, 0, units);
}
