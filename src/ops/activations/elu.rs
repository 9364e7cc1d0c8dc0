//! y = x where x > 0 and alpha · (eˣ − 1) elsewhere (Clevert et al. 2016); dx = dy, and dy · (y + alpha) elsewhere.

use crate::kernels::double;
use crate::ops::unary::unary;

unary! {
    /// The exponential linear unit; Keras' alpha is 1.
    Elu = elu(alpha: f32 = 1.0), 3 ns;
    y = |x| if x > 0.0 { x } else { (f64::from(alpha) * double::exp_m1(f64::from(x))) as f32 };
    dx = |dy, x, y| if x > 0.0 { dy } else { dy * (y + alpha) };
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| x[0].elu(1.0)).variable([3, 5]), Sample::new(|x| x[0].elu(0.2)).variable([1])]
    }
}
