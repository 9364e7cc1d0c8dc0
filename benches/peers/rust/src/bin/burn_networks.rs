//! The networks of `networks.txt` in burn, with its CPU backend flex and autodiff.
//!
//! Images have their channels first. Strided convolutions pad symmetrically, which costs the same as `same`.

use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig, Conv2d, Conv2dConfig};
use burn::nn::gru::{Gru, GruConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Embedding, EmbeddingConfig, Linear, LinearConfig, Lstm, LstmConfig, PaddingConfig1d,
    PaddingConfig2d,
};
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn::tensor::activation::relu;
use burn::tensor::{Distribution, TensorData};
use gradus_peers::{Layer, Network, Options, Result};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

/// The values between layers.
#[derive(Clone)]
enum Value {
    Words(Tensor<2, Int>),
    Rows(Tensor<2>),
    /// Rows × channels × positions, or before recurrent layers rows × positions × channels.
    Steps(Tensor<3>),
    Images(Tensor<4>),
}

#[derive(Module, Debug)]
enum Part {
    Dense(Linear),
    Conv(Conv2d),
    Conv1d(Conv1d),
    Block(Block),
    Norm(BatchNorm),
    Pool(MaxPool2d),
    Embedding(Embedding),
    Lstm(Lstm),
    Gru(Gru),
    /// A function without weights, by its name.
    Function(String),
}

/// Two convolutions with a shortcut around them.
#[derive(Module, Debug)]
struct Block {
    first: Conv2d,
    first_norm: BatchNorm,
    second: Conv2d,
    second_norm: BatchNorm,
    shortcut: Option<(Conv2d, BatchNorm)>,
}

#[derive(Module, Debug)]
struct Parts {
    parts: Vec<Part>,
}

impl Parts {
    fn new(network: &Network, device: &Device) -> Parts {
        let mut shape = network.shape.clone();
        let parts = network.layers.iter().filter(|layer| layer.kind != "reproduce");
        Parts { parts: parts.map(|layer| part(layer, &mut shape, device)).collect() }
    }

    fn forward(&self, x: Value) -> Tensor<2> {
        match self.parts.iter().fold(x, |x, part| part.forward(x)) {
            Value::Rows(x) => x,
            _ => panic!("the output must have one axis besides the rows"),
        }
    }
}

fn norm(channels: usize, device: &Device) -> BatchNorm {
    BatchNormConfig::new(channels).with_epsilon(1e-3).with_momentum(0.01).init(device)
}

fn convolution(channels: [usize; 2], side: usize, stride: usize, groups: usize, device: &Device) -> Conv2d {
    let pad = side / 2;
    let config = Conv2dConfig::new(channels, [side, side]).with_stride([stride, stride]).with_groups(groups);
    config.with_padding(PaddingConfig2d::Explicit(pad, pad, pad, pad)).init(device)
}

/// Creates a layer, and updates the shape of a sample, channels last.
fn part(layer: &Layer, shape: &mut Vec<usize>, device: &Device) -> Part {
    let sizes = &layer.sizes;
    let channels = shape.last().copied().unwrap_or_default();
    let mut strided = |stride: usize| {
        let stride = sizes.get(stride).copied().unwrap_or(1);
        shape[..2].iter_mut().for_each(|size| *size = size.div_ceil(stride));
        stride
    };
    match layer.kind.as_str() {
        "dense" => {
            *shape = vec![sizes[0]];
            Part::Dense(LinearConfig::new(channels, sizes[0]).init(device))
        }
        "conv" => {
            let stride = strided(2);
            shape[2] = sizes[0];
            Part::Conv(convolution([channels, sizes[0]], sizes[1], stride, 1, device))
        }
        "depthwise" => Part::Conv(convolution([channels, channels], sizes[0], strided(1), channels, device)),
        "conv1d" => {
            shape[1] = sizes[0];
            let config = Conv1dConfig::new(channels, sizes[0], sizes[1]).with_padding(PaddingConfig1d::Same);
            Part::Conv1d(config.init(device))
        }
        "block" => {
            let (filters, stride) = (sizes[0], strided(1));
            shape[2] = filters;
            let narrow = stride > 1 || filters != channels;
            let shortcut =
                narrow.then(|| (convolution([channels, filters], 1, stride, 1, device), norm(filters, device)));
            Part::Block(Block {
                first: convolution([channels, filters], 3, stride, 1, device),
                first_norm: norm(filters, device),
                second: convolution([filters, filters], 3, 1, 1, device),
                second_norm: norm(filters, device),
                shortcut,
            })
        }
        "norm" => Part::Norm(norm(channels, device)),
        "pool" => {
            shape[..2].iter_mut().for_each(|size| *size /= 2);
            Part::Pool(MaxPool2dConfig::new([2, 2]).init())
        }
        "embedding" => {
            shape.push(sizes[1]);
            Part::Embedding(EmbeddingConfig::new(sizes[0], sizes[1]).init(device))
        }
        "lstm" => {
            *shape = vec![sizes[0]];
            Part::Lstm(LstmConfig::new(channels, sizes[0], true).init(device))
        }
        "gru" => {
            *shape = vec![sizes[0]];
            Part::Gru(GruConfig::new(channels, sizes[0], true).init(device))
        }
        kind => {
            match kind {
                "flatten" => *shape = vec![shape.iter().product()],
                "global" => *shape = vec![channels],
                _ => {}
            }
            Part::Function(kind.to_owned())
        }
    }
}

