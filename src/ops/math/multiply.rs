//! y = a · b, da = dy · b, db = dy · a; shapes broadcast by NumPy's rule.

use crate::ops::pairwise::{self, Pairwise};
use crate::tape::Var;
use std::ops;

struct Multiply;

impl Pairwise for Multiply {
    const NAME: &'static str = "multiply";

    #[inline(always)]
    fn value(a: f32, b: f32) -> f32 {
        a * b
    }

    #[inline(always)]
    fn gradient_a(dy: f32, _a: f32, b: f32) -> f32 {
        dy * b
    }

    #[inline(always)]
    fn gradient_b(dy: f32, a: f32, _b: f32) -> f32 {
        dy * a
    }
}

impl<'r> ops::Mul for Var<'r> {
    type Output = Var<'r>;

    /// Element by element, with NumPy's broadcasting.
    fn mul(self, other: Var<'r>) -> Var<'r> {
        pairwise::record::<Multiply>(self, other)
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0] * x[1]).variable([2, 3]).variable([2, 3]),
            Sample::new(|x| x[0] * x[1]).variable([2, 1, 3]).variable([4, 1]),
            Sample::new(|x| x[0] * x[1]).variable([]).variable([5]),
            Sample::new(|x| x[0] * x[0]).variable([7]),
        ]
    }
}
