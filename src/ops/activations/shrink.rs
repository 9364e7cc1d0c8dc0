//! Functions that shrink elements towards 0: y = x or x ∓ ½ for |x| > ½ and 0 otherwise, with dx = dy or 0; and y = x − tanh x,
//! with dx = dy · tanh² x.

use crate::kernels::math;
use crate::ops::unary::unary;

unary! {
    /// Sets elements of at most ½ in magnitude to 0 and keeps the others. Keras' `hard_shrink`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([3]);
    /// let y = x.hard_shrink();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[-2.0, 0.25, 1.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [-2.0, 0.0, 1.0];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    HardShrink = hard_shrink(), 1 ns;
    y = |x| if x.abs() <= 0.5 { 0.0 } else { x };
    dx = |dy, x, _y| if x.abs() <= 0.5 { 0.0 } else { dy };
}

unary! {
    /// Moves elements towards 0 by ½: x − ½ for x > ½, x + ½ for x < −½, and 0 between. Keras' `soft_shrink`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([3]);
    /// let y = x.soft_shrink();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[-2.0, 0.25, 1.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [-1.5, 0.0, 0.5];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    SoftShrink = soft_shrink(), 1 ns;
    y = |x| {
        let moved = if x > 0.0 { x - 0.5 } else { x + 0.5 };
        if x.abs() <= 0.5 { 0.0 } else { moved }
    };
    dx = |dy, x, _y| if x.abs() <= 0.5 { 0.0 } else { dy };
}

unary! {
    /// x − tanh x.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.tanh_shrink();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[0.0, 1.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.0, 0.238_405_84];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    TanhShrink = tanh_shrink(), 1 ns;
    y = |x| x - math::tanh::<F>(x);
    dx = |dy, x, _y| {
        let t = math::tanh::<F>(x);
        dy * (t * t)
    };
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| (x[0] * 8.3).hard_shrink()).variable([3, 5]),
            Sample::new(|x| x[0].hard_shrink()).variable([4]),
            Sample::new(|x| (x[0] * 8.3).soft_shrink()).variable([3, 5]),
            Sample::new(|x| x[0].soft_shrink()).variable([4]),
            Sample::new(|x| (x[0] * 8.3).tanh_shrink()).variable([3, 5]),
            Sample::new(|x| x[0].tanh_shrink()).variable([4]),
        ]
    }
}
