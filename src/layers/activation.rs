//! An activation as a layer of its own, and as an option of others.

use super::{Cursor, Layer, Weights};
use crate::error::{Error, Result};
use crate::kernels::activation::Elementwise;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

/// An activation function. A layer itself, like Keras' `Activation`, and an option of [`Dense`](super::Dense) and
/// [`Conv2d`](super::Conv2d).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activation {
    /// The value itself.
    #[default]
    Linear,
    /// max(x, 0).
    Relu,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// Probabilities over the last axis.
    Softmax,
}

/// Every activation.
const ALL: [Activation; 5] =
    [Activation::Linear, Activation::Relu, Activation::Sigmoid, Activation::Tanh, Activation::Softmax];

impl Activation {
    /// Keras' name of it.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Softmax => "softmax",
            other => other.elementwise().map_or("", Elementwise::name),
        }
    }

    /// The setting `activation` of a layer that has one.
    pub(super) fn read(settings: &mut Settings<'_>) -> Result<Activation> {
        settings.one_of("activation", &ALL.map(|activation| (activation.name(), activation)))
    }

    /// The activation as one that can be fused into the operation before it.
    fn elementwise(self) -> Option<Elementwise> {
        match self {
            Activation::Linear => Some(Elementwise::Linear),
            Activation::Relu => Some(Elementwise::Relu),
            Activation::Sigmoid => Some(Elementwise::Sigmoid),
            Activation::Tanh => Some(Elementwise::Tanh),
            Activation::Softmax => None,
        }
    }

    /// Records an operation that can fuse this activation, and the activation behind it where it cannot.
    pub(super) fn fuse<'r>(self, operation: impl FnOnce(Elementwise) -> Var<'r>) -> Var<'r> {
        match self.elementwise() {
            Some(fused) => operation(fused),
            None => operation(Elementwise::Linear).softmax(),
        }
    }
}

impl Layer for Activation {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Shape> {
        match (self, inputs) {
            (Activation::Softmax, [x]) if x.rank() == 0 => Err(Error::expected("at least one axis for softmax")),
            (_, [x]) => Ok(*x),
            _ => Err(Error::expected("one input")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Var<'r> {
        self.fuse(|fused| inputs[0].activation(fused))
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("activation", self.name())
    }
}

impl FromSpec for Activation {
    const CLASS: &'static str = "Activation";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Activation> {
        Activation::read(settings)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        ALL.map(|activation| (Box::new(activation) as Box<dyn Layer>, Shape::from([3, 2]))).into()
    }
}
