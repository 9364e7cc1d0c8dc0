//! Accumulation of gradients of values that several operations read.

use super::gradients::TargetPlace;
use crate::kernels::accumulate::accumulate;
use crate::kernels::aligned_buffer::AlignedBuffer;

/// A contribution to a gradient, after the first one: written to scratch, then added to the gradient.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addition {
    /// The gradient that it is added to.
    pub(super) to: TargetPlace,
    pub(super) scratch: usize,
    /// Number of elements of the gradient. Arrays may be longer.
    pub(super) length: usize,
}

impl Addition {
    /// Adds the scratch array to the gradient.
    pub(super) fn run(&self, buffers: &mut [AlignedBuffer], params: &mut [AlignedBuffer], scratch: &[AlignedBuffer]) {
        let to = match self.to {
            TargetPlace::Buffer(index) => &mut buffers[index],
            TargetPlace::Param(index) => &mut params[index],
            TargetPlace::Scratch(_) => unreachable!("contributions are added to gradients of buffers and parameters"),
        };
        accumulate(&scratch[self.scratch][..self.length], &mut to[..self.length]);
    }
}
