//! y = a / b, da = dy / b, db = −dy · a / b²; shapes broadcast by NumPy's rule.

use crate::ops::pairwise::{self, Pairwise};
use crate::shape::Shape;
use crate::tape::Var;
use std::ops;

struct Divide;

impl Pairwise for Divide {
    const NAME: &'static str = "divide";

    #[inline(always)]
    fn value(a: f32, b: f32) -> f32 {
        a / b
    }

    #[inline(always)]
    fn gradient_a(dy: f32, _a: f32, b: f32) -> f32 {
        dy / b
    }

    #[inline(always)]
    fn gradient_b(dy: f32, a: f32, b: f32) -> f32 {
        -dy * a / (b * b)
    }
}

impl<'r> ops::Div for Var<'r> {
    type Output = Var<'r>;

    /// The elementwise quotient, with NumPy's broadcasting.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (a, b) = (recorder.input([2]), recorder.input([2]));
    /// let y = a / b;
    /// let (a, b, y) = (a.id(), b.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([a])[0].copy_from_slice(&[1.0, 9.0]);
    /// tape.input_slices([b])[0].copy_from_slice(&[4.0, 3.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [0.25, 3.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    fn div(self, other: Var<'r>) -> Var<'r> {
        pairwise::record::<Divide>(self, other)
    }
}

impl<'r> ops::Div<f32> for Var<'r> {
    type Output = Var<'r>;

    /// The quotient of each element and a number.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let (third, inverse) = (x / 3.0, 1.0 / x);
    /// let (x, third, inverse) = (x.id(), third.id(), inverse.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, 8.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(third).data(), [1.0 / 3.0, 8.0 / 3.0]);
    /// assert_eq!(tape.view(inverse).data(), [1.0, 0.125]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    fn div(self, divisor: f32) -> Var<'r> {
        self / self.recorder().constant_values(Shape::SCALAR, vec![divisor])
    }
}

impl<'r> ops::Div<Var<'r>> for f32 {
    type Output = Var<'r>;

    /// The quotient of a number and each element.
    fn div(self, x: Var<'r>) -> Var<'r> {
        x.recorder().constant_values(Shape::SCALAR, vec![self]) / x
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0] / (x[1] * x[1] + 1.0)).variable([2, 3]).variable([2, 3]),
            Sample::new(|x| x[0] / (x[1] * x[1] + 1.0)).variable([2, 1, 3]).variable([4, 1]),
            Sample::new(|x| x[0] / (x[1] * x[1] + 1.0)).variable([]).variable([5]),
            Sample::new(|x| x[0] / 3.0).variable([2, 3]),
            Sample::new(|x| 2.0 / (x[0] * x[0] + 1.0)).variable([5]),
        ]
    }
}
