//! The benchmarked models in rustyml. Its dense layers are initialized as by Glorot and Bengio, without another
//! option, so basic_nn has other initial weights than the notebook, which does not affect the time.

use gradus_peers::{Digits, Model, Options, Result};
use ndarray::{Array, Array2, IxDyn};
use rustyml::prelude::neural_network::*;

const SEED: u64 = 12345;

fn network(model: Model) -> Result<SequentialBuilder> {
    let network = SequentialBuilder::new_with_seed(SEED);
    Ok(match model {
        Model::DenseLinear => network
            .add(Dense::new(600, Activation::Linear)?)
            .add(Dense::new(400, Activation::ReLU)?)
            .add(Dense::new(10, Activation::Linear)?),
        Model::BasicNn => network.add(Dense::new(200, Activation::ReLU)?).add(Dense::new(10, Activation::Linear)?),
        Model::DropoutMlp => network
            .add(Dense::new(512, Activation::ReLU)?)
            .add(Dropout::new(0.2)?)
            .add(Dense::new(512, Activation::ReLU)?)
            .add(Dropout::new(0.2)?)
            .add(Dense::new(10, Activation::Linear)?),
        Model::Lenet5 => network
            .add(Conv2D::new(6, (2, 2), (1, 1), Activation::Linear)?)
            .add(MaxPooling2D::new((2, 2)))
            .add(Sigmoid::new())
            .add(Conv2D::new(16, (5, 5), (1, 1), Activation::Linear)?)
            .add(MaxPooling2D::new((2, 2)))
            .add(Sigmoid::new())
            .add(Conv2D::new(120, (4, 4), (1, 1), Activation::Linear)?)
            .add(Flatten::new())
            .add(Dense::new(84, Activation::Tanh)?)
            .add(Dense::new(10, Activation::Linear)?),
        Model::DeepSigmoid => network
            .add(BatchNormalization::new(0.99, 1e-3)?)
            .add(Dense::new(200, Activation::Sigmoid)?)
            .add(Dense::new(100, Activation::Sigmoid)?)
            .add(Dense::new(60, Activation::Sigmoid)?)
            .add(Dense::new(30, Activation::Sigmoid)?)
            .add(Dense::new(10, Activation::Linear)?),
    })
}

fn main() -> Result<()> {
    let options = Options::parse()?;
    let model = Model::named(&options.model)?;
    let digits = Digits::load(&options)?;
    let rows = digits.labels.len();
    let shape: &[usize] = if model == Model::Lenet5 { &[rows, 28, 28, 1] } else { &[rows, 784] };
    let pixels = Array::from_shape_vec(IxDyn(shape), digits.pixels)?;
    let mut targets = Array2::zeros((rows, 10));
    digits.labels.iter().enumerate().for_each(|(row, label)| targets[[row, usize::from(*label)]] = 1.0);
    let targets = targets.into_dyn();
    let mut network = network(model)?.build(&Shape::known(shape))?;
    let loss = CategoricalCrossEntropy::new(true);
    match model {
        Model::DenseLinear | Model::BasicNn => network.compile(Adam::new(0.001, 0.9, 0.999, 1e-7, 0.0)?, loss),
        Model::Lenet5 => network.compile(SGD::new(0.01, 0.0, false, 0.0)?, loss),
        Model::DeepSigmoid => network.compile(SGD::new(0.03, 0.0, false, 0.0)?, loss),
        Model::DropoutMlp => network.compile(RMSprop::new(0.001, 0.9, 1e-7, 0.0)?, loss),
    };
    options.run(|| {
        let history = network.fit_with_batches(&pixels, &targets, 1, model.batch_size())?;
        Ok(f64::from(history.loss()[0]))
    })
}
