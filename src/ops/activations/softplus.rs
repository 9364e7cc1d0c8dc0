//! y = ln(1 + eˣ), dx = dy · σ(x).

use crate::kernels::{double, math};
use crate::ops::unary::unary;

unary! {
    /// The smooth rectifier.
    Softplus = softplus(), 5 ns;
    y = |x| double::softplus(f64::from(x)) as f32;
    dx = |dy, x, _y| dy * math::sigmoid::<F>(x);
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| x[0].softplus()).variable([3, 5]), Sample::new(|x| (x[0] * 5.0).softplus()).variable([17])]
    }
}
