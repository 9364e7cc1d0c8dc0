//! Softmax along any axis: [`softmax`](super::softmax) with that axis put last, and back in its place.

use crate::ops::axes;
use crate::tape::Var;

impl<'r> Var<'r> {
    /// Probabilities along an axis, which is counted from the first, or below 0 from the last, which is −1.
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
    fn an_axis_that_is_not_there_is_told() {
        let recorder = Recorder::new(Mode::Training);
        let _ = recorder.scope("softmax_1", || recorder.input([2, 3]).softmax_axis(2));
        let expected = "softmax_1: softmax: found shape 2 × 3, expected an array that has an axis 2";
        assert_eq!(recorder.finish().unwrap_err().to_string(), expected);
    }
}
