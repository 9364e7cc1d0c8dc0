//! The models that are benchmarked: those of the five notebooks, each with its optimizer and batch size, and other networks.

mod networks;
mod options;
mod tape;

pub use networks::Network;
pub use options::Options;

use gradus::data::mnist::Digits;
use gradus::data::{Arrays, Dataset};
use gradus::layers::{Activation, BatchNorm, Conv2d, Dense, Dropout, Flatten, MaxPool2d};
use gradus::losses::CategoricalCrossentropy;
use gradus::optimizers::{Adam, RmsProp, Sgd};
use gradus::{Compile, Fit, Model, Progress, Result, Sequential};
use std::time::Instant;
use tape::TapeNetwork;

/// A notebook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notebook {
    /// 784 → 600 → 400 relu → 10 softmax, Adam, batch size 100.
    DenseLinear,
    /// A small LeNet-5, SGD, batch size 128.
    Lenet5,
    /// 784 → 512 relu → 512 relu → 10 softmax with dropout, RMSprop, batch size 32.
    DropoutMlp,
    /// 784 → 200 relu → 10, written on the tape, Adam, batch size 1000.
    BasicNn,
    /// Batch normalization and four sigmoid layers, SGD, batch size 32.
    DeepSigmoid,
}

impl Notebook {
    /// All five notebooks.
    pub const ALL: [Notebook; 5] =
        [Notebook::DenseLinear, Notebook::Lenet5, Notebook::DropoutMlp, Notebook::BasicNn, Notebook::DeepSigmoid];

    /// Name of the example.
    pub fn name(self) -> &'static str {
        match self {
            Notebook::DenseLinear => "dense_linear",
            Notebook::Lenet5 => "lenet5",
            Notebook::DropoutMlp => "dropout_mlp",
            Notebook::BasicNn => "basic_nn",
            Notebook::DeepSigmoid => "deep_sigmoid",
        }
    }

    /// Batch size of the notebook.
    pub fn batch_size(self) -> usize {
        match self {
            Notebook::DenseLinear => 100,
            Notebook::Lenet5 => 128,
            Notebook::DropoutMlp | Notebook::DeepSigmoid => 32,
            Notebook::BasicNn => 1000,
        }
    }

    /// The digits, preprocessed as in the notebook.
    ///
    /// # Errors
    /// The MNIST dataset was not found.
    pub fn data(self, digits: &Digits) -> Result<Arrays> {
        let pixels = if self == Notebook::DeepSigmoid { digits.raw()? } else { digits.normalized()? };
        pixels.one_hot(10)
    }

    /// The model, ready to train with this number of threads and batch size.
    ///
    /// # Errors
    /// Returns an error if the batch size is 1 and the model has batch normalization.
    pub fn training(self, threads: usize, batch_size: usize) -> Result<Training> {
        Ok(match self {
            Notebook::BasicNn => Training::Tape(Box::new(TapeNetwork::new(threads, batch_size)?)),
            _ => Training::Model(Box::new(self.model(threads)?), batch_size),
        })
    }

    /// The network as a compiled model, also for the notebook that is written on the tape.
    ///
    /// # Errors
    /// Returns an error if `threads` is 0.
    pub fn model(self, threads: usize) -> Result<Model> {
        let loss = CategoricalCrossentropy::new;
        let settings = match self {
            Notebook::DenseLinear | Notebook::BasicNn => Compile::new(Adam::default(), loss()),
            Notebook::Lenet5 => Compile::new(Sgd::new(0.01), loss()),
            Notebook::DropoutMlp => Compile::new(RmsProp::default(), loss()),
            Notebook::DeepSigmoid => Compile::new(Sgd::new(0.03), loss()),
        };
        self.network().compile(settings.threads(threads))
    }

    fn network(self) -> Sequential {
        let flat = Sequential::new([28, 28]).add(Flatten);
        let relu = |units: usize| Dense::new(units).activation(Activation::Relu);
        let sigmoid = |units: usize| Dense::new(units).activation(Activation::Sigmoid);
        let network = match self {
            Notebook::Lenet5 => return lenet5(),
            Notebook::DenseLinear => flat.add(Dense::new(600)).add(relu(400)),
            Notebook::DropoutMlp => flat.add(relu(512)).add(Dropout::new(0.2)).add(relu(512)).add(Dropout::new(0.2)),
            Notebook::BasicNn => flat.add(relu(200)),
            Notebook::DeepSigmoid => {
                flat.add(BatchNorm::new()).add(sigmoid(200)).add(sigmoid(100)).add(sigmoid(60)).add(sigmoid(30))
            }
        };
        network.add(Dense::new(10).activation(Activation::Softmax))
    }
}

fn lenet5() -> Sequential {
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

/// A model in training.
pub enum Training {
    /// A compiled model and its batch size.
    Model(Box<Model>, usize),
    /// A network on the tape.
    Tape(Box<TapeNetwork>),
}

impl Training {
    /// Trains one epoch. Returns its seconds, including shuffling and gathering of batches, and the mean loss.
    ///
    /// On a dataset of one batch this is one step, as a model keeps its recordings from one call to the next.
    ///
    /// # Errors
    /// Returns an error if the data does not fit the model.
    pub fn epoch(&mut self, data: &dyn Dataset) -> Result<(f64, f64)> {
        let start = Instant::now();
        let loss = match self {
            Training::Tape(network) => network.epoch(data)?,
            Training::Model(model, batch_size) => {
                let history = model.fit(data, Fit::new().batch_size(*batch_size).progress(Progress::Quiet))?;
                history.epochs.last().map_or(f64::NAN, |epoch| epoch.scores.loss)
            }
        };
        Ok((start.elapsed().as_secs_f64(), loss))
    }
}

/// The median, or NaN for an empty list.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    let (below, above) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    match (values.get(below), values.get(above)) {
        (Some(below), Some(above)) => (below + above) / 2.0,
        _ => f64::NAN,
    }
}
