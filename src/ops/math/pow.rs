//! y = aᵇ, da = dy · b · aᵇ⁻¹, db = dy · aᵇ · ln a, which is 0 where a is.

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
        // a⁰ is 1 everywhere, also where a⁻¹ is not a number.
        if b == 0.0 { 0.0 } else { dy * (f64::from(b) * double::power(f64::from(a), f64::from(b) - 1.0)) as f32 }
    }

    fn gradient_b(dy: f32, a: f32, b: f32) -> f32 {
        if a == 0.0 { 0.0 } else { dy * (double::power(f64::from(a), f64::from(b)) * double::ln(f64::from(a))) as f32 }
    }
}

impl<'r> Var<'r> {
    /// Every element to the power of another, with NumPy's broadcasting: NaN where it is negative and the exponent is not
    /// whole. Keras' `power` of two tensors.
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
