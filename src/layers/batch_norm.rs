//! BatchNorm: each channel is brought to mean beta and deviation gamma.

use super::{Cursor, Layer, Weights};
use crate::error::{Error, Result};
use crate::initializers::{self, Initializer, Ones, Zeros};
use crate::ops;
use crate::regularizers::{self, Regularizer};
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::{Mode, Var};
use std::sync::Arc;

/// Normalises each channel (the last axis): while training by the batch's statistics, otherwise by running ones. Keras'
/// `BatchNormalization`.
#[derive(Clone, Debug)]
#[must_use]
pub struct BatchNorm {
    momentum: f32,
    epsilon: f32,
    beta_initializer: Arc<dyn Initializer>,
    gamma_initializer: Arc<dyn Initializer>,
    moving_mean_initializer: Arc<dyn Initializer>,
    moving_variance_initializer: Arc<dyn Initializer>,
    beta_regularizer: Option<Arc<dyn Regularizer>>,
    gamma_regularizer: Option<Arc<dyn Regularizer>>,
}

impl Default for BatchNorm {
    fn default() -> BatchNorm {
        BatchNorm::new()
    }
}

impl BatchNorm {
    /// Momentum 0.99, epsilon 0.001, and mean 0 and variance 1 before and after, as in Keras.
    pub fn new() -> BatchNorm {
        BatchNorm {
            momentum: 0.99,
            epsilon: 1e-3,
            beta_initializer: Arc::new(Zeros),
            gamma_initializer: Arc::new(Ones),
            moving_mean_initializer: Arc::new(Zeros),
            moving_variance_initializer: Arc::new(Ones),
            beta_regularizer: None,
            gamma_regularizer: None,
        }
    }

    /// How much of the running statistics stays at each step (Keras' meaning; PyTorch's is one minus this).
    pub fn momentum(mut self, momentum: f32) -> BatchNorm {
        self.momentum = momentum;
        self
    }

    /// What is added to the variance before its root is taken.
    pub fn epsilon(mut self, epsilon: f32) -> BatchNorm {
        self.epsilon = epsilon;
        self
    }

    /// The first values of what is added to each channel.
    pub fn beta_initializer(mut self, initializer: impl Initializer + 'static) -> BatchNorm {
        self.beta_initializer = Arc::new(initializer);
        self
    }

    /// The first values of what each channel is multiplied by.
    pub fn gamma_initializer(mut self, initializer: impl Initializer + 'static) -> BatchNorm {
        self.gamma_initializer = Arc::new(initializer);
        self
    }

    /// The running means' first values.
    pub fn moving_mean_initializer(mut self, initializer: impl Initializer + 'static) -> BatchNorm {
        self.moving_mean_initializer = Arc::new(initializer);
        self
    }

    /// The running variances' first values.
    pub fn moving_variance_initializer(mut self, initializer: impl Initializer + 'static) -> BatchNorm {
        self.moving_variance_initializer = Arc::new(initializer);
        self
    }

    /// What the betas add to the loss.
    pub fn beta_regularizer(mut self, regularizer: impl Regularizer + 'static) -> BatchNorm {
        self.beta_regularizer = Some(Arc::new(regularizer));
        self
    }

    /// What the gammas add to the loss.
    pub fn gamma_regularizer(mut self, regularizer: impl Regularizer + 'static) -> BatchNorm {
        self.gamma_regularizer = Some(Arc::new(regularizer));
        self
    }
}

impl Layer for BatchNorm {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        ops::check_batch_norm(self.momentum, self.epsilon)?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        if x.rank() == 0 {
            return Err(Error::expected("at least one axis per sample"));
        }
        weights.add_regularized("gamma", x.last(), self.gamma_initializer.as_ref(), self.gamma_regularizer.as_ref())?;
        weights.add_regularized("beta", x.last(), self.beta_initializer.as_ref(), self.beta_regularizer.as_ref())?;
        weights.add_state("moving_mean", x.last(), self.moving_mean_initializer.as_ref())?;
        weights.add_state("moving_variance", x.last(), self.moving_variance_initializer.as_ref())?;
        Ok(vec![*x])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        // Frozen, it keeps its statistics, and normalises by them.
        let infers = weights.frozen() || inputs[0].recorder().mode() == Mode::Inference;
        let (x, scaling) = (inputs[0], weights.take());
        let y = match infers {
            true => x.batch_norm_inference(scaling, weights.take(), self.epsilon),
            false => {
                let [gamma, beta] = scaling;
                x.batch_norm(gamma, beta, self.momentum, self.epsilon, Some(weights.take()))
            }
        };
        vec![y]
    }

    fn spec(&self) -> Spec {
        let spec = Spec::new(Self::CLASS).with("momentum", self.momentum).with("epsilon", self.epsilon);
        let spec = spec.with("beta_initializer", self.beta_initializer.spec());
        let spec = spec.with("gamma_initializer", self.gamma_initializer.spec());
        let spec = spec.with("moving_mean_initializer", self.moving_mean_initializer.spec());
        let spec = spec.with("moving_variance_initializer", self.moving_variance_initializer.spec());
        let spec = regularizers::write(spec, "beta_regularizer", self.beta_regularizer.as_ref());
        regularizers::write(spec, "gamma_regularizer", self.gamma_regularizer.as_ref())
    }
}

impl FromSpec for BatchNorm {
    const CLASS: &'static str = "BatchNormalization";

    fn from_spec(settings: &mut Settings<'_>) -> Result<BatchNorm> {
        Ok(BatchNorm {
            momentum: settings.number("momentum")?,
            epsilon: settings.number("epsilon")?,
            beta_initializer: initializers::read_or(settings, "beta_initializer", Zeros)?,
            gamma_initializer: initializers::read_or(settings, "gamma_initializer", Ones)?,
            moving_mean_initializer: initializers::read_or(settings, "moving_mean_initializer", Zeros)?,
            moving_variance_initializer: initializers::read_or(settings, "moving_variance_initializer", Ones)?,
            beta_regularizer: regularizers::read(settings, "beta_regularizer")?,
            gamma_regularizer: regularizers::read(settings, "gamma_regularizer")?,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::initializers::Constant;
    use crate::regularizers::{L1, L2};

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(BatchNorm::new()), Shape::from([5])),
            (Box::new(BatchNorm::new().momentum(0.5).epsilon(1e-5)), Shape::from([3, 2, 4])),
            (
                Box::new(
                    BatchNorm::new()
                        .beta_initializer(Ones)
                        .gamma_initializer(Constant::new(2.0))
                        .moving_mean_initializer(Constant::new(0.5))
                        .moving_variance_initializer(Constant::new(3.0))
                        .beta_regularizer(L1::new(0.1))
                        .gamma_regularizer(L2::new(0.2)),
                ),
                Shape::from([2]),
            ),
        ]
    }
}
