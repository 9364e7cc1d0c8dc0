//! The calls of callbacks, and their effects on the model.

use gradus::callbacks::{LambdaCallback, TerminateOnNan};
use gradus::data::Arrays;
use gradus::layers::{Activation, Dense};
use gradus::losses::{MeanSquaredError, SparseCategoricalCrossentropy};
use gradus::metrics::Accuracy;
use gradus::optimizers::Sgd;
use gradus::{
    BatchEnd, Callback, CallbackState, Compile, EpochBegin, EpochEnd, Error, Fit, Flow, Model, Progress, Result,
    Sequential, Stop, TrainBegin, TrainEnd,
};
use ndarray::{Array1, Array2};
use std::sync::Mutex;
use tempfile::tempdir;

fn data() -> Arrays {
    let inputs = Array2::from_shape_fn((10, 4), |(row, column)| ((row * 7 + column * 3) % 11) as f32 / 11.0);
    Arrays::new(inputs, Array1::from_shape_fn(10, |row| (row % 3) as u8)).unwrap()
}

fn model() -> Model {
    let network = Sequential::new([4]).add(Dense::new(3).activation(Activation::Softmax));
    let settings = Compile::new(Sgd::new(0.5), SparseCategoricalCrossentropy::new()).metric(Accuracy).seed(3);
    network.compile(settings).unwrap()
}

/// Three batches an epoch.
fn quiet<'a>(epochs: usize) -> Fit<'a> {
    Fit::new().epochs(epochs).batch_size(4).progress(Progress::Quiet)
}

/// Records every call, and returns a given answer for one of them.
#[derive(Default)]
struct RecordedCalls {
    recorded: Vec<String>,
    answer: Option<(&'static str, Stop)>,
}

impl RecordedCalls {
    fn stopping(at: &'static str, stop: Stop) -> RecordedCalls {
        RecordedCalls { answer: Some((at, stop)), ..RecordedCalls::default() }
    }

    fn record(&mut self, moment: String) -> Result<Flow> {
        let stop = self.answer.filter(|(at, _)| *at == moment).map(|(_, stop)| stop);
        self.recorded.push(moment);
        Ok(stop.map_or(Flow::Continue(()), Flow::Break))
    }
}

impl Callback for RecordedCalls {
    fn train_begin(&mut self, model: &mut Model, begin: &TrainBegin<'_>) -> Result<()> {
        assert_eq!((begin.epoch, begin.batch, begin.batches), (model.epoch() + 1, 0, 3));
        assert!(begin.history.epochs.is_empty());
        let names: Vec<&str> = begin.scores.iter().map(|score| score.name.as_str()).collect();
        self.record(format!("train {} {}", begin.epochs, names.join(" "))).map(drop)
    }

    fn epoch_begin(&mut self, model: &mut Model, begin: &EpochBegin<'_>) -> Result<()> {
        assert_eq!(begin.history.epochs.len() as u64, model.epoch());
        self.record(format!("epoch {}/{}", begin.epoch, begin.epochs)).map(drop)
    }

    fn batch_end(&mut self, model: &mut Model, end: &BatchEnd<'_>) -> Result<Flow> {
        assert_eq!(model.step(), (end.epoch - 1) * 3 + end.batch as u64);
        if end.batch == 1 {
            assert_eq!(end.loss, end.scores.loss);
        }
        self.record(format!("batch {}/{}", end.batch, end.batches))
    }

    fn epoch_end(&mut self, model: &mut Model, end: &EpochEnd<'_>) -> Result<Flow> {
        assert_eq!((end.epoch.number, end.history.epochs.last()), (model.epoch(), Some(end.epoch)));
        self.record(format!("end {}/{}", end.epoch.number, end.epochs))
    }

