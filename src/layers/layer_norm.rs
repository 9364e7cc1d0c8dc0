//! LayerNorm: each position is brought to mean beta and deviation gamma.

use super::{Cursor, Layer, Weights};
use crate::error::{Error, Result};
use crate::initializers::{self, Initializer, Ones, Zeros};
use crate::ops;
use crate::regularizers::{self, Regularizer};
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;
use std::sync::Arc;

/// Normalises the last axis by its own mean and variance, in training and afterwards alike. Keras'
/// `LayerNormalization` with axis −1.
#[derive(Clone, Debug)]
#[must_use]
pub struct LayerNorm {
    epsilon: f32,
    center: bool,
    scale: bool,
    beta_initializer: Arc<dyn Initializer>,
    gamma_initializer: Arc<dyn Initializer>,
    beta_regularizer: Option<Arc<dyn Regularizer>>,
    gamma_regularizer: Option<Arc<dyn Regularizer>>,
}

impl Default for LayerNorm {
    fn default() -> LayerNorm {
        LayerNorm::new()
    }
}

impl LayerNorm {
    /// Epsilon 0.001, with a beta of zeros and a gamma of ones, as in Keras.
    pub fn new() -> LayerNorm {
        let (beta_initializer, gamma_initializer) = (Arc::new(Zeros), Arc::new(Ones));
        let (beta_regularizer, gamma_regularizer) = (None, None);
        LayerNorm {
            epsilon: 1e-3,
            center: true,
            scale: true,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
        }
    }

    /// What is added to the variance before its root is taken.
    pub fn epsilon(mut self, epsilon: f32) -> LayerNorm {
        self.epsilon = epsilon;
        self
    }

    /// Whether a learned beta is added.
    pub fn center(mut self, center: bool) -> LayerNorm {
        self.center = center;
        self
    }

    /// Whether a learned gamma multiplies.
    pub fn scale(mut self, scale: bool) -> LayerNorm {
        self.scale = scale;
        self
    }

    /// The first values of what is added to each place.
    pub fn beta_initializer(mut self, initializer: impl Initializer + 'static) -> LayerNorm {
        self.beta_initializer = Arc::new(initializer);
        self
    }

    /// The first values of what each place is multiplied by.
    pub fn gamma_initializer(mut self, initializer: impl Initializer + 'static) -> LayerNorm {
        self.gamma_initializer = Arc::new(initializer);
        self
    }

    /// What the betas add to the loss.
    pub fn beta_regularizer(mut self, regularizer: impl Regularizer + 'static) -> LayerNorm {
        self.beta_regularizer = Some(Arc::new(regularizer));
        self
    }

    /// What the gammas add to the loss.
    pub fn gamma_regularizer(mut self, regularizer: impl Regularizer + 'static) -> LayerNorm {
        self.gamma_regularizer = Some(Arc::new(regularizer));
        self
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
        let spec = Spec::new(Self::CLASS).with("epsilon", self.epsilon);
        let spec = spec.with("center", self.center).with("scale", self.scale);
        let spec = spec.with("beta_initializer", self.beta_initializer.spec());
        let spec = spec.with("gamma_initializer", self.gamma_initializer.spec());
        let spec = regularizers::write(spec, "beta_regularizer", self.beta_regularizer.as_ref());
        regularizers::write(spec, "gamma_regularizer", self.gamma_regularizer.as_ref())
    }
}

impl FromSpec for LayerNorm {
    const CLASS: &'static str = "LayerNormalization";

    fn from_spec(settings: &mut Settings<'_>) -> Result<LayerNorm> {
        Ok(LayerNorm {
            epsilon: settings.number("epsilon")?,
            center: settings.flag("center")?,
            scale: settings.flag("scale")?,
            beta_initializer: initializers::read(settings, "beta_initializer")?,
            gamma_initializer: initializers::read(settings, "gamma_initializer")?,
            beta_regularizer: regularizers::read(settings, "beta_regularizer")?,
            gamma_regularizer: regularizers::read(settings, "gamma_regularizer")?,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
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
