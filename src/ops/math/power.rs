//! y = xᵖ with a constant p, dx = dy · p · xᵖ⁻¹.

use crate::kernels::double;
use crate::ops::unary::unary;

unary! {
    /// Every element to a constant power: NaN where it is negative and the exponent is not whole. 0⁰ = 1.
    Power = power(exponent: f32 = 2.5), 5 ns;
    y = |x| double::power(f64::from(x), f64::from(exponent)) as f32;
    dx = |dy, x, _y| {
        let p = f64::from(exponent);
        // x⁰ is 1 everywhere, also where x⁻¹ is not a number.
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
