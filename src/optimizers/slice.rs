//! A slice of a parameter with its gradient and state, split further for the threads.

use crate::kernels::{spin_wait, update};

/// Maximum number of state arrays of an optimizer for each parameter.
pub const MAX_STATE_ARRAYS: usize = update::MAX_STATE_ARRAYS;

/// Maximum number of elements of a part for one thread. The split never changes a result.
const LENGTH: usize = 1 << 15;

/// A slice of a parameter with its gradient and its optimizer state, all of equal length.
///
/// ```
/// use gradus::optimizers::{Optimizer, ParamSlice, Sgd, Step};
/// let mut values = [1.0, 2.0];
/// Sgd::new(0.5).update(Step::new(1, 0.5), ParamSlice::new(&mut values, &[1.0, -1.0], []));
/// assert_eq!(values, [0.5, 2.5]);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct ParamSlice<'a> {
    /// The values, which the optimizer updates.
    pub values: &'a mut [f32],
    /// The gradient of the loss with respect to each value.
    pub gradient: &'a [f32],
    /// The state arrays, in the order of [`Optimizer::initial_state`](super::Optimizer::initial_state), followed by empty
    /// arrays.
    pub state: [&'a mut [f32]; MAX_STATE_ARRAYS],
}

impl<'a> ParamSlice<'a> {
    /// Creates a slice, to apply an update rule without an [`OptimizerState`](super::OptimizerState).
    ///
    /// # Panics
    /// When the lengths differ, or with more than [`MAX_STATE_ARRAYS`] state arrays.
    pub fn new(
        values: &'a mut [f32],
        gradient: &'a [f32],
        state: impl IntoIterator<Item = &'a mut [f32]>,
    ) -> ParamSlice<'a> {
        assert_eq!(values.len(), gradient.len(), "the gradient needs an element for each value");
        let mut arrays = [const { None }; MAX_STATE_ARRAYS];
        for (number, array) in state.into_iter().enumerate() {
            assert_eq!(values.len(), array.len(), "state array {number} needs an element for each value");
            assert!(number < MAX_STATE_ARRAYS, "there are more than {MAX_STATE_ARRAYS} state arrays");
            arrays[number] = Some(array);
        }
        ParamSlice { values, gradient, state: arrays.map(Option::unwrap_or_default) }
    }

    /// Calls `work` on parts of at most [`LENGTH`] elements, on several threads.
    pub(super) fn in_parallel(self, work: &(impl Fn(ParamSlice<'_>) + Sync)) {
        if self.values.len() <= LENGTH {
            return work(self);
        }
        let middle = (self.values.len() / 2).next_multiple_of(64);
        let (left, right) = self.split_at(middle);
        spin_wait::fork(|| left.in_parallel(work), || right.in_parallel(work));
    }

    fn split_at(self, middle: usize) -> (ParamSlice<'a>, ParamSlice<'a>) {
        let (values, values_right) = self.values.split_at_mut(middle);
        let (gradient, gradient_right) = self.gradient.split_at(middle);
        let mut rights = [const { None }; MAX_STATE_ARRAYS];
        let mut index = 0;
        let state = self.state.map(|array| {
            let (left, right) = array.split_at_mut(middle.min(array.len()));
            rights[index] = Some(right);
            index += 1;
            left
        });
        let state_right = rights.map(Option::unwrap_or_default);
        let right = ParamSlice { values: values_right, gradient: gradient_right, state: state_right };
        (ParamSlice { values, gradient, state }, right)
    }
}
