//! The same elements under another shape: nothing is copied and nothing runs.

use crate::error::Result;
use crate::shape::Shape;
use crate::tape::Var;

impl<'r> Var<'r> {
    /// The same elements, row-major, as `shape`.
    pub fn reshape(self, shape: impl Into<Shape>) -> Var<'r> {
        self.recorder().alias(self, "reshape", Ok(shape.into()))
    }

    /// Each sample's elements in one axis: from `n × …` to `n × features`.
    pub fn flatten(self) -> Var<'r> {
        let shape = self.shape();
        self.recorder().alias(self, "flatten", Ok(Shape::from([shape.axis(0), shape.sample().len()])))
    }

    /// Each sample's elements as `sample`; the batch axis stays.
    pub(crate) fn reshape_samples(self, sample: Shape) -> Var<'r> {
        let shape: Result<Shape> = sample.batch(self.shape().axis(0));
        self.recorder().alias(self, "reshape", shape)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].reshape([6]) * x[0].reshape([6])).variable([2, 3]),
            Sample::new(|x| x[0].flatten() * 2.0).variable([2, 3, 2]),
        ]
    }

    #[test]
    fn another_number_of_elements_is_refused() {
        let recorder = Recorder::new(Mode::Training);
        let _ = recorder.scope("reshape_1", || recorder.input([2, 3]).reshape([7]));
        let message = recorder.finish().unwrap_err().to_string();
        assert_eq!(message, "reshape_1: reshape: found shape 2 × 3, expected 7 elements, as in 7");
    }
}
