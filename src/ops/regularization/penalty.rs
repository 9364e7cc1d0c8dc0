//! y = l1 · Σ |x| + l2 · Σ x², dx = dy · (l1 · sign x + 2 · l2 · x), where sign 0 = 0.

use crate::error::Result;
use crate::error::check_setting;
use crate::kernels::penalty::Penalty;
use crate::shape::Shape;
use crate::tape::{Context, Gradients, Inputs, Op, Var, arity};

struct PenaltyOf {
    factors: Penalty,
}

impl Op for PenaltyOf {
    fn name(&self) -> &'static str {
        "penalty"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [_] = arity(inputs)?;
        for (name, factor) in [("l1", self.factors.l1), ("l2", self.factors.l2)] {
            check_penalty_factor("penalty", name, factor)?;
        }
        Ok(Shape::SCALAR)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], _context: Context<'_>) {
        let [x] = inputs.each();
        y[0] = self.factors.sum(&x) as f32;
    }

    fn backward(&mut self, inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        if let ([x], [Some(dx)]) = (inputs.each(), gradients.each()) {
            self.factors.backward(&x, dy[0], dx);
        }
    }
}

/// Checks a factor. Keras accepts negative factors, with which weights diverge.
pub(crate) fn check_penalty_factor(owner: &'static str, name: &'static str, factor: f32) -> Result<()> {
    let fits = factor.is_finite() && factor >= 0.0;
    check_setting(fits, owner, name, f64::from(factor), "finite and ≥ 0")
}

impl<'r> Var<'r> {
    /// The penalty l1 · Σ |x| + l2 · Σ x², a scalar to add to a loss, of the [regularizers](crate::regularizers) L1, L2 and
    /// L1L2. The factors must be finite and ≥ 0.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Inference);
    /// let x = recorder.input([2]);
    /// let y = x.penalty(0.5, 0.25);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0, -2.0]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert_eq!(tape.view(y).data(), [2.75]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn penalty(self, l1: f32, l2: f32) -> Var<'r> {
        self.recorder().apply(PenaltyOf { factors: Penalty { l1, l2 } }, &[self])
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::tape::{Mode, Recorder};
    use crate::testing::Sample;

    pub(crate) fn samples() -> Vec<Sample> {
        vec![
            Sample::new(|x| x[0].penalty(0.5, 0.0)).variable([3, 5]),
            Sample::new(|x| x[0].penalty(0.0, 0.5) * 2.0).variable([2, 3, 3]),
            Sample::new(|x| x[0].penalty(0.25, 0.5)).variable([]),
        ]
    }

    #[test]
    fn an_infinite_factor_is_rejected() {
        let recorder = Recorder::new(Mode::Training);
        let _ = recorder.variable([3]).penalty(0.0, f32::INFINITY);
        let message = recorder.finish().unwrap_err().to_string();
        assert_eq!(message, "penalty: l2 must be finite and ≥ 0, got inf");
    }
}
