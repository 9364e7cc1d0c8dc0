//! Reshaping, without a copy.

use crate::error::Result;
use crate::shape::Shape;
use crate::tape::Var;

impl<'r> Var<'r> {
    /// Reshapes the array, in row-major order. Does not copy.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2, 3]);
    /// let y = x.reshape([3, 2]);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.value(y), ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn reshape(self, shape: impl Into<Shape>) -> Var<'r> {
        self.recorder().alias(self, "reshape", Ok(shape.into()))
    }

    /// Flattens each sample: from `n × …` to `n × features`. Does not copy.
    ///
    /// ```
    /// use gradus::{Shape, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([5, 2, 3]);
    /// assert_eq!(x.flatten().shape(), Shape::from([5, 6]));
    /// ```
    pub fn flatten(self) -> Var<'r> {
        let shape = self.shape();
        self.recorder().alias(self, "flatten", Ok(Shape::from([shape.axis(0), shape.sample().len()])))
    }

    /// Reshapes each sample. Does not change the batch axis.
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
    fn a_different_number_of_elements_is_rejected() {
        let recorder = Recorder::new(Mode::Training);
        let _ = recorder.scope("reshape_1", || recorder.input([2, 3]).reshape([7]));
        let message = recorder.finish().unwrap_err().to_string();
        assert_eq!(message, "reshape_1: reshape: found shape 2 × 3, expected 7 elements, as in 7");
    }
}
