//! The input values of an operation during a run.

use super::params::Params;
use super::source::{Place, Source};
use crate::kernels::aligned_buffer::AlignedBuffer;
use crate::shape::View;
use std::fmt;

/// The input values of an operation.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    pub(super) sources: &'a [Source],
    pub(super) buffers: &'a [AlignedBuffer],
    pub(super) params: &'a Params,
}

impl fmt::Debug for Inputs<'_> {
    /// Writes the shapes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sources.iter().map(|source| source.shape)).finish()
    }
}

impl<'a> Inputs<'a> {
    /// Returns all inputs as an array: `let [x, w] = inputs.each();`
    ///
    /// # Panics
    /// When the number of inputs is not `N`. An operation whose `prepare` checks the number never panics here.
    pub fn each<const N: usize>(&self) -> [View<'a>; N] {
        assert_eq!(N, self.sources.len(), "an operation requested {N} of its {} inputs", self.sources.len());
        std::array::from_fn(|position| self.get(position))
    }

    /// Whether the input at `position` is known to be finite. This is cheap, and may be `false` for a finite input: only
    /// parameters that do not change between runs are searched.
    pub fn is_known_finite(&self, position: usize) -> bool {
        match self.sources[position].place {
            Place::Param(index) => self.params.is_known_finite(index),
            _ => false,
        }
    }

    /// A number that identifies the values of the input at `position` if it is a parameter: as long as it is the same, the
    /// values have not changed. Operations use it to keep values that they computed from weights.
    pub fn version(&self, position: usize) -> Option<u64> {
        match self.sources[position].place {
            Place::Param(index) => Some(self.params.version(index).number()),
            _ => None,
        }
    }

    /// Number of inputs.
    pub fn count(&self) -> usize {
        self.sources.len()
    }

    /// Returns the input at `position`.
    ///
    /// # Panics
    /// When `position` is not less than [`count`](Inputs::count).
    pub fn get(&self, position: usize) -> View<'a> {
        let Source { place, shape } = self.sources[position];
        match place {
            Place::Buffer(index) => View::new(shape, &self.buffers[index][..shape.len()]),
            Place::Param(index) => View::new(shape, self.params.view(index).data()),
            Place::Nowhere => unreachable!("a tape with an error is never finished"),
        }
    }
}
