//! A NaN or infinite loss is detected after its step, its source is named, and the configured response is applied.

use gradus::data::Arrays;
use gradus::layers::{Activation, Dense};
use gradus::losses::SparseCategoricalCrossentropy;
use gradus::optimizers::Adam;
use gradus::{
    BatchEnd, Callback, Checkpoints, Compile, Divergence, Error, Fit, Flow, Model, Progress, Result, Sequential, Stop,
};
use ndarray::{Array1, Array2};
use tempfile::tempdir;

fn data() -> Arrays {
    let inputs = Array2::from_shape_fn((20, 4), |(row, column)| 0.1 + ((row * 7 + column * 3) % 11) as f32 / 11.0);
    Arrays::new(inputs, Array1::from_shape_fn(20, |row| (row % 3) as u8)).unwrap()
}

fn model() -> Model {
    let network = Sequential::new([4])
        .add(Dense::new(5))
        .add(Dense::new(6).activation(Activation::Sigmoid))
        .add(Dense::new(3).activation(Activation::Softmax));
    network.compile(Compile::new(Adam::new(0.1), SparseCategoricalCrossentropy::new()).seed(2)).unwrap()
}

/// Five steps per epoch.
fn quiet<'a>(epochs: usize) -> Fit<'a> {
    Fit::new().epochs(epochs).batch_size(4).progress(Progress::Quiet)
}

/// Everything that a step changes.
fn bits(model: &Model) -> String {
    let state = format!("{:?}", model.optimizer_state());
    // Without the ids that identify the parameters of a model.
    let state: Vec<&str> =
        state.split("Stamp(").map(|part| part.split_once(')').map_or(part, |(_, rest)| rest)).collect();
    format!("{} {}", model.params().sha256(), state.concat())
}

