//! y = min(a, b), whose gradient goes to the smaller, and by halves to both where they are equal.

use crate::ops::pairwise::{self, Pairwise};
use crate::tape::Var;

struct Minimum;

impl Pairwise for Minimum {
    const NAME: &'static str = "minimum";

    #[inline(always)]
    fn value(a: f32, b: f32) -> f32 {
        if a < b || a.is_nan() { a } else { b }
    }

    #[inline(always)]
    fn gradient_a(dy: f32, a: f32, b: f32) -> f32 {
        if a < b {
            dy
        } else if a == b {
            0.5 * dy
        } else {
            0.0
        }
    }

    #[inline(always)]
    fn gradient_b(dy: f32, a: f32, b: f32) -> f32 {
        if b < a {
            dy
        } else if a == b {
            0.5 * dy
        } else {
            0.0
        }
    }
}

impl<'r> Var<'r> {
    /// The smaller of two elements, with NumPy's broadcasting; NaN where one of them is.
    pub fn minimum(self, other: Var<'r>) -> Var<'r> {
        pairwise::record::<Minimum>(self, other)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].minimum(x[1] + 0.03)).variable([2, 3]).variable([2, 3]),
            Sample::new(|x| x[0].minimum(x[1] + 0.03)).variable([2, 1, 3]).variable([4, 1]),
            Sample::new(|x| x[0].minimum(x[0])).variable([5]),
        ]
    }
}
