//! One-cycle policy: the learning rate rises to a maximum and falls far below its initial value.

use super::checks::{check_rate, check_steps};
use crate::error::{Result, check_setting};
use crate::kernels::double;
use crate::optimizers::schedule::Schedule;
use crate::settings::{FromSpec, options};
use crate::spec::Spec;

options! {
    /// One-cycle policy: the learning rate rises from max / div_factor to max in the first phase, and falls to
    /// max / (div_factor · final_div_factor) in the second one, each along half a cosine wave (Smith and Topin 2018).
    ///
    /// The phases end after start_share · total_steps − 1 and total_steps − 1 completed steps. `OneCycleLR` in PyTorch, with
    /// two phases and without cycled momentum; Keras has no counterpart. PyTorch raises an error after `total_steps` steps;
    /// this schedule keeps the last learning rate.
    ///
    /// ```
    /// use gradus::optimizers::schedules::{OneCycle, Schedule};
    /// let cycle = OneCycle::new(0.5, 100);
    /// assert_eq!(cycle.rate(29), 0.5);
    /// assert!((cycle.rate(0) - 0.02).abs() < 1e-6 && cycle.rate(99) < 1e-5);
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a setting is out of range.
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[must_use]
    pub struct OneCycle("OneCycle") of (max_learning_rate: f32, total_steps: usize) {
        /// Proportion of the steps in the first phase, 0 ≤ share ≤ 1. `pct_start` in PyTorch. Defaults to 0.3.
        value start_share: f32 = 0.3,
        /// Ratio of the maximum to the initial learning rate, finite and > 0. Defaults to 25.
        value div_factor: f32 = 25.0,
        /// Ratio of the initial learning rate to the final one, finite and > 0. Defaults to 10⁴.
        value final_div_factor: f32 = 1e4,
    }
}

impl OneCycle {
    /// Creates the schedule with the defaults of PyTorch, from the maximum learning rate, finite and ≥ 0, and the number of
    /// steps, at least 1.
    pub fn new(max_learning_rate: f32, total_steps: usize) -> OneCycle {
        OneCycle::with_defaults(max_learning_rate, total_steps)
    }
}

/// Half a cosine wave from `start` to `end`, for `share` from 0 to 1.
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
