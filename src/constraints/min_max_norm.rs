//! MinMaxNorm: vectors of weights with a minimum and a maximum norm.

use super::Constraint;
use super::norms::{check_bound, norms, scaled};
use crate::axes::Axes;
use crate::error::{Result, check_setting};
use crate::settings::{FromSpec, options};
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Scales vectors of weights so that their Euclidean norms are from a minimum to a maximum, or closer to that range.
    /// `MinMaxNorm` in Keras.
    ///
    /// The new norm is rate · clip(norm, minimum, maximum) + (1 − rate) · norm. The vectors are along axis 0 by default: the
    /// weights of one unit of a `Dense` layer.
    ///
    /// ```
    /// use gradus::{constraints::MinMaxNorm, layers::Conv2d};
    /// let layer = Conv2d::new(8, 3).kernel_constraint(MinMaxNorm::new(0.5, 1.0).axis([0, 1, 2]));
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless 0 ≤ minimum ≤ maximum, both finite, and 0 ≤ rate ≤ 1,
    /// and [`Error::Shape`](crate::Error::Shape) for an axis that the weights do not have.
    #[derive(Clone, Debug, PartialEq)]
    #[must_use]
    pub struct MinMaxNorm("MinMaxNorm") of (min_value: f32, max_value: f32) {
        /// Part of the distance to the range that each step covers, 0 ≤ rate ≤ 1. Defaults to 1.
        value rate: f32 = 1.0,
        /// Axes of the vectors: `[0, 1, 2]` for the kernels of `Conv2d`. Defaults to 0.
        into axis: Axes = Axes::from(0),
    }
}

impl Default for MinMaxNorm {
    /// Norms from 0 to 1, as in Keras.
    fn default() -> MinMaxNorm {
        MinMaxNorm::new(0.0, 1.0)
    }
}

impl MinMaxNorm {
    /// Creates the constraint from the minimum and the maximum norm.
    pub fn new(min_value: f32, max_value: f32) -> MinMaxNorm {
        MinMaxNorm::with_defaults(min_value, max_value)
    }
}

impl Constraint for MinMaxNorm {
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r> {
        let norms = norms(weights, &self.axis);
        let desired = norms.clip(self.min_value, self.max_value) * self.rate + norms * (1.0 - self.rate);
        scaled(weights, norms, desired)
    }

    fn check(&self) -> Result<()> {
        let Self { min_value, max_value, rate, .. } = *self;
        check_bound("MinMaxNorm", "min_value", min_value)?;
        let in_order = max_value.is_finite() && max_value >= min_value;
        check_setting(in_order, "MinMaxNorm", "max_value", f64::from(max_value), "finite and ≥ min_value")?;
        check_setting((0.0..=1.0).contains(&rate), "MinMaxNorm", "rate", f64::from(rate), "≥ 0 and ≤ 1")
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Constraint>> {
        vec![Box::new(MinMaxNorm::default()), Box::new(MinMaxNorm::new(0.5, 0.75).rate(0.5).axis(-1))]
    }
}
