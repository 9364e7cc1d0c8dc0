//! Updates of a weight array as soon as a part of its gradient is complete.
//!
//! A step reads and writes each weight, its gradient and the optimizer's state. If these exceed the L2 cache, a
//! gradient that is written in one pass and read in another is moved to memory and back.

use std::fmt;

/// Maximum number of state arrays of an optimizer per weight array.
pub(crate) const MAX_STATE_ARRAYS: usize = 4;

/// An update rule: updates a range of weights from its gradient. The arrays are the weights and the optimizer state; unused
/// ones are empty. Elements must not depend on each other, because ranges are arbitrary.
pub(crate) type UpdateRule<'a> = dyn Fn(&[f32], [&mut [f32]; 1 + MAX_STATE_ARRAYS]) + Sync + 'a;

/// A weight array, its optimizer state, and their update from a gradient.
pub struct Update<'a> {
    pub(super) arrays: [&'a mut [f32]; 1 + MAX_STATE_ARRAYS],
    pub(super) rule: &'a UpdateRule<'a>,
}

impl<'a> Update<'a> {
    /// Creates an update of weights and their state arrays, which may be empty.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn new(value: &'a mut [f32], state: [&'a mut [f32]; MAX_STATE_ARRAYS], rule: &'a UpdateRule<'a>) -> Update<'a> {
        let fits = |array: &&mut [f32]| array.is_empty() || array.len() == value.len();
        assert!(state.iter().all(fits), "state arrays have an element for each weight");
        let [first, second, third, fourth] = state;
        Update { arrays: [value, first, second, third, fourth], rule }
    }

    /// The weights before the update.
    pub fn value(&self) -> &[f32] {
        self.arrays[0]
    }
}

impl fmt::Debug for Update<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Update").field("weights", &self.arrays[0].len()).finish_non_exhaustive()
    }
}
