//! The networks of the five notebooks, which several tests train.
#![allow(dead_code, unused_imports)] // a test may need only some of them

mod digests;
mod tape;
mod toolbox;

pub(crate) use digests::{Size, digests};
pub(crate) use tape::BasicNn;
pub(crate) use toolbox::{indices, toolbox};

use gradus::data::Arrays;
use gradus::data::mnist::Digits;
use gradus::layers::{Activation, BatchNorm, Conv2d, Dense, Dropout, Flatten, MaxPool2d, Reshape};
use gradus::losses::CategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::{Adam, RmsProp, Sgd};
use gradus::{Compile, Model, Sequential};

pub(crate) fn dense_linear() -> Sequential {
    Sequential::new([28, 28])
        .add(Flatten)
        .add(Dense::new(600))
        .add(Dense::new(400).activation(Activation::Relu))
        .add(Dense::new(10).activation(Activation::Softmax))
}

pub(crate) fn lenet5() -> Sequential {
    Sequential::new([28, 28, 1])
        .add(Conv2d::new(6, 2))
        .add(MaxPool2d::new(2))
        .add(Activation::Sigmoid)
        .add(Conv2d::new(16, 5))
        .add(MaxPool2d::new(2))
        .add(Activation::Sigmoid)
        .add(Conv2d::new(120, 4))
        .add(Flatten)
        .add(Dense::new(84))
        .add(Activation::Tanh)
        .add(Dense::new(10))
        .add(Activation::Softmax)
}

pub(crate) fn dropout_mlp() -> Sequential {
    Sequential::new([28, 28])
        .add(Flatten)
        .add(Dense::new(512).activation(Activation::Relu))
        .add(Dropout::new(0.2))
        .add(Dense::new(512).activation(Activation::Relu))
        .add(Dropout::new(0.2))
        .add(Dense::new(10).activation(Activation::Softmax))
}

pub(crate) fn deep_sigmoid() -> Sequential {
    let sigmoid = |units: usize| Dense::new(units).activation(Activation::Sigmoid);
    Sequential::new([28, 28])
        .add(Reshape::new(784))
        .add(BatchNorm::new())
        .add(sigmoid(200))
        .add(sigmoid(100))
        .add(sigmoid(60))
        .add(sigmoid(30))
        .add(Dense::new(10).activation(Activation::Softmax))
}

/// Each notebook with a compiled model: its network, and the settings, seed, batch size and rows of its example.
pub(crate) struct Notebook {
    pub(crate) name: &'static str,
    pub(crate) batch_size: usize,
    pub(crate) network: fn() -> Sequential,
    compile: fn() -> Compile,
    seed: u64,
    raw: bool,
}

impl Notebook {
    pub(crate) const ALL: [Notebook; 4] = [
        Notebook {
            name: "dense_linear",
            batch_size: 100,
            network: dense_linear,
            compile: || Compile::new(Adam::default(), CategoricalCrossentropy::new()),
            seed: 1234,
            raw: false,
        },
        Notebook {
            name: "lenet5",
            batch_size: 128,
            network: lenet5,
            compile: || Compile::new(Sgd::new(0.01), CategoricalCrossentropy::new()),
            seed: 12345,
            raw: false,
        },
        Notebook {
            name: "dropout_mlp",
            batch_size: 32,
            network: dropout_mlp,
            compile: || Compile::new(RmsProp::default(), CategoricalCrossentropy::new()),
            seed: 1,
            raw: false,
        },
        Notebook {
            name: "deep_sigmoid",
            batch_size: 32,
            network: deep_sigmoid,
            compile: || Compile::new(Sgd::new(0.03), CategoricalCrossentropy::new()),
            seed: 42,
            raw: true,
        },
    ];

    pub(crate) fn model(&self, threads: usize) -> Model {
        (self.network)().compile((self.compile)().metric(Accuracy).seed(self.seed).threads(threads)).unwrap()
    }

    pub(crate) fn data(&self, digits: &Digits) -> Arrays {
        let pixels = if self.raw { digits.raw() } else { digits.normalized() };
        pixels.and_then(|pixels| pixels.one_hot(10)).unwrap()
    }
}
