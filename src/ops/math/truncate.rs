//! y = x without what stands behind the point, dx = 0.

use crate::ops::unary::unary;

unary! {
    /// The whole number next to x on the side of 0.
    Truncate = truncate(), 1 ns;
    y = |x| x.trunc();
    dx = |_dy, _x, _y| 0.0;
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| (x[0] + 1.5).truncate() * x[0]).variable([3, 5])]
    }
}
