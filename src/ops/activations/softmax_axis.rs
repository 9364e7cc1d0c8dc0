//! Softmax over any axis: [`softmax`](super::softmax) of the transposed array.

use crate::ops::axes;
use crate::tape::Var;

impl<'r> Var<'r> {
    /// The softmax over an axis. A negative axis is counted from the end: −1 is the last axis.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2, 1]);
    /// let y = x.softmax_axis(0);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[0.0, 1.098_612_3]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.25, 0.75];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn softmax_axis(self, axis: isize) -> Var<'r> {
        axes::along(self, "softmax", axis, Var::softmax)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].softmax_axis(0)).variable([3, 5]),
            Sample::new(|x| x[0].softmax_axis(-2)).variable([2, 3, 2]),
            Sample::new(|x| x[0].softmax_axis(-1)).variable([4, 1]),
        ]
    }

    #[test]
    fn invalid_axes_are_rejected() {
        let recorder = Recorder::new(Mode::Training);
        let _ = recorder.scope("softmax_1", || recorder.input([2, 3]).softmax_axis(2));
        let expected = "softmax_1: softmax: found shape 2 × 3, expected an array with an axis 2";
        assert_eq!(recorder.finish().unwrap_err().to_string(), expected);
    }
}
