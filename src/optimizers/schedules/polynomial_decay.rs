//! The rate falls along a polynomial to its end.

use super::checks::{check_rate, check_steps};
use crate::error::{Result, check_setting};
use crate::kernels::double;
use crate::optimizers::schedule::Schedule;
use crate::settings::{FromSpec, options};
use crate::spec::Spec;

options! {
    /// rate = (initial − end) · (1 − steps / decay_steps)^power + end, and `end` from then on. Keras' `PolynomialDecay`.
    ///
    /// If it cycles, the next multiple of `decay_steps` stands in the place of `decay_steps`, so that the rate jumps up
    /// after each.
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[must_use]
    pub struct PolynomialDecay("PolynomialDecay") of (initial_learning_rate: f32, decay_steps: usize) {
        /// Learning rate at the end of the decay, ≥ 0. Defaults to 0.0001.
        value end_learning_rate: f32 = 1e-4,
        /// Power of the polynomial, > 0. Defaults to 1, a straight line. A larger power falls faster at the start.
        value power: f32 = 1.0,
        /// Whether the decay starts again after each `decay_steps` steps, each time from a lower rate. Defaults to `false`.
        value cycle: bool = false,
    }
}

impl PolynomialDecay {
    /// A straight line to 0.0001, as in Keras.
    pub fn new(initial_learning_rate: f32, decay_steps: usize) -> PolynomialDecay {
        PolynomialDecay::with_defaults(initial_learning_rate, decay_steps)
    }
}

impl Schedule for PolynomialDecay {
    fn rate(&self, steps: u64) -> f32 {
        let decay_steps = self.decay_steps as u64;
        let [initial, end, power] = [self.initial_learning_rate, self.end_learning_rate, self.power].map(f64::from);
        let passed = match self.cycle {
            true => steps as f64 / (decay_steps as f64 * steps.div_ceil(decay_steps).max(1) as f64),
            false => steps.min(decay_steps) as f64 / decay_steps as f64,
        };
        ((initial - end) * double::power((1.0 - passed).max(0.0), power) + end) as f32
    }

    fn check(&self) -> Result<()> {
        check_rate(Self::CLASS, "initial_learning_rate", self.initial_learning_rate)?;
        check_steps(Self::CLASS, "decay_steps", self.decay_steps)?;
        check_rate(Self::CLASS, "end_learning_rate", self.end_learning_rate)?;
        let fits = self.power.is_finite() && self.power > 0.0;
        check_setting(fits, Self::CLASS, "power", f64::from(self.power), "finite and > 0")
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Schedule>> {
        let decay = PolynomialDecay::new(0.1, 30);
        vec![Box::new(decay), Box::new(decay.power(0.5).end_learning_rate(0.01).cycle(true))]
    }
}