/// Sets a parameter to a value after some steps, and records the bits after each step.
#[derive(Default)]
struct Invalidate {
    steps: Vec<u64>,
    with: Option<(&'static str, f32)>,
    after: Vec<String>,
}

impl Invalidate {
    fn at(steps: &[u64], parameter: &'static str, value: f32) -> Invalidate {
        Invalidate { steps: steps.to_vec(), with: Some((parameter, value)), after: Vec::new() }
    }
}

impl Callback for Invalidate {
    fn batch_end(&mut self, model: &mut Model, _: &BatchEnd<'_>) -> Result<Flow> {
        self.after.push(bits(model));
        if let Some((parameter, value)) = self.with.filter(|_| self.steps.contains(&model.step())) {
            let id = model.params().id(parameter)?;
            model.params_mut().get_mut(id).fill(value);
        }
        Ok(Flow::Continue(()))
    }
}

/// The bits after each of fifteen undisturbed steps.
fn untouched() -> Vec<String> {
    let mut notes = Invalidate::default();
    model().fit(&data(), quiet(3).callback(&mut notes)).unwrap();
    notes.after
}

/// Where and when training diverged.
fn seen(error: &Error) -> (u64, u64, &str) {
    match error {
        Error::Diverged { epoch, step, place, .. } => (*epoch, *step, place),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_layer_whose_output_is_not_finite_is_named() {
    for (parameter, value, place) in [
        ("dense/kernel", f32::NAN, "the parameter dense/kernel"),
        ("dense_2/bias", f32::INFINITY, "the parameter dense_2/bias"),
        ("dense/kernel", f32::MAX, "the output of dense: affine"),
        ("dense_2/kernel", f32::MAX, "the output of dense_2: affine"),
    ] {
        let (mut invalidate, mut stop) = (Invalidate::at(&[7], parameter, value), Divergence::stop());
        let settings = quiet(3).callback(&mut invalidate).callback(&mut stop);
        let error = model().fit(&data(), settings).unwrap_err();
        let (epoch, step, found) = seen(&error);
        assert_eq!((epoch, step), (2, 8), "the step after the seventh");
        assert!(found.starts_with(place), "{found}");
    }
    let mut inputs = Array2::<f32>::ones((20, 4));
    inputs[(9, 1)] = f32::INFINITY;
    let invalid = Arrays::new(inputs, Array1::<u8>::zeros(20)).unwrap();
    let mut stop = Divergence::stop();
    let error = model().fit(&invalid, quiet(1).shuffle(false).callback(&mut stop)).unwrap_err();
    assert_eq!(seen(&error), (1, 3, "in the batch"));
    let message = "epoch 1, step 3: the loss is NaN, and the first value that is not finite is in the batch; ";
    assert!(error.to_string().starts_with(message), "{error}");
}

#[test]
fn without_the_callback_the_history_has_the_nan() {
    let mut invalidate = Invalidate::at(&[7], "dense/kernel", f32::NAN);
    let history = model().fit(&data(), quiet(3).callback(&mut invalidate)).unwrap();
    assert_eq!(history.get("loss").unwrap().iter().map(|loss| loss.is_nan()).collect::<Vec<_>>(), [false, true, true]);
}

#[test]
fn the_last_finite_weights_are_restored() {
    let expected = untouched();
    // Weights are copied after steps 2, 4, 6, …; they are good once the next step had a finite loss.
    for (invalid, good) in [(7, 6), (6, 4), (8, 6), (3, 2)] {
        for first in [true, false] {
            let mut invalidate = Invalidate::at(&[invalid], "dense/bias", f32::NAN);
            let mut restore = Divergence::restore_last_good().every_steps(2);
            let settings = quiet(3);
            let settings = match first {
                true => settings.callback(&mut invalidate).callback(&mut restore),
                false => settings.callback(&mut restore).callback(&mut invalidate),
            };
            let mut model = model();
            model.fit(&data(), settings).unwrap();
            assert_eq!(model.step(), invalid + 1, "training ends there");
            assert!(bits(&model) == expected[good - 1], "invalid after step {invalid}, good are those of step {good}");
            let [error] = restore.seen() else { panic!("{restore:?}") };
            assert_eq!(seen(error), ((invalid + 1).div_ceil(5), invalid + 1, "the parameter dense/bias"));
        }
    }
    let mut spoilt_at_once = model();
    let before = bits(&spoilt_at_once);
    let (mut invalidate, mut restore) = (Invalidate::at(&[1], "dense/bias", f32::NAN), Divergence::restore_last_good());
    spoilt_at_once.fit(&data(), quiet(3).callback(&mut invalidate).callback(&mut restore)).unwrap();
    assert!(bits(&spoilt_at_once) == before, "the weights of the beginning");
}

/// Applies `lower_rate` manually: after step 8, the weights after step 6 at half the rate.
#[derive(Default)]
struct ByHand(Option<(gradus::tape::Params, gradus::OptimizerState)>);

impl Callback for ByHand {
    fn batch_end(&mut self, model: &mut Model, _: &BatchEnd<'_>) -> Result<Flow> {
        match (model.step(), &self.0) {
            (6, _) => self.0 = Some((model.params().clone(), model.optimizer_state().unwrap().clone())),
            (8, Some((params, state))) => {
                model.params_mut().assign(params)?;
                *model.optimizer_state_mut().unwrap() = state.clone();
                model.set_learning_rate(0.5 * model.learning_rate())?;
            }
            _ => {}
        }
        Ok(Flow::Continue(()))
    }
}

#[test]
fn training_continues_from_the_last_finite_weights_at_a_lower_rate() {
    let (mut expected, mut by_hand) = (model(), ByHand::default());
    expected.fit(&data(), quiet(3).callback(&mut by_hand)).unwrap();
    let mut invalidate = Invalidate::at(&[7], "dense_2/kernel", f32::MAX);
    let (mut found, mut lower) = (model(), Divergence::lower_rate(0.5).every_steps(3));
    let history = found.fit(&data(), quiet(3).callback(&mut invalidate).callback(&mut lower)).unwrap();
    assert_eq!((found.step(), found.learning_rate(), lower.seen().len()), (15, 0.05, 1));
    assert!(bits(&found) == bits(&expected));
    let losses = history.get("loss").unwrap();
    assert!(losses[1].is_nan() && losses[2].is_finite());
}

#[test]
fn repeated_divergence_is_an_error_and_restores_the_last_finite_weights() {
    let mut invalidate = Invalidate::at(&[5, 7, 9], "dense/kernel", f32::NAN);
    let mut lower = Divergence::lower_rate(0.5).every_steps(2).most(2);
    let mut model = model();
    let error = model.fit(&data(), quiet(3).callback(&mut invalidate).callback(&mut lower)).unwrap_err();
    assert_eq!((seen(&error).1, lower.seen().len(), model.learning_rate()), (10, 2, 0.025));
    assert!(bits(&model) == invalidate.after[5], "those after step 6, kept for the second time");
}

#[test]
fn invalid_weights_of_the_last_update_are_detected_at_the_end_of_the_epoch() {
    let mut invalidate = Invalidate::at(&[5], "dense/bias", f32::INFINITY);
    let (mut model, mut restore) = (model(), Divergence::restore_last_good().every_steps(4));
    let history = model.fit(&data(), quiet(1).callback(&mut invalidate).callback(&mut restore)).unwrap();
    assert_eq!(seen(&restore.seen()[0]), (1, 5, "the parameter dense/bias"));
    assert!(history.get("loss").unwrap()[0].is_finite() && bits(&model) == untouched()[3]);
}

/// Pauses after a step.
struct Pause(u64);

impl Callback for Pause {
    fn batch_end(&mut self, model: &mut Model, _: &BatchEnd<'_>) -> Result<Flow> {
        Ok(if model.step() == self.0 { Flow::Break(Stop::Paused) } else { Flow::Continue(()) })
    }
}

#[test]
fn an_interruption_near_a_divergence_does_not_change_a_bit() {
    let folder = tempdir().unwrap();
    let train = |pause: u64, resume: bool| {
        let mut invalidate = Invalidate::at(&[7], "dense/bias", f32::NAN);
        let (mut model, mut lower, mut pause) = (model(), Divergence::lower_rate(0.5).every_steps(2), Pause(pause));
        let settings = quiet(3).callback(&mut invalidate).callback(&mut lower).callback(&mut pause);
        let settings = settings.checkpoints(Checkpoints::new(folder.path()));
        model.fit(&data(), if resume { settings.resume(folder.path()) } else { settings }).unwrap();
        (bits(&model), model.step(), model.learning_rate())
    };
    let expected = train(99, false);
    for step in 4..=10 {
        assert_eq!(train(step, false).1, step);
        assert!(train(99, true) == expected, "resumed after step {step}");
    }
}

#[test]
fn settings_out_of_range_are_errors() {
    let message =
        |mut divergence: Divergence| model().fit(&data(), quiet(1).callback(&mut divergence)).unwrap_err().to_string();
    assert_eq!(message(Divergence::lower_rate(1.0)), "Divergence: factor must be > 0 and < 1, got 1");
    assert_eq!(message(Divergence::lower_rate(f32::NAN)), "Divergence: factor must be > 0 and < 1, got NaN");
    assert_eq!(message(Divergence::stop().every_steps(0)), "Divergence: every_steps must be at least 1, got 0");
}
