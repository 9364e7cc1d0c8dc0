//! y = 1 where a = b and 0 elsewhere; da = db = 0.

use crate::ops::pairwise::{self, Pairwise};
use crate::tape::Var;

struct Equal;

impl Pairwise for Equal {
    const NAME: &'static str = "equal";

    fn value(a: f32, b: f32) -> f32 {
        if a == b { 1.0 } else { 0.0 }
    }

    fn gradient_a(_dy: f32, _a: f32, _b: f32) -> f32 {
        0.0
    }

    fn gradient_b(_dy: f32, _a: f32, _b: f32) -> f32 {
        0.0
    }
}

impl<'r> Var<'r> {
    /// Compares elements: 1 if they are equal and 0 otherwise, with NumPy's broadcasting. Keras' `equal`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (a, b) = (recorder.input([2]), recorder.input([2]));
    /// let y = a.equal(b);
    /// let (a, b, y) = (a.id(), b.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([a])[0].copy_from_slice(&[1.0, 2.0]);
    /// tape.input_slices([b])[0].copy_from_slice(&[1.0, 3.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [1.0, 0.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn equal(self, other: Var<'r>) -> Var<'r> {
        pairwise::record::<Equal>(self, other)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].equal(x[1] + 0.03) * x[1]).variable([2, 3]).variable([2, 3]),
            Sample::new(|x| x[0].equal(x[1] + 0.03) + x[0]).variable([2, 1, 3]).variable([4, 1]),
        ]
    }
}
