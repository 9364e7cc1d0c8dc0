//! A training loop on the tape that was interrupted or killed ends with the same bits as an uninterrupted one.

use crate::child;
use gradus::data::{Arrays, Batches, Dataset};
use gradus::metrics::{Accuracy, F1Score, ScoredBatch};
use gradus::ops::Activation;
use gradus::optimizers::{Adam, Sgd};
use gradus::tape::{Mode, Params, Recorder, Tape, ValueId};
use gradus::{
    Checkpoints, Compile, Fit, Key, Progress, Sequential, TrainingState, layers::Dense, losses::MeanSquaredError,
};
use ndarray::{Array, Array2, IxDyn};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;
use tempfile::tempdir;

const ROWS: usize = 40;
const BATCH: usize = 8;
const EPOCHS: u64 = 30;

/// A network with dropout, so that a step depends on its key.
fn network(params: &mut Params) -> (Tape, [ValueId; 4]) {
    let mut add = |name: &str, sizes: &[usize]| {
        let draws = &mut Key::from_seed(3).split_name(name).draws(0);
        let values = Array::from_shape_simple_fn(IxDyn(sizes), || draws.below(1000) as f32 / 1000.0 - 0.5);
        params.add(name, &values).unwrap()
    };
    let ids = [add("w1", &[4, 6]), add("b1", &[6]), add("w2", &[6, 3]), add("b2", &[3])];
    let recorder = Recorder::new(Mode::Training);
    let (x, t) = (recorder.input([BATCH, 4]), recorder.input([BATCH, 3]));
    let [w1, b1, w2, b2] = ids.map(|id| recorder.parameter(params, id));
    let logits = x.affine(w1, b1, Activation::Tanh).dropout(0.25).affine(w2, b2, Activation::Linear);
    let (probabilities, loss) = (logits.softmax(), logits.softmax_crossentropy(t));
    recorder.minimize(loss);
    let ids = [x, t, probabilities, loss].map(|var| var.id());
    (recorder.finish().unwrap(), ids)
}

fn state(params: Params, seed: u64) -> TrainingState {
    let state = TrainingState::new(params, Adam::new(0.05).amsgrad(true)).unwrap();
    let state = state.metric(Accuracy).unwrap().metric(F1Score::default()).unwrap();
    state.steps_per_epoch((ROWS / BATCH) as u64).unwrap().setting("seed", seed as f64).unwrap()
}

/// Trains up to a step, from the newest checkpoint in the folder if there is one, with a checkpoint after every second step.
fn train(folder: &Path, steps: u64, pause: Duration) -> TrainingState {
    let inputs = Array2::from_shape_fn((ROWS, 4), |(row, column)| ((row * 7 + column * 5) % 13) as f32 / 13.0);
    let targets = Array2::from_shape_fn((ROWS, 3), |(row, column)| f32::from(u8::from(row % 3 == column)));
    let data = Arrays::new(inputs, targets).unwrap();
    let mut params = Params::new();
    let (mut tape, [x, t, probabilities, loss]) = network(&mut params);
    let mut state = state(params, 1);
    let mut checkpoints = Checkpoints::new(folder).every_steps(2);
    if let Some(checkpoint) = checkpoints.resume().unwrap() {
        state.resume(&checkpoint).unwrap();
    }
    let (key, mut batches) = (Key::from_seed(1), Batches::new(ROWS, BATCH).unwrap());
    while state.step() < steps {
        batches.shuffle(key.split(state.epoch()));
        let [inputs, targets] = tape.input_slices([x, t]);
        data.gather(batches.batch(state.batch()), inputs, targets);
        state.train_step(&mut tape, key).unwrap();
        let batch = ScoredBatch::values(tape.view(probabilities), tape.view(t));
        state.add(f64::from(tape.value(loss).sum()), &batch).unwrap();
        if state.batch() == 0 {
            state.report(None);
        }
        if checkpoints.is_due(state.step()) || state.step() == steps {
            state.save(&mut checkpoints).unwrap();
        }
        std::thread::sleep(pause);
    }
    state
}

/// The state except for seconds: parameters, counters, history. Later parameters follow from the optimizer's state.
fn result(state: &TrainingState) -> String {
    let epochs = state.history().epochs.iter().map(|epoch| (epoch.number, &epoch.scores, epoch.learning_rate));
    let epochs: Vec<_> = epochs.collect();
    let (digest, unit) = (state.params().sha256(), state.history().unit);
    format!("{digest} {unit} {} {} {epochs:?}", state.epoch(), state.step())
}

