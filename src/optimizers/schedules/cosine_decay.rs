//! The rate falls along half a wave, perhaps after a straight rise.

use super::checks::{check_rate, check_steps};
use crate::error::Result;
use crate::kernels::double;
use crate::optimizers::schedule::Schedule;
use crate::settings::{FromSpec, OptionValue, Settings, options};
use crate::spec::Spec;

options! {
    /// rate = start · ((1 − alpha) · ½ · (1 + cos(π · steps / decay_steps)) + alpha), and start · alpha from then on
    /// (Loshchilov and Hutter 2017). Keras' `CosineDecay`.
    ///
    /// With a warm-up, the rate first rises in a straight line from `initial_learning_rate` to the target in `warmup_steps`
    /// steps; the target is then where the decay starts.
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[must_use]
    pub struct CosineDecay("CosineDecay") of (initial_learning_rate: f32, decay_steps: usize) {
        /// Final rate, as a proportion of the rate at which the decay starts, ≥ 0. Defaults to 0.
        value alpha: f32 = 0.0,
        /// The warm-up before the decay; none by default.
        field warmup: Option<Warmup> = None,
    }
}

/// A rise in a straight line to `target` in `steps` steps.
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
        Ok(Warmup { target: settings.number("warmup_target")?, steps: settings.size("warmup_steps")? })
    }

    fn is_in(_name: &'static str, settings: &Settings<'_>) -> bool {
        settings.has("warmup_target") || settings.has("warmup_steps")
    }

    fn names(_name: &'static str) -> Vec<&'static str> {
        vec!["warmup_target", "warmup_steps"]
    }
}

impl CosineDecay {
    /// From `initial_learning_rate` to 0 in `decay_steps` steps.
    pub fn new(initial_learning_rate: f32, decay_steps: usize) -> CosineDecay {
        CosineDecay::with_defaults(initial_learning_rate, decay_steps)
    }

    /// Raises the rate to `target` in the first `steps` steps, before the decay. Keras' `warmup_target` and `warmup_steps`.
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
