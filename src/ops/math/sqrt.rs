//! y = √x, dx = dy / (2y).

use crate::ops::unary::unary;

unary! {
    /// The square root, NaN below 0.
    Sqrt = sqrt(), 1 ns;
    y = |x| x.sqrt();
    dx = |dy, _x, y| 0.5 * dy / y;
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| (x[0] * x[0] + 0.5).sqrt()).variable([3, 5]),
            Sample::new(|x| (x[0] + 2.0).sqrt()).variable([1]),
        ]
    }
}