#[test]
fn a_loop_that_stops_at_any_step_ends_with_the_same_bits() {
    let whole = tempdir().unwrap();
    let whole = result(&train(whole.path(), 23, Duration::ZERO));
    for first in [1, 4, 5, 12] {
        let folder = tempdir().unwrap();
        train(folder.path(), first, Duration::ZERO);
        assert_eq!(result(&train(folder.path(), 23, Duration::ZERO)), whole, "stopped after step {first}");
    }
}

const STEPS: u64 = EPOCHS * (ROWS / BATCH) as u64;

fn spawn(folder: &Path) -> Child {
    let mut command = child::command("training_state::a_loop_that_is_killed_ends_with_the_same_bits", folder);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_loop_that_is_killed_ends_with_the_same_bits() {
    if let Some(folder) = child::argument() {
        let state = train(Path::new(&folder), STEPS, Duration::from_millis(4));
        return child::report(&result(&state).replace('\n', " "));
    }
    let folder = tempdir().unwrap();
    let reached = || Checkpoints::new(folder.path()).resume().unwrap().map_or(0, |checkpoint| checkpoint.step());
    let mut steps = vec![0];
    for _ in 0..3 {
        let mut child = spawn(folder.path());
        while reached() <= *steps.last().unwrap() {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        steps.push(reached());
    }
    assert!(steps.is_sorted() && steps[3] < STEPS, "{steps:?}");
    let resumed = child::reported(&spawn(folder.path()).wait_with_output().unwrap()).remove(0);
    let whole = tempdir().unwrap();
    assert_eq!(resumed, result(&train(whole.path(), STEPS, Duration::ZERO)));
}

#[test]
fn checkpoints_of_other_runs_are_rejected_without_changes() {
    let folder = tempdir().unwrap();
    train(folder.path(), 7, Duration::ZERO);
    let checkpoint = Checkpoints::new(folder.path()).resume().unwrap().unwrap();
    let params = || {
        let mut params = Params::new();
        network(&mut params);
        params
    };
    let rejected = |mut state: TrainingState, expected: &str| {
        let unchanged = result(&state);
        let message = state.resume(&checkpoint).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert_eq!(result(&state), unchanged);
    };
    rejected(
        state(params(), 2),
        "it was trained with seed 1, expected 2; resume with the settings it was written with",
    );
    let other = TrainingState::new(params(), Sgd::new(0.1)).unwrap();
    rejected(other, "its optimizer is not Sgd(");
    let adam = || Adam::new(0.05).amsgrad(true);
    let rows = TrainingState::new(params(), adam()).unwrap().setting("rows", 40.0).unwrap();
    rejected(rows, "it has no number \"rows\"");
    let mut fewer = Params::new();
    fewer.add("w1", &Array2::<f32>::zeros((4, 6))).unwrap();
    rejected(TrainingState::new(fewer, adam()).unwrap(), "it has more optimizer arrays than the optimizer");

    let mut model =
        Sequential::new([4]).add(Dense::new(1)).compile(Compile::new(adam(), MeanSquaredError::new())).unwrap();
    let data = Arrays::new(Array2::<f32>::ones((2, 4)), Array2::<f32>::ones((2, 1))).unwrap();
    let folder = tempdir().unwrap();
    model.fit(&data, Fit::new().progress(Progress::Quiet).checkpoints(Checkpoints::new(folder.path()))).unwrap();
    let of_model = Checkpoints::new(folder.path()).resume().unwrap().unwrap();
    let message = state(params(), 1).resume(&of_model).unwrap_err().to_string();
    assert!(message.contains("Model::fit wrote it, not a training loop on the tape; "), "{message}");
}

#[test]
fn settings_out_of_range_are_errors() {
    let state = || TrainingState::new(Params::new(), Adam::default()).unwrap();
    let message = state().steps_per_epoch(0).unwrap_err().to_string();
    assert_eq!(message, "TrainingState: steps_per_epoch must be at least 1, got 0");
    for name in ["step", "loss/sum", "seed"] {
        let message = state().setting("seed", 1.0).unwrap().setting(name, 2.0).unwrap_err().to_string();
        assert!(
            message.starts_with(&format!("TrainingState: found the setting name \"{name}\", expected a unique name ")),
            "{message}"
        );
    }
    assert!(TrainingState::new(Params::new(), Adam::new(-1.0)).is_err());
}
