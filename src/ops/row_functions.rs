//! The activations of the gates of recurrent layers.

use super::Activation;
use super::activations::elu::Elu;
use super::activations::gelu::{Gelu, GeluTanh};
use super::activations::hard_sigmoid::{HardSigmoid, HardSilu, HardTanh, LegacyHardSigmoid};
use super::activations::leaky_relu::LeakyRelu;
use super::activations::mish::Mish;
use super::activations::rectify::Rectify;
use super::activations::selu::Selu;
use super::activations::shrink::{HardShrink, SoftShrink, TanhShrink};
use super::activations::silu::Silu;
use super::activations::softplus::{LogSigmoid, Softplus};
use super::activations::softsign::Softsign;
use super::activations::sparse_plus::{SparsePlus, SparseSigmoid};
use super::activations::squareplus::Squareplus;
use super::math::exp::Exp;
use crate::kernels::activation::Elementwise;
use crate::kernels::elementwise::{self, Unary};
use crate::kernels::recurrent::{Gate, RowFunction};
use crate::kernels::{log_softmax, softmax, sparsemax};

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
        Activation::Relu6 => Gate::Function(&Elements(Rectify { max_value: 6.0, negative_slope: 0.0, threshold: 0.0 })),
        Activation::Celu => Gate::Function(&Elements(Elu { alpha: 1.0 })),
        Activation::HardTanh => Gate::Function(&Elements(HardTanh {})),
        Activation::HardShrink => Gate::Function(&Elements(HardShrink {})),
        Activation::HardSilu => Gate::Function(&Elements(HardSilu {})),
        Activation::LogSigmoid => Gate::Function(&Elements(LogSigmoid {})),
        Activation::Mish => Gate::Function(&Elements(Mish {})),
        Activation::SoftShrink => Gate::Function(&Elements(SoftShrink {})),
        Activation::Squareplus => Gate::Function(&Elements(Squareplus {})),
        Activation::Sparsemax => Gate::Function(&Sparsemax),
        Activation::SparsePlus => Gate::Function(&Elements(SparsePlus {})),
        Activation::SparseSigmoid => Gate::Function(&Elements(SparseSigmoid {})),
        Activation::TanhShrink => Gate::Function(&Elements(TanhShrink {})),
        // The output has half the size, so the operation rejects it before.
        Activation::Glu => Gate::Elementwise(Elementwise::Linear),
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

struct Sparsemax;

impl RowFunction for Sparsemax {
    fn forward(&self, x: &[f32], y: &mut [f32]) {
        sparsemax::forward(x, x.len(), y);
    }

    fn backward(&self, _x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32]) {
        sparsemax::backward(y, y.len(), dy, dx);
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
