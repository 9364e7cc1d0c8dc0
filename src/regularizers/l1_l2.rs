//! L1 and L2 regularization combined.

use super::Regularizer;
use crate::error::Result;
use crate::ops::check_penalty_factor;
use crate::settings::{FromSpec, options};
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// The penalty l1 · Σ |w| + l2 · Σ w². Both factors are 0 by default. `L1L2` in Keras.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, data::Arrays, initializers::Ones, layers::Dense, losses::MeanSquaredError};
    /// use gradus::{optimizers::Sgd, regularizers::L1L2};
    /// let dense = Dense::new(1).kernel_initializer(Ones).kernel_regularizer(L1L2::new(0.25, 0.5));
    /// let network = Sequential::new([2]).add(dense);
    /// let model = network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()))?;
    /// let data = Arrays::new(ndarray::arr2(&[[0.0f32, 0.0]]), ndarray::arr2(&[[0.0f32]]))?;
    /// assert_eq!(model.evaluate(&data)?.loss, 1.5); // an error of 0, and the penalty on two ones
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the factors are finite and ≥ 0.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct L1L2("L1L2") of (l1: f32, l2: f32);
}

impl L1L2 {
    /// Creates the regularizer from its factors, which are finite and ≥ 0.
    pub fn new(l1: f32, l2: f32) -> L1L2 {
        L1L2::with_defaults(l1, l2)
    }
}

impl Regularizer for L1L2 {
    fn record<'r>(&self, weights: Var<'r>) -> Var<'r> {
        weights.penalty(self.l1, self.l2)
    }

    fn check(&self) -> Result<()> {
        check_penalty_factor("L1L2", "l1", self.l1)?;
        check_penalty_factor("L1L2", "l2", self.l2)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Regularizer>> {
        vec![Box::new(L1L2::default()), Box::new(L1L2::new(0.25, 0.5))]
    }
}
