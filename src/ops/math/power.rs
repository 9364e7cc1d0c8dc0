//! y = xᵖ with a constant p, dx = dy · p · xᵖ⁻¹.

use crate::kernels::double;
use crate::ops::unary::unary;

unary! {
    /// Raises each element to a constant power. NaN for a negative element if the exponent is not an integer. 0⁰ = 1.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.power(2.0);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[2.0, 3.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [4.0, 9.0];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-5));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Power = power(exponent: f32 = 2.5), 5 ns;
    y = |x| double::power(f64::from(x), f64::from(exponent)) as f32;
    dx = |dy, x, _y| {
        let p = f64::from(exponent);
        // x⁰ is 1 for all x, even if x⁻¹ is not finite.
        if p == 0.0 { 0.0 } else { dy * (p * double::power(f64::from(x), p - 1.0)) as f32 }
    };
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].power(2.0)).variable([3, 5]),
            Sample::new(|x| x[0].power(3.0)).variable([1]),
            Sample::new(|x| (x[0] * x[0] + 0.5).power(-1.5)).variable([7]),
            Sample::new(|x| x[0].power(0.0)).variable([2]),
        ]
    }
}
