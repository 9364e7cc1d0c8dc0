//! The rate falls as one over the steps made.

use super::checks::{check_decay_rate, check_rate, check_steps};
use super::passed::passed;
use crate::error::Result;
use crate::optimizers::schedule::Schedule;
use crate::settings::{FromSpec, options};
use crate::spec::Spec;

options! {
    /// rate = initial / (1 + decay_rate · steps / decay_steps), where the quotient is rounded down for a staircase. Keras'
    /// `InverseTimeDecay`.
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[must_use]
    pub struct InverseTimeDecay("InverseTimeDecay") of (initial_learning_rate: f32, decay_steps: usize, decay_rate: f32) {
        /// Whether the rate falls at once after each `decay_steps` steps, instead of in every step. Defaults to `false`.
        value staircase: bool = false,
    }
}

impl InverseTimeDecay {
    /// Falls smoothly, to 1 / (1 + `decay_rate`) in `decay_steps` steps.
    pub fn new(initial_learning_rate: f32, decay_steps: usize, decay_rate: f32) -> InverseTimeDecay {
        InverseTimeDecay::with_defaults(initial_learning_rate, decay_steps, decay_rate)
    }
}

impl Schedule for InverseTimeDecay {
    fn rate(&self, steps: u64) -> f32 {
        let passed = passed(steps, self.decay_steps, self.staircase);
        (f64::from(self.initial_learning_rate) / (1.0 + f64::from(self.decay_rate) * passed)) as f32
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
        let decay = InverseTimeDecay::new(0.1, 30, 0.5);
        vec![Box::new(decay), Box::new(decay.staircase(true))]
    }
}
