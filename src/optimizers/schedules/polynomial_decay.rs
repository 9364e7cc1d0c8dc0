//! Polynomial decay to a final learning rate.

use super::checks::{check_rate, check_steps};
use crate::error::{Result, check_setting};
use crate::kernels::double;
use crate::optimizers::schedule::Schedule;
use crate::settings::{FromSpec, options};
use crate::spec::Spec;

options! {
    /// Polynomial decay: rate = (initial − end) · (1 − steps / decay_steps)^power + end, and `end` after `decay_steps` steps.
    /// `PolynomialDecay` in Keras.
    ///
    /// With cycles, `decay_steps` in the formula is replaced by its next multiple ≥ steps, so that the learning rate rises
    /// again after each multiple.
    ///
    /// ```
    /// use gradus::optimizers::schedules::{PolynomialDecay, Schedule};
    /// let decay = PolynomialDecay::new(1.0, 10).end_learning_rate(0.5);
    /// assert_eq!([0, 5, 10, 99].map(|steps| decay.rate(steps)), [1.0, 0.75, 0.5, 0.5]);
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a setting is out of range.
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[must_use]
    pub struct PolynomialDecay("PolynomialDecay") of (initial_learning_rate: f32, decay_steps: usize) {
        /// Learning rate at the end of the decay, finite and ≥ 0. Defaults to 0.0001.
        value end_learning_rate: f32 = 1e-4,
        /// Power of the polynomial, finite and > 0. Defaults to 1, linear decay. A larger power decays faster at the start.
        value power: f32 = 1.0,
        /// Whether the decay starts again after each `decay_steps` steps, each time from a lower learning rate. Defaults to
        /// `false`.
        value cycle: bool = false,
    }
}

impl PolynomialDecay {
    /// Creates a linear decay to 0.0001, as in Keras, from the initial learning rate, finite and ≥ 0, and the number of steps,
    /// at least 1.
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
