//! The state parameters of an operation, such as running statistics.

use crate::kernels::aligned_buffer::AlignedBuffer;
use std::fmt;

/// The values of an operation's state parameters, in the order of [`Op::states`](super::Op::states), to be updated.
pub struct States<'a> {
    /// The index of each state in `values`.
    pub(super) slots: &'a [usize],
    pub(super) values: &'a mut [AlignedBuffer],
}

impl fmt::Debug for States<'_> {
    /// Writes the number of states.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("States").field("states", &self.slots.len()).finish_non_exhaustive()
    }
}

impl<'a> States<'a> {
    /// Returns all states as an array: `let [mean, variance] = states.each();`
    ///
    /// # Panics
    /// When the operation does not declare `N` states.
    pub fn each<const N: usize>(self) -> [&'a mut [f32]; N] {
        let slots: [usize; N] = self.slots.try_into().unwrap_or_else(|_| {
            panic!("an operation requested {N} of its {} states", self.slots.len());
        });
        let values = self.values.get_disjoint_mut(slots).expect("states of an operation are different parameters");
        values.map(|values| &mut **values)
    }

    /// Number of states.
    pub fn count(&self) -> usize {
        self.slots.len()
    }

    /// Returns the state at `position`. For operations with a variable number of states.
    ///
    /// # Panics
    /// When `position` is not less than [`count`](States::count).
    pub fn get_mut(&mut self, position: usize) -> &mut [f32] {
        &mut self.values[self.slots[position]]
    }
}
