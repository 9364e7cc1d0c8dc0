//! MaxNorm: vectors of weights with a maximum norm.

use super::Constraint;
use super::norms::{check_bound, norms, scaled};
use crate::axes::Axes;
use crate::error::Result;
use crate::settings::{FromSpec, options};
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Scales vectors of weights whose Euclidean norm is greater than a maximum to that norm. `MaxNorm` in Keras.
    ///
    /// The vectors are along axis 0 by default: the weights of one unit of a `Dense` layer. Like in Keras, 10⁻⁷ is added to
    /// the norms before they divide, so norms decrease by a factor of at least 1 − 10⁻⁷ in each step.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, constraints::MaxNorm, data::Arrays, layers::Dense, losses::MeanSquaredError};
    /// use gradus::{Fit, Progress, optimizers::Sgd};
    /// let network = Sequential::new([2]).add(Dense::new(1).kernel_constraint(MaxNorm::new(0.5)));
    /// let mut model = network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()))?;
    /// let data = Arrays::new(ndarray::arr2(&[[3.0f32, 4.0]]), ndarray::arr2(&[[100.0f32]]))?;
    /// model.fit(&data, Fit::new().epochs(5).progress(Progress::Quiet))?;
    /// let kernel = model.params().values(model.params().id("dense/kernel")?);
    /// assert!((kernel[0].hypot(kernel[1]) - 0.5).abs() < 1e-6);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the maximum is finite and ≥ 0, and
    /// [`Error::Shape`](crate::Error::Shape) for an axis that the weights do not have.
    #[derive(Clone, Debug, PartialEq)]
    #[must_use]
    pub struct MaxNorm("MaxNorm") of (max_value: f32) {
        /// Axes of the vectors: `[0, 1, 2]` for the kernels of `Conv2d`. Defaults to 0.
        into axis: Axes = Axes::from(0),
    }
}

impl Default for MaxNorm {
    /// A maximum of 2, as in Keras.
    fn default() -> MaxNorm {
        MaxNorm::new(2.0)
    }
}

impl MaxNorm {
    /// Creates the constraint from the maximum norm, which is finite and ≥ 0.
    pub fn new(max_value: f32) -> MaxNorm {
        MaxNorm::with_defaults(max_value)
    }
}

impl Constraint for MaxNorm {
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r> {
        let norms = norms(weights, &self.axis);
        scaled(weights, norms, norms.clip(0.0, self.max_value))
    }

    fn check(&self) -> Result<()> {
        check_bound("MaxNorm", "max_value", self.max_value)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Constraint>> {
        vec![Box::new(MaxNorm::default()), Box::new(MaxNorm::new(0.5).axis([0, -1]))]
    }
}
