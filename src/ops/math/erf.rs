//! y = erf x = 2/√π · ∫₀ˣ exp(−t²) dt, dx = dy · 2/√π · exp(−x²).

use crate::kernels::{self, double};
use crate::ops::unary::unary;

unary! {
    /// The error function of each element.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.erf();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[0.0, 1.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.0, 0.842_700_8];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Erf = erf(), 5 ns;
    y = |x| kernels::erf::erf(f64::from(x)) as f32;
    dx = |dy, x, _y| {
        let x = f64::from(x);
        (f64::from(dy) * std::f64::consts::FRAC_2_SQRT_PI * double::exp(-x * x)) as f32
    };
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| x[0].erf()).variable([3, 5]), Sample::new(|x| (x[0] * 3.0).erf()).variable([17])]
    }
}
