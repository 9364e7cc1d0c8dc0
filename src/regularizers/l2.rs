//! L2 regularization, which penalizes large weights most.

use super::Regularizer;
use crate::error::Result;
use crate::ops::check_penalty_factor;
use crate::settings::{FromSpec, options};
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// The penalty l2 · Σ w². `L2` in Keras.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, data::Arrays, initializers::Ones, layers::Dense, losses::MeanSquaredError};
    /// use gradus::{optimizers::Sgd, regularizers::L2};
    /// let dense = Dense::new(1).kernel_initializer(Ones).kernel_regularizer(L2::new(0.25));
    /// let network = Sequential::new([2]).add(dense);
    /// let model = network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()))?;
    /// let data = Arrays::new(ndarray::arr2(&[[0.0f32, 0.0]]), ndarray::arr2(&[[0.0f32]]))?;
    /// assert_eq!(model.evaluate(&data)?.loss, 0.5); // an error of 0, and the penalty on two ones
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the factor is finite and ≥ 0.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct L2("L2") of (l2: f32);
}

impl Default for L2 {
    /// Factor 0.01, as in Keras.
    fn default() -> L2 {
        L2::new(0.01)
    }
}

impl L2 {
    /// Creates the regularizer from its factor, which is finite and ≥ 0.
    pub fn new(l2: f32) -> L2 {
        L2::with_defaults(l2)
    }
}

impl Regularizer for L2 {
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r> {
        weights.penalty(0.0, self.l2)
    }

    fn check(&self) -> Result<()> {
        check_penalty_factor("L2", "l2", self.l2)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Regularizer>> {
        vec![Box::new(L2::default()), Box::new(L2::new(0.5))]
    }
}
