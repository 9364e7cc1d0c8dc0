//! y = x · m, dx = dy · m, with m = 0 with probability `rate` and 1 / (1 − rate) otherwise (inverted dropout). The
//! factors m are stored for the backward pass. They depend on positions in the global batch.

use crate::error::Result;
use crate::error::check_setting;
use crate::kernels::dropout;
use crate::shape::Shape;
use crate::sizes;
use crate::tape::{Context, Gradients, Inputs, Mode, Op, Var, arity};

struct Dropout {
    rate: f32,
    /// Whether the elements along the first axis belong to the rows of the batch.
    by_rows: bool,
    mask: Vec<f32>,
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        let [x] = arity(inputs)?;
        check_dropout_rate(self.rate)?;
        self.mask = sizes::zeros(x.sizes())?;
        Ok(x)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], context: Context<'_>) {
        let [x] = inputs.each();
        let first = if self.by_rows { context.first_row() * x.shape().sample().len() } else { 0 };
        dropout::mask(context.key(), self.rate, first, &mut self.mask);
        dropout::apply(&self.mask, &x, y);
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        if let [Some(dx)] = gradients.each() {
            dropout::apply(&self.mask, dy, dx);
        }
    }
}

/// Checks the rate. It must be less than 1, since 1 / (1 − rate) must be finite.
pub(crate) fn check_dropout_rate(rate: f32) -> Result<()> {
    check_setting((0.0..1.0).contains(&rate), "Dropout", "rate", f64::from(rate), "≥ 0 and < 1")
}

impl<'r> Var<'r> {
    /// In training, sets each element to 0 with probability `rate` and divides the others by 1 − rate. In inference,
    /// returns the value unchanged.
    ///
    /// The elements along the first axis belong to the rows of the batch: a tape that computes later rows of a larger batch
    /// ([`Tape::run_rows`](crate::tape::Tape::run_rows)) draws what one tape of the whole batch would draw for them.
    ///
    /// ```
    /// use gradus::{Key, tape::*};
    /// let recorder = Recorder::new(Mode::Training);
    /// let x = recorder.input([4]);
    /// let y = x.dropout(0.5);
    /// let (x, y) = (x.id(), y.id());
    /// let mut tape = recorder.finish()?;
    /// tape.input_slices([x])[0].copy_from_slice(&[1.0; 4]);
    /// tape.run(&Params::new(), Key::from_seed(0))?;
    /// assert!(tape.view(y).data().iter().all(|y| *y == 0.0 || *y == 2.0));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    pub fn dropout(self, rate: f32) -> Var<'r> {
        self.dropout_by(rate, true)
    }

    /// [`dropout`](Var::dropout) of a value that has no batch axis if `by_rows` is `false`.
    pub(crate) fn dropout_by(self, rate: f32, by_rows: bool) -> Var<'r> {
        let recorder = self.recorder();
        match recorder.mode() {
            Mode::Inference => self,
            Mode::Training => recorder.apply(Dropout { rate, by_rows, mask: Vec::new() }, &[self]),
        }
    }
}

#[cfg(test)]
pub(in crate::ops) mod tests {
    use crate::tape::{Mode, ParamGradients, Params, Recorder};
    use crate::testing::Sample;
    use crate::{Key, kernels::reduce};

    pub(crate) fn samples() -> Vec<Sample> {
        vec![Sample::new(|x| x[0].dropout(0.3)).variable([5, 7]), Sample::new(|x| x[0].dropout(0.0)).variable([3])]
    }

    #[test]
    fn a_rate_of_one_is_rejected() {
        let recorder = Recorder::new(Mode::Training);
        let _ = recorder.input([2]).dropout(1.2);
        assert_eq!(recorder.finish().unwrap_err().to_string(), "Dropout: rate must be ≥ 0 and < 1, got 1.2");
    }

    #[test]
    fn the_backward_pass_uses_the_mask_of_the_forward_pass_and_steps_differ() {
        let recorder = Recorder::new(Mode::Training);
        let x = recorder.variable([1000]);
        let y = x.dropout(0.5);
        recorder.minimize(y.sum());
        let (x, y, params) = (x.id(), y.id(), Params::new());
        let mut tape = recorder.finish().unwrap();
        tape.input_mut(x).fill(1.0);
        let mut kept = Vec::new();
        for step in 0..2 {
            tape.run(&params, Key::from_seed(step)).unwrap();
            tape.backward(&params, &mut ParamGradients::new(&params));
            assert_eq!(tape.value(y), tape.gradient(x).unwrap());
            kept.push(reduce::sum(tape.value(y).as_slice().unwrap()));
        }
        assert_ne!(kept[0], kept[1]);
    }
}
