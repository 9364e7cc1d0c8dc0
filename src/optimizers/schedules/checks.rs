//! Checks of the settings of schedules.

use crate::error::{Result, check_setting};

pub(super) fn check_rate(owner: &'static str, name: &'static str, rate: f32) -> Result<()> {
    check_setting(rate.is_finite() && rate >= 0.0, owner, name, f64::from(rate), "finite and ≥ 0")
}

pub(super) fn check_steps(owner: &'static str, name: &'static str, steps: usize) -> Result<()> {
    check_setting(steps > 0, owner, name, steps, "at least 1")
}

pub(super) fn check_decay_rate(owner: &'static str, rate: f32) -> Result<()> {
    check_setting(rate.is_finite() && rate >= 0.0, owner, "decay_rate", f64::from(rate), "finite and ≥ 0")
}
