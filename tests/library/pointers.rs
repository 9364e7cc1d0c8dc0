//! Parts chosen at run time: `Box` and `Arc` of each kind of part give the same bits as the part.

use gradus::callbacks::LearningRateScheduler;
use gradus::constraints::{Constraint, MaxNorm};
use gradus::data::{Arrays, Dataset};
use gradus::initializers::{HeNormal, Initializer};
use gradus::layers::{Activation, BatchNorm, Dense, Layer};
use gradus::losses::{Huber, Loss};
use gradus::metrics::{MeanAbsoluteError, Metric};
use gradus::optimizers::schedules::{CosineDecay, Schedule};
use gradus::optimizers::{Adam, LearningRate, Optimizer, Sgd};
use gradus::regularizers::{L2, Regularizer};
use gradus::{Callback, Compile, Fit, Progress, Sequential};
use ndarray::Array2;
use std::sync::{Arc, Mutex};

fn data() -> Arrays {
    let inputs = Array2::from_shape_fn((24, 4), |(row, column)| ((3 * row + 5 * column) % 7) as f32 / 7.0);
    let targets = Array2::from_shape_fn((24, 2), |(row, column)| ((row + column) % 3) as f32);
    Arrays::new(inputs, targets).unwrap()
}

fn network() -> Sequential {
    Sequential::new([4]).add(Dense::new(8).activation(Activation::Tanh)).add(Dense::new(2))
}

fn settings() -> Compile {
    Compile::new(Sgd::new(0.1), Huber::new())
}

/// The weights and the history after three epochs.
fn fitted(network: &Sequential, settings: Compile, data: &dyn Dataset, fit: Fit<'_>) -> String {
    let mut model = network.compile(settings.seed(5)).unwrap();
    let history = model.fit(data, fit.epochs(3).batch_size(8).progress(Progress::Quiet)).unwrap();
    let scores: Vec<_> = history.epochs.iter().map(|epoch| (&epoch.scores, epoch.learning_rate)).collect();
    format!("{} {scores:?}", model.params().sha256())
}

fn trained(network: &Sequential, settings: Compile) -> String {
    fitted(network, settings, &data(), Fit::new())
}

/// Checks that `train` gives one result with a part, a `Box` and an `Arc` of it.
macro_rules! check {
    ($Trait:ident: $part:expr, |$chosen:ident| $train:expr) => {{
        let plain = {
            let $chosen = $part;
            $train
        };
        let boxed = {
            let $chosen: Box<dyn $Trait> = Box::new($part);
            $train
        };
        let shared = {
            let $chosen: Arc<dyn $Trait> = Arc::new($part);
            $train
        };
        assert_eq!(plain, boxed);
        assert_eq!(plain, shared);
    }};
}

#[test]
fn layers() {
    check!(Layer: BatchNorm::new(), |layer| trained(&network().add(layer), settings()));
    let layers: [Box<dyn Layer>; 2] = [Box::new(Dense::new(8).activation(Activation::Tanh)), Box::new(Dense::new(2))];
    let mut extended = Sequential::new([4]);
    extended.extend(layers);
    assert_eq!(trained(&extended, settings()), trained(&network(), settings()));
    let frozen: Arc<dyn Layer> = Arc::new(BatchNorm::new().frozen());
    assert!(frozen.thawed().is_some() && Arc::new(frozen).thawed().is_some());
}

#[test]
fn optimizers() {
    let adam = || Adam::new(0.01).amsgrad(true).weight_decay(0.01);
    check!(Optimizer: adam(), |optimizer| trained(&network(), Compile::new(optimizer, Huber::new())));
    let wrong: Box<dyn Optimizer> = Box::new(Adam::new(0.01).beta_1(2.0));
    assert!(network().compile(Compile::new(wrong, Huber::new())).is_err());
}

#[test]
fn schedules() {
    check!(Schedule: CosineDecay::new(0.1, 9), |schedule| {
        trained(&network(), Compile::new(Sgd::new(LearningRate::schedule(schedule)), Huber::new()))
    });
}

#[test]
fn losses() {
    check!(Loss: Huber::new(), |loss| trained(&network(), Compile::new(Sgd::new(0.1), loss)));
}

#[test]
fn metrics() {
    check!(Metric: MeanAbsoluteError, |metric| trained(&network(), settings().metric(metric)));
}

#[test]
fn initializers() {
    check!(Initializer: HeNormal, |initializer| {
        trained(&network().add(Dense::new(2).kernel_initializer(initializer)), settings())
    });
}

#[test]
fn constraints() {
    check!(Constraint: MaxNorm::new(0.1), |constraint| {
        trained(&network().add(Dense::new(2).kernel_constraint(constraint)), settings())
    });
}

#[test]
fn regularizers() {
    check!(Regularizer: L2::new(0.1), |regularizer| {
        trained(&network().add(Dense::new(2).kernel_regularizer(regularizer)), settings())
    });
}

#[test]
fn datasets() {
    check!(Dataset: data().with_sample_weight(vec![0.5; 24]).unwrap(), |data| {
        fitted(&network(), settings(), &data, Fit::new().validation(&data))
    });
}

/// Hooks of callbacks need `&mut self`, so a shared callback is behind a lock.
#[test]
fn callbacks() {
    let halving = || LearningRateScheduler::new(|epoch, rate| if epoch == 0 { rate } else { rate / 2.0 });
    let mut plain = halving();
    let expected = fitted(&network(), settings(), &data(), Fit::new().callback(&mut plain));
    let mut boxed: Box<dyn Callback> = Box::new(halving());
    assert_eq!(fitted(&network(), settings(), &data(), Fit::new().callback(&mut boxed)), expected);
    let mut shared: Arc<Mutex<dyn Callback>> = Arc::new(Mutex::new(halving()));
    assert_eq!(fitted(&network(), settings(), &data(), Fit::new().callback(&mut shared)), expected);
    assert_ne!(trained(&network(), settings()), expected);
}

#[test]
fn settings_are_clones_with_the_same_bits() {
    let settings = settings().metric(MeanAbsoluteError);
    assert_eq!(trained(&network(), settings.clone()), trained(&network(), settings));
}
