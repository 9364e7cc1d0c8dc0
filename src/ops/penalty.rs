//! y = l1 · Σ |x| + l2 · Σ x², dx = dy · (l1 · sign x + 2 · l2 · x), the sign of 0 being 0.

use crate::kernels::penalty::Penalty;
use crate::regularizer::Regularizer;
use crate::tape::{Gradients, Inputs, Op, Var, arity};
use crate::{Key, Result, Shape};

struct PenaltyOf {
    regularizer: Regularizer,
}

impl PenaltyOf {
    fn factors(&self) -> Penalty {
        let [l1, l2] = self.regularizer.factors();
        Penalty { l1, l2 }
    }
}

impl Op for PenaltyOf {
    fn name(&self) -> &'static str {
        "penalty"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [_] = arity(inputs)?;
        self.regularizer.check().map(|()| Shape::SCALAR)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _key: Key) {
        let [x] = inputs.each();
        y[0] = self.factors().sum(&x) as f32;
    }

    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        if let ([x], [Some(dx)]) = (inputs.each(), gradients.each()) {
            self.factors().backward(&x, dy[0], dx);
        }
    }
}

impl<'r> Var<'r> {
    /// What a regularizer says these weights cost, a scalar to add to a loss.
    pub fn penalty(self, regularizer: Regularizer) -> Var<'r> {
        self.recorder().apply(PenaltyOf { regularizer }, &[self])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].penalty(Regularizer::L1(0.5))).variable([3, 5]),
            Sample::new(|x| x[0].penalty(Regularizer::L2(0.5)) * 2.0).variable([2, 3, 3]),
            Sample::new(|x| x[0].penalty(Regularizer::L1L2 { l1: 0.25, l2: 0.5 })).variable([]),
        ]
    }

    #[test]
    fn a_factor_that_is_none_is_refused() {
        let recorder = Recorder::new(Mode::Training);
        recorder.variable([3]).penalty(Regularizer::L2(f32::INFINITY));
        let message = recorder.finish().unwrap_err().to_string();
        assert_eq!(message, "Regularizer: factor inf is not in 0 ≤ factor, finite");
    }
}
