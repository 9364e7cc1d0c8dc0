//! Values that a tape assigns to parameters.

use super::params::Params;
use super::source::Place;
use super::stamp::Stamp;
use crate::kernels::aligned_buffer::AlignedBuffer;
use crate::shape::{Shape, View};

/// The values that a tape assigns to parameters.
#[derive(Default)]
pub(super) struct Assignments(pub(super) Vec<Assignment>);

/// The value of a parameter.
pub(super) struct Assignment {
    /// The index of the parameter.
    pub(super) param: usize,
    shape: Shape,
    buffer: usize,
    /// The version of the parameter in the last run, until the value is written.
    pub(super) version: Option<Stamp>,
}

impl Assignment {
    /// The value in the last run.
    pub(super) fn value<'a>(&self, buffers: &'a [AlignedBuffer]) -> &'a [f32] {
        &buffers[self.buffer][..self.shape.len()]
    }
}

impl Assignments {
    /// The assignments of parameters to values with these places.
    pub(super) fn new(assigned: impl Iterator<Item = (usize, Place, Shape)>) -> Assignments {
        let assignment = |(param, place, shape)| match place {
            Place::Buffer(buffer) => Some(Assignment { param, shape, buffer, version: None }),
            Place::Param(_) | Place::Nowhere => None,
        };
        Assignments(assigned.filter_map(assignment).collect())
    }

    /// Discards the values of the last run.
    pub(super) fn discard(&mut self) {
        self.0.iter_mut().for_each(|assignment| assignment.version = None);
    }

    /// Marks the values as those of a run with these parameters.
    pub(super) fn mark(&mut self, params: &Params) {
        self.0.iter_mut().for_each(|assignment| assignment.version = Some(params.version(assignment.param)));
    }

    /// The index and the length of each parameter.
    pub(super) fn params(&self) -> impl Iterator<Item = (usize, usize)> {
        self.0.iter().map(|assignment| (assignment.param, assignment.shape.len()))
    }

    /// The index of each parameter and the value to be written to it; empty if the last run did not compute them, or they are
    /// written.
    pub(super) fn iter<'a>(&'a self, buffers: &'a [AlignedBuffer]) -> impl Iterator<Item = (usize, View<'a>)> {
        let pending = self.0.iter().filter(|assignment| assignment.version.is_some());
        pending.map(|assignment| (assignment.param, View::new(assignment.shape, assignment.value(buffers))))
    }
}
