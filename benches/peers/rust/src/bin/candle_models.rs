//! The benchmarked models in candle, with its CPU kernels.
//!
//! candle-nn has no RMSprop, so it is implemented here. The gradient of its `max_pool2d` is correct for even sizes only
//! (`backprop.rs` of candle-core 0.11.1), so the odd row and column that a pool of two would drop are cut before.

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::loss::cross_entropy;
use candle_nn::ops::{dropout, sigmoid};
use candle_nn::{
    AdamW, BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, Init, Linear, Module, ModuleT, Optimizer, ParamsAdamW,
    SGD, VarBuilder, VarMap, batch_norm, init,
};
use gradus_peers::{Digits, Model, Options};

struct Network {
    model: Model,
    norm: Option<BatchNorm>,
    convolutions: Vec<Conv2d>,
    dense: Vec<Linear>,
}

impl Network {
    fn new(model: Model, builder: &VarBuilder) -> Result<Network> {
        let norm = || {
            let config = BatchNormConfig { eps: 1e-3, momentum: 0.01, ..Default::default() };
            batch_norm(784, config, builder.pp("norm"))
        };
        let convolutions: &[[usize; 3]] =
            if model == Model::Lenet5 { &[[1, 6, 2], [6, 16, 5], [16, 120, 4]] } else { &[] };
        let convolutions = convolutions.iter().enumerate().map(|(at, sizes)| convolution(*sizes, builder, at));
        let dense = model.dense().windows(2).map(|sizes| dense(model, [sizes[0], sizes[1]], builder));
        Ok(Network {
            model,
            norm: (model == Model::DeepSigmoid).then(norm).transpose()?,
            convolutions: convolutions.collect::<Result<_>>()?,
            dense: dense.collect::<Result<_>>()?,
        })
    }

    /// Logits of rows of 784 pixels, or of images.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let dense = &self.dense;
        match self.model {
            Model::DenseLinear => dense[2].forward(&dense[1].forward(&dense[0].forward(x)?)?.relu()?),
            Model::BasicNn => dense[1].forward(&dense[0].forward(x)?.relu()?),
            Model::DropoutMlp => {
                let x = dropout(&dense[0].forward(x)?.relu()?, 0.2)?;
                dense[2].forward(&dropout(&dense[1].forward(&x)?.relu()?, 0.2)?)
            }
            Model::Lenet5 => {
                let x = self.convolutions[0].forward(x)?;
                let x = self.convolutions[1].forward(&sigmoid(&pool(&x)?)?)?;
                let x = self.convolutions[2].forward(&sigmoid(&pool(&x)?)?)?;
                dense[1].forward(&dense[0].forward(&x.flatten_from(1)?)?.tanh()?)
            }
            Model::DeepSigmoid => {
                let mut x = self.norm.as_ref().expect("made with the model").forward_t(x, true)?;
                for layer in &dense[..4] {
                    x = sigmoid(&layer.forward(&x)?)?;
                }
                dense[4].forward(&x)
            }
        }
    }
}

fn glorot(inputs: usize, outputs: usize) -> Init {
    let limit = (6.0 / (inputs + outputs) as f64).sqrt();
    Init::Uniform { lo: -limit, up: limit }
}

fn dense(model: Model, [inputs, outputs]: [usize; 2], builder: &VarBuilder) -> Result<Linear> {
    let normal = Init::Randn { mean: 0.5, stdev: 0.7 };
    let (weight, bias) = if model == Model::BasicNn { (normal, normal) } else { (glorot(inputs, outputs), init::ZERO) };
    let builder = builder.pp(format!("dense_{inputs}_{outputs}"));
    let weight = builder.get_with_hints((outputs, inputs), "weight", weight)?;
    Ok(Linear::new(weight, Some(builder.get_with_hints(outputs, "bias", bias)?)))
}

fn convolution([inputs, outputs, side]: [usize; 3], builder: &VarBuilder, at: usize) -> Result<Conv2d> {
    let builder = builder.pp(format!("convolution_{at}"));
    let first = glorot(inputs * side * side, outputs * side * side);
    let weight = builder.get_with_hints((outputs, inputs, side, side), "weight", first)?;
    let bias = builder.get_with_hints(outputs, "bias", init::ZERO)?;
    Ok(Conv2d::new(weight, Some(bias), Conv2dConfig::default()))
}

fn pool(x: &Tensor) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    x.narrow(2, 0, height / 2 * 2)?.narrow(3, 0, width / 2 * 2)?.contiguous()?.max_pool2d(2)
}

enum Rule {
    Sgd(SGD),
    Adam(AdamW),
    RmsProp(Vec<(Var, Tensor)>),
}

impl Rule {
    fn new(model: Model, variables: Vec<Var>) -> Result<Rule> {
        Ok(match model {
            Model::DenseLinear | Model::BasicNn => {
                Rule::Adam(AdamW::new(variables, ParamsAdamW { weight_decay: 0.0, ..Default::default() })?)
            }
            Model::Lenet5 => Rule::Sgd(SGD::new(variables, 0.01)?),
            Model::DeepSigmoid => Rule::Sgd(SGD::new(variables, 0.03)?),
            Model::DropoutMlp => {
                let with_square = |variable: Var| variable.zeros_like().map(|square| (variable, square));
                Rule::RmsProp(variables.into_iter().map(with_square).collect::<Result<_>>()?)
            }
        })
    }

    fn step(&mut self, gradients: &GradStore) -> Result<()> {
        match self {
            Rule::Sgd(rule) => rule.step(gradients),
            Rule::Adam(rule) => rule.step(gradients),
            Rule::RmsProp(state) => state.iter_mut().try_for_each(|(variable, square)| {
                let Some(gradient) = gradients.get(variable) else { return Ok(()) };
                *square = ((&*square * 0.9)? + (gradient.sqr()? * 0.1)?)?;
                let change = (gradient / (square.sqrt()? + 1e-7)?)?;
                variable.set(&(variable.as_tensor() - (change * 0.001)?)?)
            }),
        }
    }
}

fn main() -> gradus_peers::Result<()> {
    let options = Options::parse()?;
    let model = Model::named(&options.model)?;
    let mut digits = Digits::load(&options)?;
    let (rows, device) = (digits.labels.len(), Device::Cpu);
    let sample: &[usize] = if model == Model::Lenet5 { &[1, 28, 28] } else { &[784] };
    let pixels = Tensor::from_vec(std::mem::take(&mut digits.pixels), [&[rows], sample].concat(), &device)?;
    let labels = Tensor::from_iter(digits.labels.iter().map(|label| u32::from(*label)), &device)?;
    let variables = VarMap::new();
    let network = Network::new(model, &VarBuilder::from_varmap(&variables, DType::F32, &device))?;
    let mut rule = Rule::new(model, variables.all_vars())?;
    options.run(|| {
        let mut sum = 0.0;
        for batch in digits.permutation().chunks(model.batch_size()) {
            let at = Tensor::new(batch, &device)?;
            let logits = network.forward(&pixels.index_select(&at, 0)?)?;
            let loss = cross_entropy(&logits, &labels.index_select(&at, 0)?)?;
            rule.step(&loss.backward()?)?;
            sum += f64::from(loss.to_scalar::<f32>()?) * batch.len() as f64;
        }
        Ok(sum / rows as f64)
    })
}
