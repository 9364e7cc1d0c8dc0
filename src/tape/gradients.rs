//! The gradients that an operation writes in its backward pass.

use crate::kernels::aligned_buffer::AlignedBuffer;
use std::fmt;

/// The gradient of one input, and the location to which it is written. The targets of a step are sorted by location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GradientTarget {
    pub(super) place: TargetPlace,
    /// The position among the operation's inputs.
    pub(super) position: usize,
    pub(super) length: usize,
}

/// The location to which an operation writes a gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TargetPlace {
    /// The array for the gradient of a buffer, for its first contribution.
    Buffer(usize),
    /// The gradient of a parameter, for its first contribution.
    Param(usize),
    /// A scratch array, for a later contribution, which the tape adds to the gradient.
    Scratch(usize),
}

/// The gradients that an operation's backward pass writes.
pub struct Gradients<'a> {
    pub(super) arity: usize,
    pub(super) targets: &'a [GradientTarget],
    pub(super) buffers: &'a mut [AlignedBuffer],
    pub(super) params: &'a mut [AlignedBuffer],
    pub(super) scratch: &'a mut [AlignedBuffer],
}

impl fmt::Debug for Gradients<'_> {
    /// Writes the positions of the inputs that need a gradient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.targets.iter().map(|target| target.position)).finish()
    }
}

impl<'a> Gradients<'a> {
    /// Returns the gradient of each of the `N` inputs, to be overwritten; `None` for an input that needs no gradient.
    ///
    /// # Panics
    /// When the operation does not have `N` inputs.
    pub fn each<const N: usize>(self) -> [Option<&'a mut [f32]>; N] {
        assert_eq!(N, self.arity, "an operation requested {N} gradients of its {} inputs", self.arity);
        let mut gradients = [const { None }; N];
        self.for_each(|position, gradient| gradients[position] = Some(gradient));
        gradients
    }

    /// Calls `write(position, gradient)` for each input that needs a gradient, in unspecified order. For operations with a
    /// variable number of inputs.
    pub fn for_each(self, mut write: impl FnMut(usize, &'a mut [f32])) {
        let (mut buffers, mut params) = (DisjointArrays::new(self.buffers), DisjointArrays::new(self.params));
        let mut scratch = DisjointArrays::new(self.scratch);
        for target in self.targets {
            let array = match target.place {
                TargetPlace::Buffer(index) => buffers.take(index),
                TargetPlace::Param(index) => params.take(index),
                TargetPlace::Scratch(index) => scratch.take(index),
            };
            write(target.position, &mut array[..target.length]); // arrays may be longer than the gradient
        }
    }
}

/// Splits disjoint arrays off a list, in ascending order.
struct DisjointArrays<'a> {
    rest: &'a mut [AlignedBuffer],
    passed: usize,
}

impl<'a> DisjointArrays<'a> {
    fn new(rest: &'a mut [AlignedBuffer]) -> DisjointArrays<'a> {
        DisjointArrays { rest, passed: 0 }
    }

    /// Takes the array at `index`, which must be greater than that of the previous call.
    fn take(&mut self, index: usize) -> &'a mut [f32] {
        let rest = std::mem::take(&mut self.rest);
        let (array, rest) = rest[index - self.passed..].split_first_mut().expect("targets are inside their list");
        (self.rest, self.passed) = (rest, index + 1);
        array
    }
}
