//! y = a if b ≠ 0 and 0 otherwise; da = dy if b ≠ 0 and 0 otherwise, db = 0.

use crate::ops::pairwise::{self, Pairwise};
use crate::tape::Var;

struct WhereNonzero;

impl Pairwise for WhereNonzero {
    const NAME: &'static str = "where_nonzero";

    fn value(a: f32, b: f32) -> f32 {
        if b == 0.0 { 0.0 } else { a }
    }

    fn gradient_a(dy: f32, _a: f32, b: f32) -> f32 {
        if b == 0.0 { 0.0 } else { dy }
    }

    fn gradient_b(_dy: f32, _a: f32, _b: f32) -> f32 {
        0.0
    }
}

impl<'r> Var<'r> {
    /// Sets elements to 0 where `condition` is 0, even if they are NaN or infinite, with NumPy's broadcasting. Keras'
    /// `where(condition, x, 0)`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (x, condition) = (recorder.input([2]), recorder.input([2]));
    /// let y = x.where_nonzero(condition);
    /// let (x, condition, y) = (x.id(), condition.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[5.0, f32::NAN]);
    /// tape.input_slices([condition])[0].copy_from_slice(&[1.0, 0.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [5.0, 0.0]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn where_nonzero(self, condition: Var<'r>) -> Var<'r> {
        pairwise::record::<WhereNonzero>(self, condition)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;
    use ndarray::arr1;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].where_nonzero(x[0].less(x[1] + 0.03))).variable([2, 3]).variable([2, 3]),
            Sample::new(|x| x[0].where_nonzero(x[1].less(x[0] + 0.03)) + x[1]).variable([2, 1, 3]).variable([4, 1]),
            Sample::new(|x| x[0].where_nonzero(x[1])).variable([3, 5]).input(arr1(&[1.0, 0.0, -2.0, 0.0, 0.5])),
        ]
    }
}
