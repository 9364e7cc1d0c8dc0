//! y = x · Φ(x) with the standard normal distribution Φ (Hendrycks and Gimpel 2016), dx = dy · (Φ(x) + x · φ(x)); and the
//! approximation with tanh: y = ½ · x · (1 + tanh u) = x · σ(2u) with u = √(2/π) · (x + 0.044715 · x³),
//! dx = dy · (σ(2u) + x · σ(2u) · (1 − σ(2u)) · 2u′).

use crate::kernels::{erf, math};
use crate::ops::unary::unary;

unary! {
    /// The Gaussian error linear unit, x · Φ(x): Keras' activation `gelu`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.gelu();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[0.0, 1.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.0, 0.841_344_7];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Gelu = gelu(), 5 ns;
    y = |x| (f64::from(x) * erf::normal(f64::from(x))) as f32;
    dx = |dy, x, _y| {
        let x = f64::from(x);
        (f64::from(dy) * (erf::normal(x) + x * erf::normal_density(x))) as f32
    };
}

unary! {
    /// The Gaussian error linear unit approximated by tanh: Keras' `gelu(x, approximate=True)`.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.gelu_tanh();
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[0.0, 1.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [0.0, 0.841_192];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    GeluTanh = gelu_tanh(), 2 ns;
    y = |x| x * math::sigmoid::<F>(doubled_u(x));
    dx = |dy, x, _y| {
        let s = math::sigmoid::<F>(doubled_u(x));
        dy * (s + x * s * (1.0 - s) * DOUBLED_ROOT * (1.0 + 3.0 * CUBE * x * x))
    };
}

/// 2 · √(2/π).
const DOUBLED_ROOT: f32 = 1.595_769_2;

const CUBE: f32 = 0.044_715;

/// 2u, whose sigmoid is ½ · (1 + tanh u) and does not cancel for large negative x.
#[inline(always)]
fn doubled_u(x: f32) -> f32 {
    DOUBLED_ROOT * (x + CUBE * x * x * x)
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].gelu()).variable([3, 5]),
            Sample::new(|x| (x[0] * 3.0).gelu()).variable([17]),
            Sample::new(|x| x[0].gelu_tanh()).variable([3, 5]),
            Sample::new(|x| (x[0] * 3.0).gelu_tanh()).variable([17]),
        ]
    }
}
