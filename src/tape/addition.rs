//! Accumulation of gradients of values that several operations read.

use super::source::Place;
use crate::kernels::aligned_buffer::AlignedBuffer;

/// A contribution to a gradient, after the first one: written to scratch, then added to the gradient.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addition {
    /// The location of the value whose gradient it is added to.
    pub(super) to: Place,
    pub(super) scratch: usize,
}

impl Addition {
    /// Adds the scratch array to the gradient.
    pub(super) fn run(&self, buffers: &mut [AlignedBuffer], params: &mut [AlignedBuffer], scratch: &[AlignedBuffer]) {
        let to = match self.to {
            Place::Buffer(index) => &mut buffers[index],
            Place::Param(index) => &mut params[index],
            Place::Nowhere => unreachable!("only buffers and parameters have gradients"),
        };
        // The scratch array may be longer than the gradient: `zip` ends at the gradient's length.
        to.iter_mut().zip(scratch[self.scratch].iter()).for_each(|(to, more)| *to += more);
    }
}
