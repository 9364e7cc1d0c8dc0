//! LayerNorm: each position is brought to mean beta and deviation gamma.

use crate::error::{Error, Result};
use crate::initializers::{Initializer, Ones, Zeros};
use crate::layers::{Cursor, Layer, Weights};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Normalises the last axis by its own mean and variance, in training and afterwards alike. Keras'
    /// `LayerNormalization` with axis −1.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct LayerNorm("LayerNormalization") {
        /// Constant that is added to the variance before its root is taken, > 0. Defaults to 0.001.
        value epsilon: f32 = 1e-3,
        /// Whether a learned beta is added. Defaults to `true`.
        value center: bool = true,
        /// Whether to multiply by a learned gamma. Defaults to `true`.
        value scale: bool = true,
        /// Initializer of beta, which is added. Defaults to [`Zeros`].
        part beta_initializer: Initializer = Zeros,
        /// Initializer of gamma, the factor. Defaults to [`Ones`].
        part gamma_initializer: Initializer = Ones,
        /// Regularizer of beta, whose penalty is added to the loss. By default there is none.
        optional beta_regularizer: Regularizer,
        /// Regularizer of gamma, whose penalty is added to the loss. By default there is none.
        optional gamma_regularizer: Regularizer,
    }
}

impl LayerNorm {
    /// Epsilon 0.001, with a beta of zeros and a gamma of ones, as in Keras.
    pub fn new() -> LayerNorm {
        LayerNorm::with_defaults()
    }
}

impl Layer for LayerNorm {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        ops::check_layer_norm(self.epsilon)?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        if x.rank() == 0 {
            return Err(Error::expected("at least one axis per sample"));
        }
        if self.scale {
            weights.add_regularized(
                "gamma",
                x.last(),
                self.gamma_initializer.as_ref(),
                self.gamma_regularizer.as_ref(),
            )?;
        }
        if self.center {
            weights.add_regularized(
                "beta",
                x.last(),
                self.beta_initializer.as_ref(),
                self.beta_regularizer.as_ref(),
            )?;
        }
        Ok(vec![*x])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [gamma, beta] = [self.scale, self.center].map(|learned| learned.then(|| weights.take::<1>()[0]));
        vec![inputs[0].layer_norm(gamma, beta, self.epsilon)]
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;
    use crate::initializers::Constant;
    use crate::regularizers::{L1, L1L2};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        let plain = LayerNorm::new().center(false).scale(false).epsilon(1e-5);
        let both = L1L2::new(0.1, 0.2);
        let set = LayerNorm::new().beta_initializer(Ones).gamma_initializer(Constant::new(2.0));
        vec![
            (Box::new(LayerNorm::new()), Shape::from([5])),
            (Box::new(plain), Shape::from([3, 2, 4])),
            (Box::new(set.clone().beta_regularizer(L1::new(0.1)).gamma_regularizer(both)), Shape::from([2])),
            (Box::new(set.clone().center(false)), Shape::from([2, 3])),
            (Box::new(set.scale(false)), Shape::from([1])),
        ]
    }
}