    fn train_end(&mut self, _: &mut Model, end: &TrainEnd<'_>) -> Result<()> {
        self.record(format!("trained {} {:?}", end.history.epochs.len(), end.stop)).map(drop)
    }
}

const EPOCH: [&str; 3] = ["batch 1/3", "batch 2/3", "batch 3/3"];

#[test]
fn callbacks_are_called_in_order() {
    let (mut calls, data) = (RecordedCalls::default(), data());
    model().fit(&data, quiet(2).validation(&data).callback(&mut calls)).unwrap();
    let begin = ["train 2 loss accuracy val_loss val_accuracy", "epoch 1/2"];
    let expected = [&begin[..], &EPOCH, &["end 1/2", "epoch 2/2"], &EPOCH, &["end 2/2", "trained 2 None"]].concat();
    assert_eq!(calls.recorded, expected);
}

#[test]
fn a_stop_within_an_epoch_ends_it_unfinished() {
    let mut calls = RecordedCalls::stopping("batch 2/3", Stop::Paused);
    let mut model = model();
    let history = model.fit(&data(), quiet(5).callback(&mut calls)).unwrap();
    assert_eq!(calls.recorded[2..], ["batch 1/3", "batch 2/3", "trained 1 Some(Paused)"]);
    assert_eq!((history.epochs.len(), model.epoch(), model.step()), (1, 0, 2));
    let mut calls = RecordedCalls::stopping("end 1/5", Stop::Done);
    let mut model = self::model();
    model.fit(&data(), quiet(5).callback(&mut calls)).unwrap();
    assert_eq!(calls.recorded[4..], ["batch 3/3", "end 1/5", "trained 1 Some(Done)"]);
    assert_eq!((model.epoch(), model.step()), (1, 3));
}

#[test]
fn all_callbacks_are_called_and_done_takes_precedence_over_paused() {
    let mut diaries = [
        RecordedCalls::stopping("batch 1/3", Stop::Done),
        RecordedCalls::stopping("batch 1/3", Stop::Paused),
        RecordedCalls::default(),
    ];
    let settings = diaries.iter_mut().fold(quiet(2), |settings, calls| settings.callback(calls));
    model().fit(&data(), settings).unwrap();
    for calls in diaries {
        assert_eq!(calls.recorded[1..], ["epoch 1/2", "batch 1/3", "trained 1 Some(Done)"]);
    }
}

/// Changes the learning rate after each step.
struct Halving;

impl Callback for Halving {
    fn batch_end(&mut self, model: &mut Model, _: &BatchEnd<'_>) -> Result<Flow> {
        model.set_learning_rate(0.5 * model.learning_rate())?;
        Ok(Flow::Continue(()))
    }
}

#[test]
fn the_learning_rate_changes_the_steps_that_follow_and_stays_with_the_model() {
    let (mut halved, data) = (model(), data());
    let history = halved.fit(&data, quiet(1).callback(&mut Halving)).unwrap();
    assert_eq!((history.epochs[0].learning_rate, halved.learning_rate()), (0.125, 0.0625));
    let mut by_hand = model();
    for rate in [0.5, 0.25] {
        by_hand.set_learning_rate(rate).unwrap();
        by_hand.fit(&data, quiet(1).batch_size(10)).unwrap();
    }
    let mut by_callback = model();
    by_callback.fit(&data, quiet(2).batch_size(10).callback(&mut Halving)).unwrap();
    assert_eq!(by_callback.params().sha256(), by_hand.params().sha256());
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    halved.save(&path).unwrap();
    let mut loaded = Model::load(&path).unwrap();
    assert_eq!((loaded.learning_rate(), loaded.optimizer_state().unwrap().step(1).learning_rate), (0.0625, 0.5));
    loaded.fit(&data, quiet(1)).unwrap();
    halved.fit(&data, quiet(1)).unwrap();
    assert_eq!(loaded.params().sha256(), halved.params().sha256());
}

#[test]
fn invalid_learning_rates_are_rejected() {
    let mut model = model();
    for rate in [-0.1, f32::NAN, f32::INFINITY] {
        assert!(matches!(model.set_learning_rate(rate), Err(Error::Setting { name: "learning_rate", .. })));
    }
    assert_eq!(model.learning_rate(), 0.5);
}

/// Fails at the second step.
struct Failing;

impl Callback for Failing {
    fn batch_end(&mut self, _: &mut Model, end: &BatchEnd<'_>) -> Result<Flow> {
        if end.batch == 2 { Err(Error::other("no more")) } else { Ok(Flow::Continue(())) }
    }
}

#[test]
fn an_error_ends_training_and_the_model_keeps_its_weights() {
    let mut model = model();
    let error = model.fit(&data(), quiet(3).callback(&mut Failing)).unwrap_err();
    assert_eq!((error.to_string().as_str(), model.epoch(), model.step()), ("no more", 0, 2));
    assert_eq!(model.fit(&data(), quiet(1)).unwrap().epochs.len(), 1, "training can continue");
}

/// Restores the first weights at the end.
#[derive(Default)]
struct Back(Option<gradus::tape::Params>);

impl Callback for Back {
    fn train_begin(&mut self, model: &mut Model, _: &TrainBegin<'_>) -> Result<()> {
        self.0 = Some(model.params().clone());
        Ok(())
    }

