//! Label smoothing of targets.

use crate::error::{Result, check_setting};
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
