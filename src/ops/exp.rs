//! y = eˣ, dx = dy · y.

use super::unary::unary;
use crate::kernels::math;

unary! {
    /// The exponential function: Keras' activation `exponential`.
    Exp = exp(), 1 ns;
    y = |x| math::exp::<F>(x);
    dx = |dy, _x, y| dy * y;
}

#[cfg(test)]
pub(super) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| x[0].exp()).variable([3, 5]), Sample::new(|x| x[0].exp()).variable([1])]
    }
}
