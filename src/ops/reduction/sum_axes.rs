//! y = Σ x over some axes, dx = dy at every element that was added.

use crate::ops::axes;
use crate::tape::Var;

impl<'r> Var<'r> {
    /// The sum over some axes, which are counted from the first, or below 0 from the last, which is −1. They go, or with
    /// `keepdims` stay as axes of size 1. Keras' `sum(x, axis, keepdims)`.
    pub fn sum_axes(self, axes: &[isize], keepdims: bool) -> Var<'r> {
        axes::record(self, "sum_axes", false, axes, keepdims)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].sum_axes(&[-1], false)).variable([3, 5]),
            Sample::new(|x| x[0].sum_axes(&[1, 2], true)).variable([2, 3, 2, 3]),
            Sample::new(|x| x[0].sum_axes(&[0, 2, -1], false)).variable([2, 3, 2, 1]),
            Sample::new(|x| x[0].sum_axes(&[3, 0], false)).variable([2, 1, 3, 2]),
            Sample::new(|x| x[0].sum_axes(&[0], false)).variable([1]),
        ]
    }
}
