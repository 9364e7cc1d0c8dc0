//! y = min(max(x + 3, 0), 6) / 6, dx = dy / 6 between −3 and 3, and 0 outside.

use crate::ops::unary::unary;

unary! {
    /// The sigmoid made of three straight lines, as Keras 3 has it.
    HardSigmoid = hard_sigmoid(), 1 ns;
    y = |x| {
        let above = if x + 3.0 < 0.0 { 0.0 } else { x + 3.0 };
        (if above > 6.0 { 6.0 } else { above }) * SIXTH
    };
    dx = |dy, x, _y| if x <= -3.0 || x >= 3.0 { 0.0 } else { dy * SIXTH };
}

const SIXTH: f32 = 1.0 / 6.0;

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| (x[0] * 10.0).hard_sigmoid()).variable([3, 5]),
            Sample::new(|x| x[0].hard_sigmoid()).variable([1]),
        ]
    }
}
