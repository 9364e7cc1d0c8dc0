//! y = a · b, da = dy · b, db = dy · a; shapes broadcast by NumPy's rule.

use crate::ops::pairwise::{self, Pairwise};
use crate::tape::Var;
use std::ops;

struct Multiply;

impl Pairwise for Multiply {
    const NAME: &'static str = "multiply";

    #[inline(always)]
    fn value(a: f32, b: f32) -> f32 {
        a * b
    }

    #[inline(always)]
    fn gradient_a(dy: f32, _a: f32, b: f32) -> f32 {
        dy * b
    }

    #[inline(always)]
    fn gradient_b(dy: f32, a: f32, _b: f32) -> f32 {
        dy * a
    }
}

impl<'r> ops::Mul for Var<'r> {
    type Output = Var<'r>;

    /// The elementwise product, with NumPy's broadcasting.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (a, b) = (recorder.input([2]), recorder.input([2]));
    /// let y = a * b;
    /// let (a, b, y) = (a.id(), b.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([a])[0].copy_from_slice(&[1.0, 2.0]);
    /// tape.input_slices([b])[0].copy_from_slice(&[3.0, 4.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [3.0, 8.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    fn mul(self, other: Var<'r>) -> Var<'r> {
        pairwise::record::<Multiply>(self, other)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0] * x[1]).variable([2, 3]).variable([2, 3]),
            Sample::new(|x| x[0] * x[1]).variable([2, 1, 3]).variable([4, 1]),
            Sample::new(|x| x[0] * x[1]).variable([]).variable([5]),
            Sample::new(|x| x[0] * x[0]).variable([7]),
        ]
    }
}
