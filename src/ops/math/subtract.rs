//! y = a − b, da = dy, db = −dy; shapes broadcast by NumPy's rule.

use crate::ops::pairwise::{self, Pairwise};
use crate::tape::Var;
use std::ops;

struct Subtract;

impl Pairwise for Subtract {
    const NAME: &'static str = "subtract";

    #[inline(always)]
    fn value(a: f32, b: f32) -> f32 {
        a - b
    }

    #[inline(always)]
    fn gradient_a(dy: f32, _a: f32, _b: f32) -> f32 {
        dy
    }

    #[inline(always)]
    fn gradient_b(dy: f32, _a: f32, _b: f32) -> f32 {
        -dy
    }
}

impl<'r> ops::Sub for Var<'r> {
    type Output = Var<'r>;

    /// The elementwise difference, with NumPy's broadcasting.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (a, b) = (recorder.input([2]), recorder.input([2]));
    /// let y = a - b;
    /// let (a, b, y) = (a.id(), b.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([a])[0].copy_from_slice(&[5.0, 3.0]);
    /// tape.input_slices([b])[0].copy_from_slice(&[1.0, 4.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [4.0, -1.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    fn sub(self, other: Var<'r>) -> Var<'r> {
        pairwise::record::<Subtract>(self, other)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0] - x[1]).variable([2, 3]).variable([2, 3]),
            Sample::new(|x| x[0] - x[1]).variable([2, 1, 3]).variable([4, 1]),
            Sample::new(|x| x[0] - x[1]).variable([]).variable([5]),
            Sample::new(|x| x[0] - x[0] * x[0]).variable([7]),
        ]
    }
}
