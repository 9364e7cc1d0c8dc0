//! y = max(a, b), whose gradient goes to the larger one, or half of it to each if they are equal.

use crate::ops::pairwise::{self, Pairwise};
use crate::tape::Var;

struct Maximum;

impl Pairwise for Maximum {
    const NAME: &'static str = "maximum";

    #[inline(always)]
    fn value(a: f32, b: f32) -> f32 {
        if a > b || a.is_nan() { a } else { b }
    }

    #[inline(always)]
    fn gradient_a(dy: f32, a: f32, b: f32) -> f32 {
        if a > b {
            dy
        } else if a == b {
            0.5 * dy
        } else {
            0.0
        }
    }

    #[inline(always)]
    fn gradient_b(dy: f32, a: f32, b: f32) -> f32 {
        if b > a {
            dy
        } else if a == b {
            0.5 * dy
        } else {
            0.0
        }
    }
}

impl<'r> Var<'r> {
    /// The larger of two elements, with NumPy's broadcasting. NaN if one of them is NaN.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (a, b) = (recorder.input([2]), recorder.input([2]));
    /// let y = a.maximum(b);
    /// let (a, b, y) = (a.id(), b.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([a])[0].copy_from_slice(&[1.0, 5.0]);
    /// tape.input_slices([b])[0].copy_from_slice(&[3.0, 2.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [3.0, 5.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn maximum(self, other: Var<'r>) -> Var<'r> {
        pairwise::record::<Maximum>(self, other)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].maximum(x[1] + 0.03)).variable([2, 3]).variable([2, 3]),
            Sample::new(|x| x[0].maximum(x[1] + 0.03)).variable([2, 1, 3]).variable([4, 1]),
            Sample::new(|x| x[0].maximum(x[0])).variable([5]),
        ]
    }
}
