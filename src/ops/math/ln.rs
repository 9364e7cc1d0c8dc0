//! y = ln x, dx = dy / x.

use crate::kernels::double;
use crate::ops::unary::unary;

unary! {
    /// The natural logarithm of each element: −∞ for 0, NaN for negative elements. Keras' `log`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.ln();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, 2.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.0, 0.693_147_2];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Ln = ln(), 3 ns;
    y = |x| double::ln(f64::from(x)) as f32;
    dx = |dy, x, _y| dy / x;
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| (x[0] * x[0] + 0.5).ln()).variable([3, 5]),
            Sample::new(|x| (x[0] + 2.0).ln()).variable([1]),
        ]
    }
}
