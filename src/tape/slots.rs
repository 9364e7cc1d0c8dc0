//! The assignment of values or gradients to arrays.
//!
//! Those that are not needed at the same time share an array, so that a pass touches less memory.

/// Arrays for the values, or for the gradients, of buffers.
pub(super) struct Slots {
    /// The array of each buffer that has one.
    pub(super) of: Vec<Option<usize>>,
    /// The length of each array: that of the longest buffer in it.
    pub(super) lengths: Vec<usize>,
    /// The arrays whose content is no longer needed.
    free: Vec<usize>,
}

impl Slots {
    pub(super) fn new(buffers: usize) -> Slots {
        Slots { of: vec![None; buffers], lengths: Vec::new(), free: Vec::new() }
    }

    /// Assigns an array to a buffer: the shortest free one that is long enough, or else the longest one, which is extended.
    pub(super) fn take(&mut self, buffer: usize, length: usize) -> usize {
        let fits = |slot: usize| (self.lengths[slot] < length, self.lengths[slot].abs_diff(length));
        let best = (0..self.free.len()).min_by_key(|at| fits(self.free[*at]));
        let slot = best.map(|at| self.free.swap_remove(at)).unwrap_or_else(|| {
            self.lengths.push(0);
            self.lengths.len() - 1
        });
        self.lengths[slot] = self.lengths[slot].max(length);
        self.of[buffer] = Some(slot);
        slot
    }

    /// Makes the array of a buffer available to others.
    pub(super) fn release(&mut self, buffer: usize) {
        self.free.extend(self.of[buffer]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_reused_and_extended() {
        let mut slots = Slots::new(6);
        assert_eq!([slots.take(5, 10), slots.take(4, 30)], [0, 1]);
        slots.release(5);
        assert_eq!(slots.take(3, 20), 0);
        slots.release(4);
        slots.release(3);
        assert_eq!(slots.take(2, 25), 1);
        assert_eq!([slots.take(1, 40), slots.take(0, 1)], [0, 2]);
        assert_eq!((slots.lengths, slots.of[0]), (vec![40, 30, 1], Some(2)));
    }
}
