//! y = |x|, dx = dy · sign x, which is 0 at 0.

use crate::ops::unary::unary;

unary! {
    /// The absolute value.
    Absolute = absolute(), 1 ns;
    y = |x| x.abs();
    dx = |dy, x, _y| if x == 0.0 { 0.0 } else { dy * 1f32.copysign(x) };
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| x[0].absolute()).variable([3, 5]), Sample::new(|x| x[0].absolute()).variable([])]
    }
}