    fn train_end(&mut self, model: &mut Model, _: &TrainEnd<'_>) -> Result<()> {
        self.0.take().map_or(Ok(()), |first| model.params_mut().assign(&first))
    }

    fn state(&self) -> Option<CallbackState> {
        self.0.as_ref().map(|first| CallbackState::new("Back").with_params(first))
    }
}

#[test]
fn weights_can_be_restored() {
    let mut model = model();
    let first = model.params().sha256();
    model.fit(&data(), quiet(2).callback(&mut Back::default())).unwrap();
    assert_eq!((model.params().sha256(), model.step()), (first, 6));
}

#[test]
fn callbacks_with_a_state_must_restore_it() {
    let back = Back(Some(model().params().clone()));
    let state = back.state().unwrap();
    assert_eq!(state.params().sha256(), model().params().sha256());
    let message = Back::default().restore(&state).unwrap_err().to_string();
    assert_eq!(message, "the callback Back has a state but does not implement restore");
}

/// Inputs and targets that a rate of 10³⁰ makes infinite in the second step.
fn diverging() -> (Model, Arrays) {
    let settings = Compile::new(Sgd::new(1e30), MeanSquaredError::new()).seed(3);
    let rows = Array2::from_shape_fn((10, 1), |(row, _)| 1.0 + row as f32);
    (
        Sequential::new([1]).add(Dense::new(1)).compile(settings).unwrap(),
        Arrays::new(&rows, rows.mapv(|x| 3.0 * x)).unwrap(),
    )
}

#[test]
fn training_ends_after_a_step_with_a_nan_loss() {
    let (mut model, data) = diverging();
    let mut calls = RecordedCalls::default();
    let mut terminate = TerminateOnNan;
    let fit = quiet(5).shuffle(false).callback(&mut terminate).callback(&mut calls);
    let history = model.fit(&data, fit).unwrap();
    assert_eq!(calls.recorded[2..], ["batch 1/3", "batch 2/3", "trained 1 Some(Done)"]);
    assert_eq!((model.step(), history.epochs.len()), (2, 1));
    assert!(!history.epochs[0].scores.loss.is_finite());
    let (mut untold, data) = diverging();
    untold.fit(&data, quiet(1).shuffle(false)).unwrap();
    assert_eq!(untold.step(), 3, "without it training continues");
    let mut steady = self::model();
    steady.fit(&self::data(), quiet(2).callback(&mut TerminateOnNan)).unwrap();
    assert_eq!(steady.step(), 6, "training continues with finite losses");
}

#[test]
fn closures_receive_the_calls_of_callbacks() {
    let recorded = Mutex::new(Vec::new());
    let record = |moment: String| recorded.lock().unwrap().push(moment);
    let mut closures = LambdaCallback::new()
        .on_train_begin(|_, begin| {
            record(format!("train {}", begin.epochs));
            Ok(())
        })
        .on_epoch_begin(|_, begin| {
            record(format!("epoch {}", begin.epoch));
            Ok(())
        })
        .on_batch_end(|model, end| {
            assert_eq!(model.step(), (end.epoch - 1) * 3 + end.batch as u64);
            record(format!("batch {}", end.batch));
            Ok(Flow::Continue(()))
        })
        .on_epoch_end(|_, end| {
            record(format!("end {}", end.epoch.number));
            Ok(if end.epoch.number == 2 { Flow::Break(Stop::Done) } else { Flow::Continue(()) })
        })
        .on_train_end(|_, end| {
            record(format!("trained {:?}", end.stop));
            Ok(())
        });
    model().fit(&data(), quiet(4).callback(&mut closures).callback(&mut LambdaCallback::new())).unwrap();
    drop(closures);
    let batches = ["batch 1", "batch 2", "batch 3"];
    let expected =
        [&["train 4", "epoch 1"][..], &batches, &["end 1", "epoch 2"], &batches, &["end 2", "trained Some(Done)"]];
    assert_eq!(recorded.into_inner().unwrap(), expected.concat());
}

#[test]
fn an_error_of_a_closure_ends_training() {
    let mut failing = LambdaCallback::new().on_epoch_begin(|_, _| Err(Error::other("not today")));
    let error = model().fit(&data(), quiet(1).callback(&mut failing)).unwrap_err();
    assert_eq!(error.to_string(), "not today");
}
