//! BatchNorm: each channel is brought to mean beta and deviation gamma.

use super::{Cursor, Layer, Weights};
use crate::error::{Error, Result};
use crate::init::Init;
use crate::ops;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::{Mode, Var};

/// Normalises each channel (the last axis): while training by the batch's statistics, otherwise by running ones. Keras'
/// `BatchNormalization`.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm {
    momentum: f32,
    epsilon: f32,
}

impl Default for BatchNorm {
    fn default() -> BatchNorm {
        BatchNorm::new()
    }
}

impl BatchNorm {
    /// Momentum 0.99 and epsilon 0.001, as in Keras.
    pub fn new() -> BatchNorm {
        BatchNorm { momentum: 0.99, epsilon: 1e-3 }
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
}

impl Layer for BatchNorm {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Shape> {
        ops::check_batch_norm(self.momentum, self.epsilon)?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        if x.rank() == 0 {
            return Err(Error::expected("at least one axis per sample"));
        }
        weights.add("gamma", x.last(), Init::Ones)?;
        weights.add("beta", x.last(), Init::Zeros)?;
        weights.add_state("moving_mean", x.last(), Init::Zeros)?;
        weights.add_state("moving_variance", x.last(), Init::Ones)?;
        Ok(*x)
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Var<'r> {
        let (x, scaling) = (inputs[0], weights.take());
        match x.recorder().mode() {
            Mode::Inference => x.batch_norm_inference(scaling, weights.take(), self.epsilon),
            Mode::Training => {
                let [gamma, beta] = scaling;
                x.batch_norm(gamma, beta, self.momentum, self.epsilon, Some(weights.take_ids()))
            }
        }
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("momentum", self.momentum).with("epsilon", self.epsilon)
    }
}

impl FromSpec for BatchNorm {
    const CLASS: &'static str = "BatchNormalization";

    fn from_spec(settings: &mut Settings<'_>) -> Result<BatchNorm> {
        Ok(BatchNorm { momentum: settings.number("momentum")?, epsilon: settings.number("epsilon")? })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(BatchNorm::new()), Shape::from([5])),
            (Box::new(BatchNorm::new().momentum(0.5).epsilon(1e-5)), Shape::from([3, 2, 4])),
        ]
    }
}
