//! y = Σ x / n over some axes, dx = dy / n at every element that was added.

use crate::ops::axes;
use crate::tape::Var;

impl<'r> Var<'r> {
    /// The mean over some axes, as [`sum_axes`](Var::sum_axes) takes them. Keras' `mean(x, axis, keepdims)`.
    pub fn mean_axes(self, axes: &[isize], keepdims: bool) -> Var<'r> {
        axes::record(self, "mean_axes", true, axes, keepdims)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].mean_axes(&[-1], false)).variable([3, 5]),
            Sample::new(|x| x[0].mean_axes(&[1, 2], true)).variable([2, 3, 2, 3]),
            Sample::new(|x| x[0].mean_axes(&[0, 2, -1], false)).variable([2, 3, 2, 1]),
            Sample::new(|x| x[0].mean_axes(&[3, 0], false)).variable([2, 1, 3, 2]),
            Sample::new(|x| x[0].mean_axes(&[0], false)).variable([1]),
        ]
    }
}
