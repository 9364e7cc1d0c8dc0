//! y = erf x = 2/√π · ∫₀ˣ exp(−t²) dt, dx = dy · 2/√π · exp(−x²).

use crate::kernels::{self, double};
use crate::ops::unary::unary;

unary! {
    /// The error function.
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
