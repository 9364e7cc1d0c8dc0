//! The rate falls along half a wave, perhaps after a straight rise.

use super::{Schedule, check_rate, check_steps};
use crate::error::Result;
use crate::kernels::double;
use crate::settings::{FromSpec, Settings};
use crate::spec::Spec;

/// rate = start · ((1 − alpha) · ½ · (1 + cos(π · steps / decay_steps)) + alpha), and start · alpha from then on
/// (Loshchilov and Hutter 2017). Keras' `CosineDecay`.
///
/// With a warm-up, the rate first rises in a straight line from `initial_learning_rate` to the target in `warmup_steps`
/// steps; the target is then where the decay starts.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct CosineDecay {
    initial_learning_rate: f32,
    decay_steps: usize,
    alpha: f32,
    warmup: Option<(f32, usize)>,
}

impl CosineDecay {
    /// From `initial_learning_rate` to 0 in `decay_steps` steps.
    pub fn new(initial_learning_rate: f32, decay_steps: usize) -> CosineDecay {
        CosineDecay { initial_learning_rate, decay_steps, alpha: 0.0, warmup: None }
    }

    /// Where it ends, as a share of where the decay starts.
    pub fn alpha(mut self, alpha: f32) -> CosineDecay {
        self.alpha = alpha;
        self
    }

    /// Rises to `target` in `steps` steps first. Keras' `warmup_target` and `warmup_steps`.
    pub fn warmup(mut self, target: f32, steps: usize) -> CosineDecay {
        self.warmup = Some((target, steps));
        self
    }
}

impl Schedule for CosineDecay {
    fn rate(&self, steps: u64) -> f32 {
        let initial = f64::from(self.initial_learning_rate);
        let (start, warmup_steps) = match self.warmup {
            Some((target, warmup_steps)) => (f64::from(target), warmup_steps as u64),
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
        self.warmup.map_or(Ok(()), |(target, _)| check_rate(Self::CLASS, "warmup_target", target))
    }

    fn spec(&self) -> Spec {
        let spec = Spec::new(Self::CLASS).with("initial_learning_rate", self.initial_learning_rate);
        let spec = spec.with("decay_steps", self.decay_steps).with("alpha", self.alpha);
        match self.warmup {
            Some((target, steps)) => spec.with("warmup_target", target).with("warmup_steps", steps),
            None => spec,
        }
    }
}

impl FromSpec for CosineDecay {
    const CLASS: &'static str = "CosineDecay";

    fn from_spec(settings: &mut Settings<'_>) -> Result<CosineDecay> {
        let warmup = settings.has("warmup_target");
        Ok(CosineDecay {
            initial_learning_rate: settings.number("initial_learning_rate")?,
            decay_steps: settings.size("decay_steps")?,
            alpha: settings.number("alpha")?,
            warmup: if warmup {
                Some((settings.number("warmup_target")?, settings.size("warmup_steps")?))
            } else {
                None
            },
        })
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
