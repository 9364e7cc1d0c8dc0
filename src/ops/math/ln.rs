//! y = ln x, dx = dy / x.

use crate::kernels::double;
use crate::ops::unary::unary;

unary! {
    /// The natural logarithm: −∞ at 0, NaN below. Keras' `log`.
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
