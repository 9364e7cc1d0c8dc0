//! y = aᵇ, da = dy · b · aᵇ⁻¹, db = dy · aᵇ · ln a, and 0 for a = 0.

use crate::kernels::double;
use crate::ops::pairwise::{self, Pairwise};
use crate::tape::Var;

struct Pow;

impl Pairwise for Pow {
    const NAME: &'static str = "pow";

    fn value(a: f32, b: f32) -> f32 {
        double::power(f64::from(a), f64::from(b)) as f32
    }

    fn gradient_a(dy: f32, a: f32, b: f32) -> f32 {
        // a⁰ is 1 for all a, even if a⁻¹ is not finite.
        if b == 0.0 { 0.0 } else { dy * (f64::from(b) * double::power(f64::from(a), f64::from(b) - 1.0)) as f32 }
    }

    fn gradient_b(dy: f32, a: f32, b: f32) -> f32 {
        if a == 0.0 { 0.0 } else { dy * (double::power(f64::from(a), f64::from(b)) * double::ln(f64::from(a))) as f32 }
    }
}

impl<'r> Var<'r> {
    /// Raises each element to the power of another, with NumPy's broadcasting. NaN for a negative element with an exponent
    /// that is not an integer. Keras' `power` of two tensors.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let (x, exponents) = (recorder.input([2]), recorder.input([2]));
    /// let y = x.pow(exponents);
    /// let (x, exponents, y) = (x.id(), exponents.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[2.0, 3.0]);
    /// tape.input_slices([exponents])[0].copy_from_slice(&[3.0, 2.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// let expected = [8.0, 9.0];
    /// assert!(tape.view(y).data().iter().zip(expected).all(|(y, expected): (&f32, f32)| (y - expected).abs() < 1e-5));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn pow(self, exponents: Var<'r>) -> Var<'r> {
        pairwise::record::<Pow>(self, exponents)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| (x[0] * x[0] + 0.5).pow(x[1])).variable([2, 3]).variable([2, 3]),
            Sample::new(|x| (x[0] * x[0] + 0.5).pow(x[1])).variable([2, 1, 3]).variable([4, 1]),
        ]
    }
}
