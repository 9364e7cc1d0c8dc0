//! y = eˣ, dx = dy · y.

use crate::kernels::math;
use crate::ops::unary::unary;

unary! {
    /// The exponential function of each element: Keras' activation `exponential`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.exp();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[0.0, 1.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [1.0, 2.718_281_8];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Exp = exp(), 1 ns;
    y = |x| math::exp::<F>(x);
    dx = |dy, _x, y| dy * y;
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| x[0].exp()).variable([3, 5]), Sample::new(|x| x[0].exp()).variable([1])]
    }
}
