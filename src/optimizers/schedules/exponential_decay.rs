//! The rate falls by the same factor every so many steps.

use super::{Schedule, check_decay_rate, check_rate, check_steps, passed};
use crate::error::Result;
use crate::kernels::double;
use crate::settings::{FromSpec, Settings};
use crate::spec::Spec;

/// rate = initial · decay_rate^(steps / decay_steps), where the exponent is rounded down for a staircase. Keras'
/// `ExponentialDecay`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct ExponentialDecay {
    initial_learning_rate: f32,
    decay_steps: usize,
    decay_rate: f32,
    staircase: bool,
}

impl ExponentialDecay {
    /// Falls smoothly, by the factor `decay_rate` in `decay_steps` steps.
    pub fn new(initial_learning_rate: f32, decay_steps: usize, decay_rate: f32) -> ExponentialDecay {
        ExponentialDecay { initial_learning_rate, decay_steps, decay_rate, staircase: false }
    }

    /// Whether it falls at once after each `decay_steps` steps instead.
    pub fn staircase(mut self, staircase: bool) -> ExponentialDecay {
        self.staircase = staircase;
        self
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
        let spec = Spec::new(Self::CLASS).with("initial_learning_rate", self.initial_learning_rate);
        let spec = spec.with("decay_steps", self.decay_steps).with("decay_rate", self.decay_rate);
        spec.with("staircase", self.staircase)
    }
}

impl FromSpec for ExponentialDecay {
    const CLASS: &'static str = "ExponentialDecay";

    fn from_spec(settings: &mut Settings<'_>) -> Result<ExponentialDecay> {
        Ok(ExponentialDecay {
            initial_learning_rate: settings.number("initial_learning_rate")?,
            decay_steps: settings.size("decay_steps")?,
            decay_rate: settings.number("decay_rate")?,
            staircase: settings.flag("staircase")?,
        })
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
