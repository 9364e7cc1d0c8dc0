//! y = x · m, dx = dy · m, with m = 0 with probability `rate` and 1 / (1 − rate) otherwise (inverted dropout). The
//! multiplier itself is kept, so that both directions scale alike.

use crate::error::Result;
use crate::error::check_setting;
use crate::kernels::dropout;
use crate::shape::Shape;
use crate::sizes;
use crate::tape::{Context, Gradients, Inputs, Mode, Op, Var, arity};

struct Dropout {
    rate: f32,
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
        dropout::mask(context.key(), self.rate, &mut self.mask);
        dropout::apply(&self.mask, &x, y);
    }

    fn backward(&mut self, _inputs: Inputs<'_>, _y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        if let [Some(dx)] = gradients.each() {
            dropout::apply(&self.mask, dy, dx);
        }
    }
}

/// Below 1, as nothing would be left to scale up.
pub(crate) fn check_dropout_rate(rate: f32) -> Result<()> {
    check_setting((0.0..1.0).contains(&rate), "Dropout", "rate", f64::from(rate), "≥ 0 and < 1")
}

impl<'r> Var<'r> {
    /// Drops each element with probability `rate` and scales up the others; while inferring, the value itself.
    pub fn dropout(self, rate: f32) -> Var<'r> {
        let recorder = self.recorder();
        match recorder.mode() {
            Mode::Inference => self,
            Mode::Training => recorder.apply(Dropout { rate, mask: Vec::new() }, &[self]),
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
    fn a_rate_of_one_is_refused() {
        let recorder = Recorder::new(Mode::Training);
        let _ = recorder.input([2]).dropout(1.2);
        assert_eq!(recorder.finish().unwrap_err().to_string(), "Dropout: rate must be ≥ 0 and < 1, got 1.2");
    }

    #[test]
    fn both_directions_scale_alike_and_steps_differ() {
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
