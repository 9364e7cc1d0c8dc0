//! New values of state parameters, which each run computes.

use super::inputs::Inputs;
use super::params::Params;
use super::states::States;
use super::step::Step;
use crate::kernels::aligned_buffer::AlignedBuffer;
use crate::shape::{Shape, View};

/// The new values of all state parameters that a tape updates.
#[derive(Default)]
pub(super) struct StateUpdates {
    params: Vec<(usize, Shape)>,
    values: Vec<AlignedBuffer>,
    /// Whether the last run computed them.
    ready: bool,
}

impl StateUpdates {
    /// Allocates the values of state parameters, given by index and shape.
    pub(super) fn new(params: Vec<(usize, Shape)>) -> StateUpdates {
        let values = params.iter().map(|(_, shape)| AlignedBuffer::zeros(shape.len())).collect();
        StateUpdates { params, values, ready: false }
    }

    /// Discards the values of the last run.
    pub(super) fn discard(&mut self) {
        self.ready = false;
    }

    /// Computes the new values, after a run without a fault.
    pub(super) fn compute(&mut self, steps: &mut [Step], buffers: &[AlignedBuffer], params: &Params) {
        for ((index, _), values) in self.params.iter().zip(&mut self.values) {
            values.copy_from_slice(params.view(*index).data());
        }
        for step in steps.iter_mut().filter(|step| !step.states.is_empty()) {
            let inputs = Inputs { sources: &step.inputs, buffers, params };
            let states = States { slots: &step.states, values: &mut self.values };
            step.op.update_states(inputs, &buffers[step.output][..step.length], states);
        }
        self.ready = true;
    }

    /// The index and the length of each state parameter.
    pub(super) fn params(&self) -> impl Iterator<Item = (usize, usize)> {
        self.params.iter().map(|(index, shape)| (*index, shape.len()))
    }

    /// The index and the new values of each state parameter; empty if the last run did not compute them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, View<'_>)> {
        let pairs = self.params.iter().zip(&self.values).filter(|_| self.ready);
        pairs.map(|((index, shape), values)| (*index, View::new(*shape, values)))
    }
}
