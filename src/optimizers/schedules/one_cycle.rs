//! One cycle: the rate rises to its maximum and falls far below where it began.

use super::checks::{check_rate, check_steps};
use crate::error::{Result, check_setting};
use crate::kernels::double;
use crate::optimizers::schedule::Schedule;
use crate::settings::{FromSpec, options};
use crate::spec::Spec;

options! {
    /// From maximum / div_factor up to the maximum at step start_share · total − 1, then down to maximum / (div_factor ·
    /// final_div_factor) at step total − 1, each along half a wave (Smith and Topin 2018). PyTorch's `OneCycleLR` with two
    /// phases and without cycled momentum. Where PyTorch refuses more steps than `total_steps`, the last rate stays.
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[must_use]
    pub struct OneCycle("OneCycle") of (max_learning_rate: f32, total_steps: usize) {
        /// Proportion of the steps in which the rate rises, 0 ≤ share ≤ 1. PyTorch's `pct_start`. Defaults to 0.3.
        value start_share: f32 = 0.3,
        /// Ratio of the maximum to the first rate, > 0. Defaults to 25.
        value div_factor: f32 = 25.0,
        /// Ratio of the first rate to the last, > 0. Defaults to 10⁴.
        value final_div_factor: f32 = 1e4,
    }
}

impl OneCycle {
    /// Rising for 0.3 of the steps from a 25th of the maximum, and ending at a ten thousandth of that, as in PyTorch.
    pub fn new(max_learning_rate: f32, total_steps: usize) -> OneCycle {
        OneCycle::with_defaults(max_learning_rate, total_steps)
    }
}

/// From `start` to `end` along half a wave, as `share` goes from 0 to 1.
fn wave(start: f64, end: f64, share: f64) -> f64 {
    end + (start - end) / 2.0 * (double::cos_pi(share) + 1.0)
}

impl Schedule for OneCycle {
    fn rate(&self, steps: u64) -> f32 {
        let max = f64::from(self.max_learning_rate);
        let first = max / f64::from(self.div_factor);
        let last = first / f64::from(self.final_div_factor);
        let top = f64::from(self.start_share) * self.total_steps as f64 - 1.0;
        let end = self.total_steps as f64 - 1.0;
        let step = (steps as f64).min(end);
        let rate = if step <= top && top > 0.0 {
            wave(first, max, step / top)
        } else if end > top {
            wave(max, last, (step - top) / (end - top))
        } else {
            last
        };
        rate as f32
    }

    fn check(&self) -> Result<()> {
        check_rate(Self::CLASS, "max_learning_rate", self.max_learning_rate)?;
        check_steps(Self::CLASS, "total_steps", self.total_steps)?;
        let share = f64::from(self.start_share);
        check_setting((0.0..=1.0).contains(&share), Self::CLASS, "start_share", share, "≥ 0 and ≤ 1")?;
        for (name, factor) in [("div_factor", self.div_factor), ("final_div_factor", self.final_div_factor)] {
            check_setting(factor.is_finite() && factor > 0.0, Self::CLASS, name, f64::from(factor), "finite and > 0")?;
        }
        Ok(())
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Schedule>> {
        let cycle = OneCycle::new(0.1, 50);
        let shares = [0.0, 1.0].map(|share| Box::new(cycle.start_share(share)) as Box<dyn Schedule>);
        let short = [1, 2, 3].map(|steps| Box::new(OneCycle::new(0.1, steps)) as Box<dyn Schedule>);
        let steep: Box<dyn Schedule> = Box::new(cycle.div_factor(10.0).final_div_factor(100.0));
        shares.into_iter().chain(short).chain([steep]).collect()
    }
}
