//! y = x / (1 + |x|), dx = dy / (1 + |x|)².

use crate::ops::unary::unary;

unary! {
    /// A sigmoid between −1 and 1 with slow tails.
    Softsign = softsign(), 1 ns;
    y = |x| x / (1.0 + x.abs());
    dx = |dy, x, _y| {
        let size = 1.0 + x.abs();
        dy / (size * size)
    };
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| x[0].softsign()).variable([3, 5]), Sample::new(|x| x[0].softsign()).variable([1])]
    }
}
