//! Label smoothing: the setting, and what it does to targets.

use crate::error::{Result, check_setting};
use crate::settings::Settings;
use crate::tape::Var;

/// Smoothed targets: t · (1 − smoothing) + smoothing / classes.
pub(super) fn smoothed<'r>(target: Var<'r>, smoothing: f32, classes: usize) -> Var<'r> {
    if smoothing == 0.0 { target } else { target * (1.0 - smoothing) + smoothing / classes as f32 }
}

/// Checks the setting `label_smoothing` of the loss `owner`.
pub(super) fn check_smoothing(owner: &'static str, smoothing: f32) -> Result<()> {
    let fits = (0.0..=1.0).contains(&smoothing);
    check_setting(fits, owner, "label_smoothing", f64::from(smoothing), "≥ 0 and ≤ 1")
}

/// Reads `label_smoothing`, or 0 if it is missing, as in files that are older than the setting.
pub(super) fn read_smoothing(settings: &mut Settings<'_>) -> Result<f32> {
    if settings.has("label_smoothing") { settings.number("label_smoothing") } else { Ok(0.0) }
}
