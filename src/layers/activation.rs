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
    /// Their logarithms.
    LogSoftmax,
    /// x, and 0.2 · x below 0. The layer [`LeakyRelu`](super::LeakyRelu) takes another slope.
    LeakyRelu,
    /// x, and eˣ − 1 below 0. The layer [`Elu`](super::Elu) takes another limit than −1.
    Elu,
    /// The same with the two constants of Klambauer et al. 2017.
    Selu,
    /// ln(1 + eˣ).
    Softplus,
    /// x / (1 + |x|).
    Softsign,
    /// x · Φ(x), Φ being the standard normal distribution.
    Gelu,
    /// The same approximated by tanh: `gelu(x, approximate=True)`, for which Keras has no name of its own.
    GeluTanh,
    /// x / (1 + e⁻ˣ).
    Silu,
    /// (x + 3) / 6 between 0 and 1.
    HardSigmoid,
    /// eˣ.
    Exponential,
}

/// Every activation with Keras' name of it.
const ALL: [(&str, Activation); 16] = [
    ("linear", Activation::Linear),
    ("relu", Activation::Relu),
    ("sigmoid", Activation::Sigmoid),
    ("tanh", Activation::Tanh),
    ("softmax", Activation::Softmax),
    ("log_softmax", Activation::LogSoftmax),
    ("leaky_relu", Activation::LeakyRelu),
    ("elu", Activation::Elu),
    ("selu", Activation::Selu),
    ("softplus", Activation::Softplus),
    ("softsign", Activation::Softsign),
    ("gelu", Activation::Gelu),
    ("gelu_tanh", Activation::GeluTanh),
    ("silu", Activation::Silu),
    ("hard_sigmoid", Activation::HardSigmoid),
    ("exponential", Activation::Exponential),
];

impl Activation {
    /// Keras' name of it.
    pub fn name(self) -> &'static str {
        ALL.iter().find(|(_, activation)| *activation == self).map_or("", |(name, _)| name)
    }

    /// The setting `activation` of a layer that has one.
    pub(super) fn read(settings: &mut Settings<'_>) -> Result<Activation> {
        settings.one_of("activation", &ALL)
    }

    /// The activation as one that can be fused into the operation before it.
    fn elementwise(self) -> Option<Elementwise> {
        match self {
            Activation::Linear => Some(Elementwise::Linear),
            Activation::Relu => Some(Elementwise::Relu),
            Activation::Sigmoid => Some(Elementwise::Sigmoid),
            Activation::Tanh => Some(Elementwise::Tanh),
            _ => None,
        }
    }

    /// Records the activation as an operation of its own.
    fn apply<'r>(self, x: Var<'r>) -> Var<'r> {
        match self {
            Activation::Linear => x,
            Activation::Relu => x.relu(),
            Activation::Sigmoid => x.sigmoid(),
            Activation::Tanh => Var::tanh(x),
            Activation::Softmax => x.softmax(),
            Activation::LogSoftmax => x.log_softmax(),
            Activation::LeakyRelu => x.leaky_relu(0.2),
            Activation::Elu => x.elu(1.0),
            Activation::Selu => x.selu(),
            Activation::Softplus => x.softplus(),
            Activation::Softsign => x.softsign(),
            Activation::Gelu => x.gelu(),
            Activation::GeluTanh => x.gelu_tanh(),
            Activation::Silu => x.silu(),
            Activation::HardSigmoid => x.hard_sigmoid(),
            Activation::Exponential => Var::exp(x),
        }
    }

    /// Records an operation that can fuse this activation, and the activation behind it where it cannot.
    pub(super) fn fuse<'r>(self, operation: impl FnOnce(Elementwise) -> Var<'r>) -> Var<'r> {
        match self.elementwise() {
            Some(fused) => operation(fused),
            None => self.apply(operation(Elementwise::Linear)),
        }
    }
}

impl Layer for Activation {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Shape> {
        match (self, inputs) {
            (Activation::Softmax | Activation::LogSoftmax, [x]) if x.rank() == 0 => {
                Err(Error::expected("at least one axis for softmax"))
            }
            (_, [x]) => Ok(*x),
            _ => Err(Error::expected("one input")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Var<'r> {
        self.apply(inputs[0])
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
        ALL.map(|(_, activation)| (Box::new(activation) as Box<dyn Layer>, Shape::from([3, 2]))).into()
    }
}
