//! y = Σ x over some axes, dx = dy for each element of the sum.

use crate::ops::axes;
use crate::tape::Var;

impl<'r> Var<'r> {
    /// The sum over some axes. A negative axis is counted from the end: −1 is the last axis. The axes are removed, or with
    /// `keepdims` have size 1. Keras' `sum(x, axis, keepdims)`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2, 2]);
    /// let y = x.sum_axes(&[0], false);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, 2.0, 3.0, 4.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [4.0, 6.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
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
