//! What the benchmarks share: the models of the five notebooks, each with its optimizer and batch size.

mod options;
mod tape;

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
    /// 784 → 600 → 400 relu → 10 softmax, Adam, batches of 100.
    DenseLinear,
    /// A small LeNet-5, SGD, batches of 128.
    Lenet5,
    /// 784 → 512 relu → 512 relu → 10 softmax with dropout, RMSprop, batches of 32.
    DropoutMlp,
    /// 784 → 200 relu → 10, written on the tape, Adam, batches of 1000.
    BasicNn,
    /// Batch normalisation and four sigmoid layers, SGD, batches of 32.
    DeepSigmoid,
}

impl Notebook {
    /// All five.
    pub const ALL: [Notebook; 5] =
        [Notebook::DenseLinear, Notebook::Lenet5, Notebook::DropoutMlp, Notebook::BasicNn, Notebook::DeepSigmoid];

    /// The example's name.
    pub fn name(self) -> &'static str {
        match self {
            Notebook::DenseLinear => "dense_linear",
            Notebook::Lenet5 => "lenet5",
            Notebook::DropoutMlp => "dropout_mlp",
            Notebook::BasicNn => "basic_nn",
            Notebook::DeepSigmoid => "deep_sigmoid",
        }
    }

    /// Rows in a batch.
    pub fn batch_size(self) -> usize {
        match self {
            Notebook::DenseLinear => 100,
            Notebook::Lenet5 => 128,
            Notebook::DropoutMlp | Notebook::DeepSigmoid => 32,
            Notebook::BasicNn => 1000,
        }
    }

    /// The digits as the notebook feeds them.
    ///
    /// # Errors
    /// There are none.
    pub fn data(self, digits: &Digits) -> Result<Arrays> {
        let pixels = if self == Notebook::DeepSigmoid { digits.raw()? } else { digits.normalized()? };
        pixels.one_hot(10)
    }

    /// The model, ready to train on so many threads, in batches of so many rows.
    ///
    /// # Errors
    /// Batches of one row where statistics are taken of them.
    pub fn training(self, threads: usize, batch_size: usize) -> Result<Training> {
        Ok(match self {
            Notebook::BasicNn => Training::Tape(Box::new(TapeNetwork::new(threads, batch_size)?)),
            _ => Training::Model(Box::new(self.model(threads)?), batch_size),
        })
    }

    /// The same as a compiled model; also of the notebook that has none.
    ///
    /// # Errors
    /// No thread at all.
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

/// A model that is being trained.
pub enum Training {
    /// A compiled model, and the rows in its batches.
    Model(Box<Model>, usize),
    /// A network on the tape.
    Tape(Box<TapeNetwork>),
}

impl Training {
    /// One epoch over `data`. Returns its seconds, shuffling and everything else included, and the mean loss.
    ///
    /// On a dataset of one batch this is one step: a model keeps what it recorded from one call to the next.
    ///
    /// # Errors
    /// Data that does not fit the model.
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

/// The middle value, or the mean of the middle two; NaN of none.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    let (below, above) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    match (values.get(below), values.get(above)) {
        (Some(below), Some(above)) => (below + above) / 2.0,
        _ => f64::NAN,
    }
}
