//! Euclidean norms of the vectors along axes of a weight array.

use crate::axes::Axes;
use crate::error::{Result, check_setting};
use crate::tape::Var;

/// Constant added to a norm before a division by it, as in Keras.
const EPSILON: f32 = 1e-7;

/// The norms of the vectors along the axes, whose sizes become 1.
pub(super) fn norms<'r>(weights: Var<'r>, axes: &Axes) -> Var<'r> {
    (weights * weights).sum_axes(axes.numbers(), true).sqrt()
}

/// The weights, scaled from these norms to others.
pub(super) fn scaled<'r>(weights: Var<'r>, norms: Var<'r>, desired: Var<'r>) -> Var<'r> {
    weights * (desired / (norms + EPSILON))
}

/// The weights divided by their norms.
pub(super) fn normalized<'r>(weights: Var<'r>, norms: Var<'r>) -> Var<'r> {
    weights / (norms + EPSILON)
}

/// Checks a bound of norms.
pub(super) fn check_bound(owner: &'static str, name: &'static str, bound: f32) -> Result<()> {
    check_setting(bound.is_finite() && bound >= 0.0, owner, name, f64::from(bound), "finite and ≥ 0")
}