impl Part {
    fn forward(&self, x: Value) -> Value {
        match (self, x) {
            (Part::Dense(layer), Value::Rows(x)) => Value::Rows(layer.forward(x)),
            (Part::Conv(layer), Value::Images(x)) => Value::Images(layer.forward(x)),
            (Part::Conv1d(layer), Value::Steps(x)) => Value::Steps(layer.forward(x)),
            (Part::Block(block), Value::Images(x)) => Value::Images(block.forward(x)),
            (Part::Norm(layer), Value::Rows(x)) => Value::Rows(layer.forward(x)),
            (Part::Norm(layer), Value::Steps(x)) => Value::Steps(layer.forward(x)),
            (Part::Norm(layer), Value::Images(x)) => Value::Images(layer.forward(x)),
            (Part::Pool(layer), Value::Images(x)) => Value::Images(layer.forward(x)),
            (Part::Embedding(layer), Value::Words(x)) => Value::Steps(layer.forward(x)),
            (Part::Lstm(layer), Value::Steps(x)) => Value::Rows(layer.forward(x, None).1.hidden),
            (Part::Gru(layer), Value::Steps(x)) => {
                let steps = x.dims()[1];
                Value::Rows(layer.forward(x, None).slice_dim(1, steps - 1..steps).squeeze_dim(1))
            }
            (Part::Function(name), x) => applied(name, x),
            _ => panic!("the layer does not take values of this kind"),
        }
    }
}

impl Block {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = relu(self.first_norm.forward(self.first.forward(x.clone())));
        let y = self.second_norm.forward(self.second.forward(y));
        let x = self.shortcut.as_ref().map_or(x.clone(), |(layer, norm)| norm.forward(layer.forward(x)));
        relu(x + y)
    }
}

fn applied(name: &str, x: Value) -> Value {
    match (name, x) {
        ("relu", Value::Rows(x)) => Value::Rows(relu(x)),
        ("relu", Value::Steps(x)) => Value::Steps(relu(x)),
        ("relu", Value::Images(x)) => Value::Images(relu(x)),
        ("tanh", Value::Rows(x)) => Value::Rows(x.tanh()),
        ("flatten", Value::Images(x)) => Value::Rows(x.flatten(1, 3)),
        ("global", Value::Images(x)) => {
            let x: Tensor<3> = x.flatten(2, 3);
            Value::Rows(x.mean_dim(2).squeeze_dim(2))
        }
        ("global", Value::Steps(x)) => Value::Rows(x.mean_dim(2).squeeze_dim(2)),
        (name, _) => panic!("{name} does not take values of this kind"),
    }
}

/// The inputs of one epoch. Convolutions take them with the channels first.
fn inputs(network: &Network, rows: usize, device: &Device) -> Value {
    let words = network.layers.first().filter(|layer| layer.kind == "embedding").map(|layer| layer.sizes[0]);
    let convolutional = network.layers.iter().any(|layer| layer.kind.starts_with("conv"));
    let normal = Distribution::Normal(0.0, 1.0);
    match (&network.shape[..], words) {
        ([steps], Some(words)) => {
            let mut random = StdRng::seed_from_u64(1);
            let all = (0..rows * steps).map(|_| random.random_range(0..words as i32)).collect();
            Value::Words(Tensor::from_data(TensorData::new(all, [rows, *steps]), device))
        }
        ([width], None) => Value::Rows(Tensor::random([rows, *width], normal, device)),
        ([steps, channels], None) if convolutional => {
            Value::Steps(Tensor::random([rows, *channels, *steps], normal, device))
        }
        ([steps, channels], None) => Value::Steps(Tensor::random([rows, *steps, *channels], normal, device)),
        ([height, width, channels], None) => {
            Value::Images(Tensor::random([rows, *channels, *height, *width], normal, device))
        }
        _ => panic!("samples have at most three axes"),
    }
}

fn selected(x: &Value, at: Tensor<1, Int>) -> Value {
    match x {
        Value::Words(x) => Value::Words(x.clone().select(0, at)),
        Value::Rows(x) => Value::Rows(x.clone().select(0, at)),
        Value::Steps(x) => Value::Steps(x.clone().select(0, at)),
        Value::Images(x) => Value::Images(x.clone().select(0, at)),
    }
}

fn integers(values: Vec<i32>, device: &Device) -> Tensor<1, Int> {
    let rows = values.len();
    Tensor::from_data(TensorData::new(values, [rows]), device)
}

fn main() -> Result<()> {
    let options = Options::parse()?;
    let network = Network::named(&options.model)?;
    let device = Device::flex();
    device.seed(12345);
    let device = device.autodiff();
    let rows = (network.batch * network.steps).min(options.limit);
    let x = inputs(&network, rows, &device);
    let mut random = StdRng::seed_from_u64(2);
    let classes = network.layers.last().map_or(1, |layer| layer.sizes.first().copied().unwrap_or(1)) as i32;
    let labels = integers((0..rows).map(|_| random.random_range(0..classes)).collect(), &device);
    // The optimizer takes and returns the model: a second owner would make every update a copy.
    let mut owned = Some(Parts::new(&network, &device));
    let mut optimizer = AdamConfig::new().with_epsilon(1e-7).init();
    let crossentropy = CrossEntropyLossConfig::new().init(&device);
    let mut order: Vec<i32> = (0..rows as i32).collect();
    options.run(|| {
        let mut sum = 0.0;
        order.shuffle(&mut random);
        for batch in order.chunks(network.batch) {
            let at = integers(batch.to_vec(), &device);
            let model = owned.take().expect("given back by the last step");
            let x = selected(&x, at.clone());
            let output = model.forward(x.clone());
            let loss = match x {
                Value::Rows(x) if network.reproduces() => (output - x).square().mean(),
                _ => crossentropy.forward(output, labels.clone().select(0, at)),
            };
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            owned = Some(optimizer.step(0.001, model, gradients));
            sum += f64::from(loss.into_scalar::<f32>()) * batch.len() as f64;
        }
        Ok(sum / rows as f64)
    })
}
