//! The activations of the gates of recurrent layers.

use super::Activation;
use super::activations::elu::Elu;
use super::activations::gelu::{Gelu, GeluTanh};
use super::activations::hard_sigmoid::{HardSigmoid, LegacyHardSigmoid};
use super::activations::leaky_relu::LeakyRelu;
use super::activations::selu::Selu;
use super::activations::silu::Silu;
use super::activations::softplus::Softplus;
use super::activations::softsign::Softsign;
use super::math::exp::Exp;
use crate::kernels::activation::Elementwise;
use crate::kernels::elementwise::{self, Unary};
use crate::kernels::recurrent::{Gate, RowFunction};
use crate::kernels::{log_softmax, softmax};

/// The activation of a gate.
pub(super) fn gate(activation: Activation) -> Gate {
    match activation {
        Activation::Linear => Gate::Elementwise(Elementwise::Linear),
        Activation::Relu => Gate::Elementwise(Elementwise::Relu),
        Activation::Sigmoid => Gate::Elementwise(Elementwise::Sigmoid),
        Activation::Tanh => Gate::Elementwise(Elementwise::Tanh),
        Activation::Softmax => Gate::Function(&Softmax),
        Activation::LogSoftmax => Gate::Function(&LogSoftmax),
        Activation::LeakyRelu => Gate::Function(&Elements(LeakyRelu { negative_slope: 0.2 })),
        Activation::Elu => Gate::Function(&Elements(Elu { alpha: 1.0 })),
        Activation::Selu => Gate::Function(&Elements(Selu {})),
        Activation::Softplus => Gate::Function(&Elements(Softplus {})),
        Activation::Softsign => Gate::Function(&Elements(Softsign {})),
        Activation::Gelu => Gate::Function(&Elements(Gelu {})),
        Activation::GeluTanh => Gate::Function(&Elements(GeluTanh {})),
        Activation::Silu => Gate::Function(&Elements(Silu {})),
        Activation::HardSigmoid => Gate::Function(&Elements(HardSigmoid {})),
        Activation::LegacyHardSigmoid => Gate::Function(&Elements(LegacyHardSigmoid {})),
        Activation::Exponential => Gate::Function(&Elements(Exp {})),
    }
}

/// A function of each element.
struct Elements<U>(U);

impl<U: Unary> RowFunction for Elements<U> {
    fn forward(&self, x: &[f32], y: &mut [f32]) {
        elementwise::forward(self.0, x, y);
    }

    fn backward(&self, x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32]) {
        elementwise::backward(self.0, x, y, dy, dx);
    }
}

struct Softmax;

impl RowFunction for Softmax {
    fn forward(&self, x: &[f32], y: &mut [f32]) {
        softmax::forward(x, x.len(), y);
    }

    fn backward(&self, _x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32]) {
        softmax::backward(y, y.len(), dy, dx);
    }
}

struct LogSoftmax;

impl RowFunction for LogSoftmax {
    fn forward(&self, x: &[f32], y: &mut [f32]) {
        log_softmax::forward(x, x.len(), y);
    }

    fn backward(&self, _x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32]) {
        log_softmax::backward(y, y.len(), dy, dx);
    }
}
