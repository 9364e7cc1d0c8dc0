//! y = x · σ(x) (Ramachandran et al. 2017), dx = dy · σ(x) · (1 + x · (1 − σ(x))).

use crate::kernels::math;
use crate::ops::unary::unary;

unary! {
    /// The sigmoid linear unit, also called swish.
    Silu = silu(), 1 ns;
    y = |x| x * math::sigmoid::<F>(x);
    dx = |dy, x, _y| {
        let s = math::sigmoid::<F>(x);
        dy * (s * (1.0 + x * (1.0 - s)))
    };
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| x[0].silu()).variable([3, 5]), Sample::new(|x| (x[0] * 5.0).silu()).variable([17])]
    }
}
