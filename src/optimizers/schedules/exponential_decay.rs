//! Exponential decay: the learning rate is multiplied by a constant factor in equal intervals.

use super::checks::{check_decay_rate, check_rate, check_steps};
use super::passed::passed;
use crate::error::Result;
use crate::kernels::double;
use crate::optimizers::schedule::Schedule;
use crate::settings::{FromSpec, options};
use crate::spec::Spec;

options! {
    /// Exponential decay: rate = initial_learning_rate · decay_rate^(steps / decay_steps). `ExponentialDecay` in Keras.
    ///
    /// With [`staircase`](ExponentialDecay::staircase), the exponent is rounded down.
    ///
    /// ```
    /// use gradus::optimizers::schedules::{ExponentialDecay, Schedule};
    /// let decay = ExponentialDecay::new(0.5, 10, 0.25).staircase(true);
    /// assert_eq!([0, 9, 10, 20].map(|steps| decay.rate(steps)), [0.5, 0.5, 0.125, 0.03125]);
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a setting is out of range.
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[must_use]
    pub struct ExponentialDecay("ExponentialDecay") of (initial_learning_rate: f32, decay_steps: usize, decay_rate: f32) {
        /// Whether the learning rate changes only after each `decay_steps` steps instead of in each step. Defaults to `false`.
        value staircase: bool = false,
    }
}

impl ExponentialDecay {
    /// Creates the schedule from its initial learning rate, finite and ≥ 0, the number of steps in which it is multiplied by
    /// `decay_rate`, at least 1, and the decay rate, finite and ≥ 0.
    pub fn new(initial_learning_rate: f32, decay_steps: usize, decay_rate: f32) -> ExponentialDecay {
        ExponentialDecay::with_defaults(initial_learning_rate, decay_steps, decay_rate)
    }
}

impl Schedule for ExponentialDecay {
    fn rate(&self, steps: u64) -> f32 {
        let passed = passed(steps, self.decay_steps, self.staircase);
        (f64::from(self.initial_learning_rate) * double::power(f64::from(self.decay_rate), passed)) as f32
    }

    fn check(&self) -> Result<()> {
        check_rate(Self::CLASS, "initial_learning_rate", self.initial_learning_rate)?;
        check_steps(Self::CLASS, "decay_steps", self.decay_steps)?;
        check_decay_rate(Self::CLASS, self.decay_rate)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Schedule>> {
        let decay = ExponentialDecay::new(0.1, 30, 0.5);
        vec![Box::new(decay), Box::new(decay.staircase(true))]
    }
}
