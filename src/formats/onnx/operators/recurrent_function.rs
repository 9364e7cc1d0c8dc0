//! The activations of recurrent nodes, which may have parameters.

use crate::ops::Activation;
use crate::tape::Var;
use ndarray::arr0;

/// An activation of a recurrent node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    Known(Activation),
    /// α x + β
    Affine(f32, f32),
    Elu(f32),
    /// max(0, min(1, α x + β))
    HardSigmoid(f32, f32),
    LeakyRelu(f32),
    /// α tanh(β x)
    ScaledTanh(f32, f32),
    /// x if x > α, otherwise 0
    ThresholdedRelu(f32),
}

impl Function {
    /// The activation of this name. Takes its parameters from the lists of the node, `activation_alpha` and
    /// `activation_beta`; those that are missing have their defaults.
    pub(super) fn read(name: &str, [alpha, beta]: &mut [std::slice::Iter<'_, f32>; 2]) -> Result<Function, String> {
        let mut alpha = |default: f32| alpha.next().copied().unwrap_or(default);
        let mut beta = |default: f32| beta.next().copied().unwrap_or(default);
        let near = |found: f32, expected: f32| (found - expected).abs() < 1e-6;
        Ok(match name.to_ascii_lowercase().as_str() {
            "affine" => match [alpha(1.0), beta(0.0)] {
                [1.0, 0.0] => Function::Known(Activation::Linear),
                [alpha, beta] => Function::Affine(alpha, beta),
            },
            "elu" => match alpha(1.0) {
                1.0 => Function::Known(Activation::Elu),
                alpha => Function::Elu(alpha),
            },
            "hardsigmoid" => match [alpha(0.2), beta(0.5)] {
                [alpha, 0.5] if near(alpha, 0.2) => Function::Known(Activation::LegacyHardSigmoid),
                [alpha, 0.5] if near(alpha, 1.0 / 6.0) => Function::Known(Activation::HardSigmoid),
                [alpha, beta] => Function::HardSigmoid(alpha, beta),
            },
            "leakyrelu" => match alpha(0.01) {
                alpha if near(alpha, 0.2) => Function::Known(Activation::LeakyRelu),
                alpha => Function::LeakyRelu(alpha),
            },
            "relu" => Function::Known(Activation::Relu),
            "scaledtanh" => Function::ScaledTanh(alpha(1.0), beta(1.0)),
            "sigmoid" => Function::Known(Activation::Sigmoid),
            "softplus" => Function::Known(Activation::Softplus),
            "softsign" => Function::Known(Activation::Softsign),
            "tanh" => Function::Known(Activation::Tanh),
            "thresholdedrelu" => Function::ThresholdedRelu(alpha(1.0)),
            _ => {
                return Err(format!(
                    "attribute activations has the unknown function {name}; available: Affine, Elu, HardSigmoid, \
                     LeakyRelu, Relu, ScaledTanh, Sigmoid, Softplus, Softsign, Tanh, ThresholdedRelu"
                ));
            }
        })
    }

    /// The equivalent activation of layers, if there is one.
    pub(super) fn activation(&self) -> Option<Activation> {
        if let Function::Known(activation) = self { Some(*activation) } else { None }
    }

    /// Records the function.
    pub(super) fn record<'r>(&self, x: Var<'r>) -> Var<'r> {
        match *self {
            Function::Known(activation) => x.activation(activation),
            Function::Affine(alpha, beta) => x * alpha + beta,
            Function::Elu(alpha) => x.elu(alpha),
            Function::HardSigmoid(alpha, beta) => (x * alpha + beta).clip(0.0, 1.0),
            Function::LeakyRelu(alpha) => x.leaky_relu(alpha),
            Function::ScaledTanh(alpha, beta) => Var::tanh(x * beta) * alpha,
            Function::ThresholdedRelu(alpha) => x.where_nonzero(x.recorder().constant(&arr0(alpha)).less(x)),
        }
    }
}
