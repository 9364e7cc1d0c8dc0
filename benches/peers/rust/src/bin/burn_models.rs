//! The benchmarked models in burn, with its CPU backend flex and autodiff.

use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Initializer, Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, RmsPropConfig, SgdConfig};
use burn::prelude::*;
use burn::tensor::TensorData;
use burn::tensor::activation::{relu, sigmoid};
use gradus_peers::{Digits, Model, Options, Result};

const GLOROT: Initializer = Initializer::XavierUniform { gain: 1.0 };

#[derive(Module, Debug)]
struct Network {
    #[module(skip)]
    model: Model,
    norm: Option<BatchNorm>,
    convolutions: Vec<Conv2d>,
    pool: MaxPool2d,
    dense: Vec<Linear>,
    dropout: Dropout,
}

impl Network {
    fn new(model: Model, device: &Device) -> Network {
        let norm = BatchNormConfig::new(784).with_epsilon(1e-3).with_momentum(0.01);
        let convolutions: &[[usize; 3]] =
            if model == Model::Lenet5 { &[[1, 6, 2], [6, 16, 5], [16, 120, 4]] } else { &[] };
        Network {
            model,
            norm: (model == Model::DeepSigmoid).then(|| norm.init(device)),
            convolutions: convolutions.iter().map(|sizes| convolution(*sizes, device)).collect(),
            pool: MaxPool2dConfig::new([2, 2]).init(),
            dense: model.dense().windows(2).map(|sizes| dense(model, [sizes[0], sizes[1]], device)).collect(),
            dropout: DropoutConfig::new(0.2).init(),
        }
    }

    /// Logits of rows of 784 pixels.
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let dense = &self.dense;
        match self.model {
            Model::DenseLinear => dense[2].forward(relu(dense[1].forward(dense[0].forward(x)))),
            Model::BasicNn => dense[1].forward(relu(dense[0].forward(x))),
            Model::DropoutMlp => {
                let x = self.dropout.forward(relu(dense[0].forward(x)));
                dense[2].forward(self.dropout.forward(relu(dense[1].forward(x))))
            }
            Model::Lenet5 => {
                let rows = x.dims()[0];
                let x = self.convolutions[0].forward(x.reshape([rows, 1, 28, 28]));
                let x = self.convolutions[1].forward(sigmoid(self.pool.forward(x)));
                let x = self.convolutions[2].forward(sigmoid(self.pool.forward(x)));
                dense[1].forward(dense[0].forward(x.flatten(1, 3)).tanh())
            }
            Model::DeepSigmoid => {
                let x = self.norm.as_ref().expect("made with the model").forward(x);
                dense[4].forward(dense[..4].iter().fold(x, |x, layer| sigmoid(layer.forward(x))))
            }
        }
    }
}

fn dense(model: Model, [inputs, outputs]: [usize; 2], device: &Device) -> Linear {
    let config = LinearConfig::new(inputs, outputs);
    if model == Model::BasicNn {
        return config.with_initializer(Initializer::Normal { mean: 0.5, std: 0.7 }).init(device);
    }
    let mut layer = config.with_initializer(GLOROT).init(device);
    layer.bias = Some(Initializer::Zeros.init([outputs], device));
    layer
}

fn convolution([inputs, outputs, side]: [usize; 3], device: &Device) -> Conv2d {
    let mut layer = Conv2dConfig::new([inputs, outputs], [side, side]).with_initializer(GLOROT).init(device);
    layer.bias = Some(Initializer::Zeros.init([outputs], device));
    layer
}

fn indices(values: impl ExactSizeIterator<Item = i32>, device: &Device) -> Tensor<1, Int> {
    let rows = values.len();
    Tensor::from_data(TensorData::new(values.collect(), [rows]), device)
}

fn main() -> Result<()> {
    let options = Options::parse()?;
    let model = Model::named(&options.model)?;
    let mut digits = Digits::load(&options)?;
    let device = Device::flex();
    device.seed(12345);
    let device = device.autodiff();
    let rows = digits.labels.len();
    let pixels = Tensor::<2>::from_data(TensorData::new(std::mem::take(&mut digits.pixels), [rows, 784]), &device);
    let labels = indices(digits.labels.iter().map(|label| i32::from(*label)), &device);
    // The optimizer takes and returns the model: a second owner would make every update a copy.
    let mut owned = Some(Network::new(model, &device));
    let (mut optimizer, rate) = match model {
        Model::DenseLinear | Model::BasicNn => (AdamConfig::new().with_epsilon(1e-8).init(), 0.001),
        Model::Lenet5 => (SgdConfig::new().init(), 0.01),
        Model::DeepSigmoid => (SgdConfig::new().init(), 0.03),
        Model::DropoutMlp => (RmsPropConfig::new().with_alpha(0.9).with_momentum(0.0).with_epsilon(1e-7).init(), 0.001),
    };
    let crossentropy = CrossEntropyLossConfig::new().init(&device);
    options.run(|| {
        let mut sum = 0.0;
        for batch in digits.permutation().chunks(model.batch_size()) {
            let at = indices(batch.iter().map(|row| *row as i32), &device);
            let network = owned.take().expect("given back by the last step");
            let logits = network.forward(pixels.clone().select(0, at.clone()));
            let loss = crossentropy.forward(logits, labels.clone().select(0, at));
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            owned = Some(optimizer.step(rate, network, gradients));
            sum += f64::from(loss.into_scalar::<f32>()) * batch.len() as f64;
        }
        Ok(sum / rows as f64)
    })
}
