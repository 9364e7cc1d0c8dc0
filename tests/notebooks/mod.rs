//! The networks of the five notebooks, which several tests train.
#![allow(dead_code, unused_imports)] // a test may need only some of them

mod tape;

pub(crate) use tape::BasicNn;

use gradus::Sequential;
use gradus::layers::{Activation, BatchNorm, Conv2d, Dense, Dropout, Flatten, MaxPool2d, Reshape};

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
