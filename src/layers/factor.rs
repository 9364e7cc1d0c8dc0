//! Ranges of random factors.

use crate::error::{Result, check_setting};
use crate::random::Draws;

/// Two numbers, the lower and the upper bound of a range.
pub(crate) type Bounds = [f32; 2];

/// The range of a random factor: one number, or the lower and the upper bound.
///
/// Parameters of type `impl Into<Factor>` accept both. What one number means depends on the layer: the range from 0 to the
/// number, or from its negative to the number.
///
/// ```
/// use gradus::layers::RandomRotation;
/// RandomRotation::new(0.1); // −0.1 to 0.1 turns
/// RandomRotation::new((0.0, 0.25));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Factor {
    /// One number.
    Number(f32),
    /// The two bounds, in either order.
    Range(f32, f32),
}

impl From<f32> for Factor {
    fn from(number: f32) -> Factor {
        Factor::Number(number)
    }
}

impl From<(f32, f32)> for Factor {
    fn from((low, high): (f32, f32)) -> Factor {
        Factor::Range(low, high)
    }
}

impl Factor {
    /// The bounds, where one number stands for the range from its negative to the number.
    pub(super) fn around_zero(self) -> Bounds {
        match self {
            Factor::Number(number) => [-number.abs(), number.abs()],
            Factor::Range(low, high) => sorted(low, high),
        }
    }

    /// The bounds, where one number stands for the range from 0 to the number.
    pub(super) fn above_zero(self) -> Bounds {
        match self {
            Factor::Number(number) => [0.0, number.abs()],
            Factor::Range(low, high) => sorted(low, high),
        }
    }
}

/// NaN is left for the check of the layer.
fn sorted(low: f32, high: f32) -> Bounds {
    if low > high { [high, low] } else { [low, high] }
}

/// Checks that both bounds of the option `name` are from `low` to `high`.
pub(super) fn check(owner: &'static str, name: &'static str, bounds: Bounds, [low, high]: Bounds) -> Result<()> {
    let wrong = bounds.into_iter().find(|bound| !(low..=high).contains(bound)).unwrap_or(bounds[0]);
    let right = bounds.iter().all(|bound| (low..=high).contains(bound));
    let expected = match (low, high) {
        (0.0, 1.0) => "from 0 to 1",
        (-1.0, 1.0) => "from −1 to 1",
        _ => "greater than −1 and at most 1",
    };
    check_setting(right, owner, name, f64::from(wrong), expected)?;
    check_setting(bounds[0] <= bounds[1], owner, name, f64::from(bounds[0]), "at most the upper bound")
}

/// Checks the range of the values of images: two finite numbers in ascending order.
pub(super) fn check_value_range(owner: &'static str, [low, high]: Bounds) -> Result<()> {
    let wrong = if low.is_finite() { high } else { low };
    let right = low.is_finite() && high.is_finite() && low <= high;
    check_setting(right, owner, "value_range", f64::from(wrong), "two finite numbers in ascending order")
}

/// Draws a number from a range, uniformly.
pub(super) fn uniform(draws: &mut Draws, [low, high]: Bounds) -> f32 {
    let [low, high] = [low, high].map(f64::from);
    (low + (high - low) * draws.uniform()) as f32
}
