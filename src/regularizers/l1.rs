//! L1 regularization, which makes weights sparse.

use super::Regularizer;
use crate::error::Result;
use crate::ops::check_penalty_factor;
use crate::settings::{FromSpec, options};
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// The penalty l1 · Σ |w|. `L1` in Keras.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, data::Arrays, initializers::Ones, layers::Dense, losses::MeanSquaredError};
    /// use gradus::{optimizers::Sgd, regularizers::L1};
    /// let dense = Dense::new(1).kernel_initializer(Ones).kernel_regularizer(L1::new(0.25));
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
    pub struct L1("L1") of (l1: f32);
}

impl Default for L1 {
    /// Factor 0.01, as in Keras.
    fn default() -> L1 {
        L1::new(0.01)
    }
}

impl L1 {
    /// Creates the regularizer from its factor, which is finite and ≥ 0.
    pub fn new(l1: f32) -> L1 {
        L1::with_defaults(l1)
    }
}

impl Regularizer for L1 {
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r> {
        weights.penalty(self.l1, 0.0)
    }

    fn check(&self) -> Result<()> {
        check_penalty_factor("L1", "l1", self.l1)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Regularizer>> {
        vec![Box::new(L1::default()), Box::new(L1::new(0.5))]
    }
}
