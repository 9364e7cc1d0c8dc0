//! y = eˣ, dx = dy · y.

use crate::kernels::math;
use crate::ops::unary::unary;

unary! {
    /// The exponential function: Keras' activation `exponential`.
    Exp = exp(), 1 ns;
    y = |x| math::exp::<F>(x);
    dx = |dy, _x, y| dy * y;
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| x[0].exp()).variable([3, 5]), Sample::new(|x| x[0].exp()).variable([1])]
    }
}
