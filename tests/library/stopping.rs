//! Callbacks that monitor a score over many epochs, and schedules, resume after an interruption: training stops at the
//! same epoch, with the same restored weights.

use gradus::callbacks::{EarlyStopping, LearningRateScheduler, ReduceLrOnPlateau};
use gradus::data::{Arrays, mnist};
use gradus::layers::{Activation, BatchNorm, Dense, Dropout, Flatten};
use gradus::losses::CategoricalCrossentropy;
use gradus::metrics::{Accuracy, History};
use gradus::optimizers::schedules::ExponentialDecay;
use gradus::optimizers::{Adam, LearningRate};
use gradus::{BatchEnd, Callback, Checkpoints, Compile, Fit, Flow, Model, Progress, Result, Sequential, Stop};
use std::path::Path;
use std::sync::OnceLock;
use tempfile::tempdir;

/// Steps per epoch; the last batch is partial.
const BATCHES: u64 = 5;

/// Maximum number of epochs, more than training takes until it stops.
const MOST: usize = 40;

/// Few rows, so that the network soon overfits and the validation score worsens.
fn digits() -> &'static [Arrays; 2] {
    static DIGITS: OnceLock<[Arrays; 2]> = OnceLock::new();
    DIGITS.get_or_init(|| {
        let digits = mnist::load(None).unwrap();
        let parts = [digits.train.first(72), digits.test.first(60)];
        parts.map(|digits| digits.normalized().unwrap().one_hot(10).unwrap())
    })
}

fn model(rate: impl Into<LearningRate>, threads: usize) -> Model {
    let network = Sequential::new([28, 28])
        .add(Flatten)
        .add(Dense::new(24).activation(Activation::Relu))
        .add(BatchNorm::new())
        .add(Dropout::new(0.1))
        .add(Dense::new(10).activation(Activation::Softmax));
    let settings = Compile::new(Adam::new(rate), CategoricalCrossentropy::new()).metric(Accuracy);
    network.compile(settings.seed(3).threads(threads)).unwrap()
}

/// Pauses after a step.
struct Pause(u64);

impl Callback for Pause {
    fn batch_end(&mut self, model: &mut Model, _: &BatchEnd<'_>) -> Result<Flow> {
        Ok(if model.step() == self.0 { Flow::Break(Stop::Paused) } else { Flow::Continue(()) })
    }
}

/// The source of changes of the learning rate.
#[derive(Clone, Copy, Debug)]
enum Rate {
    /// A callback that monitors the score.
    Plateau,
    /// A schedule of the optimizer, by steps.
    Decay,
    /// A callback, by epochs.
    Scheduler,
    /// A schedule, until a callback that monitors the score replaces it.
    DecayAndPlateau,
}

/// The result of a training run.
#[derive(Clone, Debug, PartialEq)]
struct Ended {
    epoch: u64,
    best: usize,
    weights: String,
    /// The learning rates, and the history except for its seconds.
    history: String,
}

fn history(model: &Model, history: &History) -> String {
    let row = |epoch: &gradus::metrics::Epoch| {
        format!("{} {:?} {:?} {:?}\n", epoch.number, epoch.scores, epoch.validation, epoch.learning_rate)
    };
    format!("{:?}\n{}", model.learning_rate(), history.epochs.iter().map(row).collect::<String>())
}

/// Trains on `threads` threads, from the checkpoints in the folder if there are any, up to a step or until training
/// stops.
fn train(rate: Rate, folder: &Path, threads: usize, pause: u64) -> Ended {
    let [rows, unseen] = digits();
    let mut model = match rate {
        Rate::Decay | Rate::DecayAndPlateau => model(ExponentialDecay::new(0.02, 10, 0.9), threads),
        Rate::Plateau | Rate::Scheduler => model(0.02, threads),
    };
    let mut stopping = EarlyStopping::new("val_loss").patience(4).restore_best_weights(true);
    let mut reducing = ReduceLrOnPlateau::new("val_loss").factor(0.5).patience(2).cooldown(1);
    let mut scheduler = LearningRateScheduler::new(|_, rate| 0.9 * rate);
    let mut pause = Pause(pause);
    let fit = Fit::new().epochs(MOST).batch_size(16).validation(unseen).progress(Progress::Quiet);
    let fit = match rate {
        Rate::Plateau | Rate::DecayAndPlateau => fit.callback(&mut reducing),
        Rate::Scheduler => fit.callback(&mut scheduler),
        Rate::Decay => fit,
    };
    let fit = fit.callback(&mut stopping).callback(&mut pause);
    let resumed = model.fit(rows, fit.checkpoints(Checkpoints::new(folder).keep(1)).resume(folder)).unwrap();
    let best = stopping.best_epoch().unwrap_or(0);
    Ended { epoch: model.epoch(), best, weights: model.params().sha256(), history: history(&model, &resumed) }
}

/// The uninterrupted training, which must contain the tested events.
fn uninterrupted(rate: Rate) -> Ended {
    let folder = tempdir().unwrap();
    let whole = train(rate, folder.path(), 1, u64::MAX);
    assert!(1 < whole.best && whole.epoch == whole.best as u64 + 4 && whole.epoch < MOST as u64, "{whole:?}");
    let at_its_best = train(rate, tempdir().unwrap().path(), 2, whole.best as u64 * BATCHES);
    assert_eq!(at_its_best.weights, whole.weights, "{rate:?}: the weights are those of the best epoch");
    whole
}

/// Interrupts once, before and after the best epoch, within and between epochs.
fn check(rate: Rate) {
    let whole = uninterrupted(rate);
    let best = whole.best as u64;
    let within = [1, (best - 1) * BATCHES + 3, best * BATCHES + 2, (whole.epoch - 1) * BATCHES + 4];
    let between = [best * BATCHES, whole.epoch * BATCHES];
    for (at, step) in within.into_iter().chain(between).enumerate() {
        let folder = tempdir().unwrap();
        let paused = train(rate, folder.path(), 1, step);
        assert!(paused.epoch == (step - 1) / BATCHES, "{rate:?} was paused after step {step}: {paused:?}");
        assert_eq!(train(rate, folder.path(), [2, 3, 4, 7][at % 4], u64::MAX), whole, "{rate:?} after step {step}");
    }
}

#[test]
fn a_rate_that_falls_on_a_plateau() {
    check(Rate::Plateau);
}

#[test]
fn a_schedule_of_the_optimizer() {
    check(Rate::Decay);
}

#[test]
fn a_rate_by_epochs() {
    check(Rate::Scheduler);
}

#[test]
fn a_schedule_and_then_a_plateau() {
    let whole = uninterrupted(Rate::DecayAndPlateau);
    let schedule = uninterrupted(Rate::Decay);
    assert_ne!(whole.history, schedule.history, "the callback took the schedule's place");
    check(Rate::DecayAndPlateau);
}

#[test]
fn repeated_interruptions() {
    let (whole, folder) = (uninterrupted(Rate::Plateau), tempdir().unwrap());
    // Three steps at a time, so that every epoch is interrupted, before and after each of its steps.
    for (at, step) in (3..whole.epoch * BATCHES).step_by(3).enumerate() {
        train(Rate::Plateau, folder.path(), 1 + at % 4, step);
    }
    assert_eq!(train(Rate::Plateau, folder.path(), 2, u64::MAX), whole);
    assert_eq!(train(Rate::Plateau, folder.path(), 3, u64::MAX), whole, "who has stopped stays so");
}
