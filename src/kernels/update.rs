//! A weight array that is changed along its gradient as soon as a stretch of the gradient is there.
//!
//! A step reads and writes each weight, its gradient and the optimizer's state. Where these outgrow the second
//! cache, a gradient that is written in one pass and read in another goes out and comes back for nothing.

use std::fmt;

/// The largest number of state arrays that an optimizer has for a weight array.
pub(crate) const MAX_STATE_ARRAYS: usize = 4;

/// Changes a stretch of weights along its gradient; the arrays are the weights and the optimizer's state, of which
/// unused ones are empty. Elements must not depend on others: stretches are cut as is convenient.
pub(crate) type Descend<'a> = dyn Fn(&[f32], [&mut [f32]; 1 + MAX_STATE_ARRAYS]) + Sync + 'a;

/// A weight array, the optimizer's state of it, and how they follow a gradient.
pub struct Update<'a> {
    pub(super) arrays: [&'a mut [f32]; 1 + MAX_STATE_ARRAYS],
    pub(super) descend: &'a Descend<'a>,
}

impl<'a> Update<'a> {
    /// An array's weights and their state arrays, which may be empty.
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn new(value: &'a mut [f32], state: [&'a mut [f32]; MAX_STATE_ARRAYS], descend: &'a Descend<'a>) -> Update<'a> {
        let fits = |array: &&mut [f32]| array.is_empty() || array.len() == value.len();
        assert!(state.iter().all(fits), "state arrays have an element for each weight");
        let [first, second, third, fourth] = state;
        Update { arrays: [value, first, second, third, fourth], descend }
    }

    /// The weights, which have not been changed yet.
    pub fn value(&self) -> &[f32] {
        self.arrays[0]
    }
}

impl fmt::Debug for Update<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Update").field("weights", &self.arrays[0].len()).finish_non_exhaustive()
    }
}
