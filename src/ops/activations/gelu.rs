//! y = x · Φ(x) with the standard normal distribution Φ (Hendrycks and Gimpel 2016), dx = dy · (Φ(x) + x · φ(x)); and the
//! form with tanh: y = ½ · x · (1 + tanh u) = x · σ(2u) with u = √(2/π) · (x + 0.044715 · x³),
//! dx = dy · (σ(2u) + x · σ(2u) · (1 − σ(2u)) · 2u′).

use crate::kernels::{erf, math};
use crate::ops::unary::unary;

unary! {
    /// The Gaussian error linear unit: Keras' activation `gelu`.
    Gelu = gelu(), 5 ns;
    y = |x| (f64::from(x) * erf::normal(f64::from(x))) as f32;
    dx = |dy, x, _y| {
        let x = f64::from(x);
        (f64::from(dy) * (erf::normal(x) + x * erf::normal_density(x))) as f32
    };
}

unary! {
    /// Its approximation by tanh, that of Keras' `gelu(x, approximate=True)`.
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

/// 2u, whose sigmoid is ½ · (1 + tanh u) and does not cancel where x is far below 0.
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
