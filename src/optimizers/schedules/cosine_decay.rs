//! Cosine decay with an optional linear warm-up.

use super::checks::{check_rate, check_steps};
use crate::error::Result;
use crate::kernels::double;
use crate::optimizers::schedule::Schedule;
use crate::settings::{FromSpec, OptionValue, Settings, options};
use crate::spec::Spec;

options! {
    /// Cosine decay: rate = start · ((1 − alpha) · ½ · (1 + cos(π · steps / decay_steps)) + alpha), and start · alpha after
    /// `decay_steps` steps (Loshchilov and Hutter 2017). `CosineDecay` in Keras.
    ///
    /// Without a [`warmup`](CosineDecay::warmup), start is the initial learning rate. With one, the learning rate rises
    /// linearly from the initial learning rate to the target, which is the start of the decay after it.
    ///
    /// ```
    /// use gradus::optimizers::schedules::{CosineDecay, Schedule};
    /// let decay = CosineDecay::new(0.0, 10).warmup(0.5, 4);
    /// assert_eq!([0, 2, 4, 9, 14, 99].map(|steps| decay.rate(steps)), [0.0, 0.25, 0.5, 0.25, 0.0, 0.0]);
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a setting is out of range.
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[must_use]
    pub struct CosineDecay("CosineDecay") of (initial_learning_rate: f32, decay_steps: usize) {
        /// Final learning rate as a proportion of that at the start of the decay, finite and ≥ 0. Defaults to 0.
        value alpha: f32 = 0.0,
        /// Warm-up before the decay. Defaults to none.
        field warmup: Option<Warmup> = None,
    }
}

/// A linear increase to `target` in `steps` steps.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Warmup {
    target: f32,
    steps: usize,
}

impl OptionValue for Warmup {
    fn write(&self, _name: &'static str, spec: Spec) -> Spec {
        spec.with("warmup_target", self.target).with("warmup_steps", self.steps)
    }

    fn read(_name: &'static str, settings: &mut Settings<'_>) -> Result<Warmup> {
        Ok(Warmup { target: settings.float("warmup_target")?, steps: settings.uint("warmup_steps")? })
    }

    fn is_in(_name: &'static str, settings: &Settings<'_>) -> bool {
        settings.has("warmup_target") || settings.has("warmup_steps")
    }

    fn names(_name: &'static str) -> Vec<&'static str> {
        vec!["warmup_target", "warmup_steps"]
    }
}

impl CosineDecay {
    /// Creates a decay to 0 without warm-up, from the initial learning rate, finite and ≥ 0, and the number of steps, at least
    /// 1.
    pub fn new(initial_learning_rate: f32, decay_steps: usize) -> CosineDecay {
        CosineDecay::with_defaults(initial_learning_rate, decay_steps)
    }

    /// Increases the learning rate linearly to `target`, finite and ≥ 0, in the first `steps` steps, before the decay.
    /// Defaults to no warm-up. `warmup_target` and `warmup_steps` in Keras.
    pub fn warmup(mut self, target: f32, steps: usize) -> CosineDecay {
        self.warmup = Some(Warmup { target, steps });
        self
    }
}

impl Schedule for CosineDecay {
    fn rate(&self, steps: u64) -> f32 {
        let initial = f64::from(self.initial_learning_rate);
        let (start, warmup_steps) = match self.warmup {
            Some(Warmup { target, steps }) => (f64::from(target), steps as u64),
            None => (initial, 0),
        };
        if steps < warmup_steps {
            return ((start - initial) * (steps as f64 / warmup_steps as f64) + initial) as f32;
        }
        let (decayed, alpha) = ((steps - warmup_steps).min(self.decay_steps as u64), f64::from(self.alpha));
        let wave = 0.5 * (1.0 + double::cos_pi(decayed as f64 / self.decay_steps as f64));
        (start * ((1.0 - alpha) * wave + alpha)) as f32
    }

    fn check(&self) -> Result<()> {
        check_rate(Self::CLASS, "initial_learning_rate", self.initial_learning_rate)?;
        check_steps(Self::CLASS, "decay_steps", self.decay_steps)?;
        check_rate(Self::CLASS, "alpha", self.alpha)?;
        self.warmup.map_or(Ok(()), |warmup| check_rate(Self::CLASS, "warmup_target", warmup.target))
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Schedule>> {
        let decay = CosineDecay::new(0.1, 30);
        vec![Box::new(decay), Box::new(decay.alpha(0.25).warmup(0.5, 7))]
    }

    #[test]
    fn the_ends_are_exact() {
        let decay = CosineDecay::new(0.0, 10).warmup(0.5, 4);
        assert_eq!([0, 2, 4, 9, 14, 99].map(|steps| decay.rate(steps)), [0.0, 0.25, 0.5, 0.25, 0.0, 0.0]);
    }
}
