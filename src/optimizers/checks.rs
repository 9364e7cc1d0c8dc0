//! Checks of the settings of optimizers.

use crate::error::{Result, check_setting};
use std::borrow::Cow;

/// Checks a learning rate.
pub(crate) fn check_rate(owner: impl Into<Cow<'static, str>>, rate: f32) -> Result<()> {
    let fits = rate.is_finite() && rate >= 0.0;
    check_setting(fits, owner, "learning_rate", f64::from(rate), "finite and ≥ 0")
}

pub(super) fn check_decay(owner: &'static str, name: &'static str, value: f32) -> Result<()> {
    check_setting((0.0..1.0).contains(&value), owner, name, f64::from(value), "≥ 0 and < 1")
}

pub(super) fn check_epsilon(owner: &'static str, epsilon: f32) -> Result<()> {
    check_setting(epsilon >= 0.0 && epsilon.is_finite(), owner, "epsilon", f64::from(epsilon), "finite and ≥ 0")
}
