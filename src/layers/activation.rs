//! An activation as a layer of its own, and as an option of others.

use super::{Cursor, Layer, Weights};
use crate::error::{Error, Result};
use crate::kernels::activation::Elementwise;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::{Origin, Var};

/// Every activation: one line here adds one, of Keras' name of it and what it records.
macro_rules! activations {
    ($($(#[$note:meta])* $Activation:ident = $name:literal => $record:expr),* $(,)?) => {
        /// An activation function. A layer itself, like Keras' `Activation`, and an option of [`Dense`](super::Dense) and
        /// [`Conv2d`](super::Conv2d).
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Activation {
            $($(#[$note])* $Activation,)*
        }

        /// Every activation with Keras' name of it.
        const ALL: &[(&str, Activation)] = &[$(($name, Activation::$Activation)),*];

        impl Activation {
            /// Keras' name of it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Activation::$Activation => $name),*
                }
            }

            /// Records the activation as an operation of its own.
            fn apply<'r>(self, x: Var<'r>) -> Var<'r> {
                let record: fn(Var<'r>) -> Var<'r> = match self {
                    $(Activation::$Activation => $record),*
                };
                record(x)
            }
        }
    };
}

activations! {
    /// The value itself.
    #[default]
    Linear = "linear" => |x| x,
    /// max(x, 0).
    Relu = "relu" => Var::relu,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid = "sigmoid" => Var::sigmoid,
    /// The hyperbolic tangent.
    Tanh = "tanh" => Var::tanh,
    /// Probabilities over the last axis.
    Softmax = "softmax" => Var::softmax,
    /// Their logarithms.
    LogSoftmax = "log_softmax" => Var::log_softmax,
    /// x, and 0.2 · x below 0. The layer [`LeakyRelu`](super::LeakyRelu) takes another slope.
    LeakyRelu = "leaky_relu" => |x| x.leaky_relu(0.2),
    /// x, and eˣ − 1 below 0. The layer [`Elu`](super::Elu) takes another limit than −1.
    Elu = "elu" => |x| x.elu(1.0),
    /// The same with the two constants of Klambauer et al. 2017.
    Selu = "selu" => Var::selu,
    /// ln(1 + eˣ).
    Softplus = "softplus" => Var::softplus,
    /// x / (1 + |x|).
    Softsign = "softsign" => Var::softsign,
    /// x · Φ(x), Φ being the standard normal distribution.
    Gelu = "gelu" => Var::gelu,
    /// The same approximated by tanh: `gelu(x, approximate=True)`, for which Keras has no name of its own.
    GeluTanh = "gelu_tanh" => Var::gelu_tanh,
    /// x / (1 + e⁻ˣ).
    Silu = "silu" => Var::silu,
    /// (x + 3) / 6 between 0 and 1.
    HardSigmoid = "hard_sigmoid" => Var::hard_sigmoid,
    /// eˣ.
    Exponential = "exponential" => Var::exp,
}

impl Activation {
    /// Keras' names of all activations.
    #[cfg(feature = "keras")]
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        ALL.iter().map(|(name, _)| *name)
    }

    /// The setting `activation` of a layer that has one.
    pub(super) fn read(settings: &mut Settings<'_>) -> Result<Activation> {
        settings.one_of("activation", ALL)
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

    /// Records an operation that can fuse this activation, and the activation behind it where it cannot.
    pub(super) fn fuse<'r>(self, operation: impl FnOnce(Elementwise) -> Var<'r>) -> Var<'r> {
        match self.elementwise() {
            Some(Elementwise::Linear) => operation(Elementwise::Linear),
            Some(fused) => operation(fused).remember(Origin::Activation { name: fused.name() }),
            None => self.apply(operation(Elementwise::Linear)),
        }
    }
}

impl Layer for Activation {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        match (self, inputs) {
            (Activation::Softmax | Activation::LogSoftmax, [x]) if x.rank() == 0 => {
                Err(Error::expected("at least one axis for softmax"))
            }
            (_, [x]) => Ok(vec![*x]),
            _ => Err(Error::expected("one input")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![self.apply(inputs[0])]
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
        ALL.iter().map(|(_, activation)| (Box::new(*activation) as Box<dyn Layer>, Shape::from([3, 2]))).collect()
    }
}
