//! UnitNorm: vectors of weights with norm 1.

use super::Constraint;
use super::norms::{normalized, norms};
use crate::axes::Axes;
use crate::settings::{FromSpec, options};
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Divides vectors of weights by their Euclidean norms. `UnitNorm` in Keras.
    ///
    /// The vectors are along axis 0 by default: the weights of one unit of a `Dense` layer.
    ///
    /// ```
    /// use gradus::{constraints::UnitNorm, layers::{Conv2d, Dense}};
    /// let dense = Dense::new(10).kernel_constraint(UnitNorm::new());
    /// let convolution = Conv2d::new(8, 3).kernel_constraint(UnitNorm::new().axis([0, 1, 2]));
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) for an axis that the weights do not have.
    #[derive(Clone, Debug, PartialEq)]
    #[must_use]
    pub struct UnitNorm("UnitNorm") {
        /// Axes of the vectors: `[0, 1, 2]` for the kernels of `Conv2d`. Defaults to 0.
        into axis: Axes = Axes::from(0),
    }
}

impl UnitNorm {
    /// Creates the constraint for axis 0, as in Keras.
    pub fn new() -> UnitNorm {
        UnitNorm::with_defaults()
    }
}

impl Constraint for UnitNorm {
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r> {
        normalized(weights, norms(weights, &self.axis))
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Constraint>> {
        vec![Box::new(UnitNorm::new()), Box::new(UnitNorm::new().axis(1))]
    }
}
