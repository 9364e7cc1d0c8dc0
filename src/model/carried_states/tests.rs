//! Tests of states that are carried from one batch to the next.

use super::*;
use crate::data::Arrays;
use crate::golden::{assert_close, load};
use crate::layers::{Bidirectional, Dense, Gru, Layer, Lstm, SimpleRnn};
use crate::losses::MeanSquaredError;
use crate::optimizers::Sgd;
use crate::{BatchEnd, Callback, Compile, Fit, Flow, Progress, Sequential, Stop};
use ndarray::{Array2, Array3, Ix3, s};

fn layer(case: &str) -> Box<dyn Layer> {
    match case {
        "simple_rnn" => Box::new(SimpleRnn::new(3).stateful(2)),
        "lstm" => Box::new(Lstm::new(3).stateful(2).return_sequences(true)),
        "gru" => Box::new(Gru::new(3).stateful(2)),
        "backwards" => Box::new(Gru::new(3).stateful(2).go_backwards(true)),
        "bidirectional" => Box::new(Bidirectional::new(Lstm::new(2).stateful(2))),
        other => panic!("{other} is not compared"),
    }
}

#[test]
fn outputs_and_losses_of_successive_batches_are_those_of_keras() {
    let cases = load("stateful.txt");
    for case in cases.cases() {
        let array = |name: &str| cases.array(&format!("{case}/{name}"));
        let network = Sequential::new([3, 2]).add(layer(case));
        let mut model = network.compile(Compile::new(Sgd::new(0.5), MeanSquaredError::new())).unwrap();
        let ids: Vec<_> = model.params().ids().filter(|id| !model.params().carried(*id)).collect();
        for (number, id) in ids.into_iter().enumerate() {
            let name = model.params().name(id).to_owned();
            model.params_mut().set(&name, array(&format!("w{number}"))).unwrap();
        }
        let near = |found: &ArrayD<f32>, name: &str| {
            assert_close(&format!("{case}/{name}"), found.view(), array(name).view(), 2e-6);
        };
        let batches = ["x0", "x1", "x2"].map(|name| array(name).clone().into_dimensionality::<Ix3>().unwrap());
        let all = ndarray::concatenate(ndarray::Axis(0), &batches.each_ref().map(|x| x.view())).unwrap();
        let together = model.predict(&all).unwrap();
        for (number, x) in batches.iter().enumerate() {
            let y = model.predict_next(x).unwrap();
            near(&y, &format!("p{number}"));
            assert_eq!(y, together.slice_axis(ndarray::Axis(0), (2 * number..2 * number + 2).into()), "{case}");
        }
        model.reset_states();
        near(&model.predict(&batches[0]).unwrap(), "p3");
        for (number, x) in batches.iter().enumerate() {
            let data = Arrays::new(x, array(&format!("t{number}"))).unwrap();
            let loss = model.train_on_batch(&data).unwrap().loss as f32;
            near(&ndarray::arr1(&[loss]).into_dyn(), &format!("l{number}"));
        }
    }
}

fn model() -> Model {
    let network = Sequential::new([3, 2]).add(Lstm::new(4).stateful(2)).add(Dense::new(1));
    network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()).seed(5)).unwrap()
}

fn data(rows: usize) -> Arrays {
    let x = Array3::from_shape_fn((rows, 3, 2), |(row, step, at)| ((row * 7 + step * 3 + at) % 5) as f32 / 5.0);
    Arrays::new(&x, Array2::from_shape_fn((rows, 1), |(row, _)| (row % 3) as f32)).unwrap()
}

#[test]
fn other_batch_sizes_are_rejected() {
    let mut model = model();
    let before = model.params().sha256();
    let x = Array3::<f32>::zeros((3, 3, 2));
    let message = |error: Error| error.to_string();
    let multiple = "found 3 rows, expected a multiple of 2, the rows of the model's stateful layers";
    assert_eq!(message(model.predict(&x).unwrap_err()), format!("samples: {multiple}"));
    assert_eq!(message(model.predict_next(&x).unwrap_err()), format!("samples: {multiple}"));
    assert_eq!(message(model.evaluate(&data(3)).unwrap_err()), format!("dataset: {multiple}"));
    assert_eq!(message(model.predict_dataset(&data(3)).unwrap_err()), format!("dataset: {multiple}"));
    let fit = |model: &mut Model, rows, size| {
        message(model.fit(&data(rows), Fit::new().batch_size(size).progress(Progress::Quiet)).unwrap_err())
    };
    assert_eq!(fit(&mut model, 3, 2), format!("dataset: {multiple}"));
    let expected = "fit: batch_size is 4, but the model has stateful layers for 2 rows; set it to 2";
    assert_eq!(fit(&mut model, 4, 4), expected);
    let expected = "lstm: found shape 3 × 3 × 2, expected batches of 2 rows, the number of rows that stateful declares";
    assert_eq!(message(model.train_on_batch(&data(3)).unwrap_err()), expected);
    let zero = Sequential::new([3, 2]).add(Gru::new(1).stateful(0)).architecture(0).unwrap_err();
    assert!(zero.to_string().contains("stateful must be at least 1, got 0"), "{zero}");
    assert_eq!(model.params().sha256(), before);
}

/// Stops after a step.
struct Pause(u64);

impl Callback for Pause {
    fn batch_end(&mut self, model: &mut Model, _: &BatchEnd<'_>) -> Result<Flow> {
        Ok(if model.step() == self.0 { Flow::Break(Stop::Paused) } else { Flow::Continue(()) })
    }
}

#[test]
fn an_interrupted_run_resumes_with_its_states() {
    let folder = tempfile::tempdir().unwrap();
    let train = |name: &str, pause: u64| {
        let (mut model, data, path) = (model(), data(10), folder.path().join(name));
        let mut pause = Pause(pause);
        let fit = Fit::new().epochs(2).batch_size(2).shuffle(false).progress(Progress::Quiet).validation(&data);
        model.fit(&data, fit.callback(&mut pause).resume(path)).unwrap();
        model.params().sha256()
    };
    let whole = train("whole", 0);
    assert_ne!(train("parts", 3), whole); // between two steps
    assert_eq!(train("parts", 0), whole);
}

#[test]
fn states_are_saved_and_reset() {
    let (mut model, data) = (model(), data(2));
    let states = |model: &Model| {
        let params = model.params();
        let states = params.ids().filter(|id| params.carried(*id));
        states.map(|id| params.values(id).to_vec()).collect::<Vec<_>>()
    };
    model.train_on_batch(&data).unwrap();
    let after = states(&model);
    assert!(after.len() == 2 && after.iter().flatten().all(|value| *value != 0.0), "{after:?}");
    model.evaluate(&data).unwrap();
    assert_eq!(states(&model), after, "evaluation does not change the states");
    let path = tempfile::tempdir().unwrap().path().join("model.safetensors");
    model.save(&path).unwrap();
    let mut loaded = Model::load(&path).unwrap();
    assert_eq!(states(&loaded), after);
    let x = Array3::<f32>::ones((2, 3, 2));
    assert_eq!(loaded.predict_next(&x).unwrap(), model.predict_next(&x.slice(s![.., .., ..])).unwrap());
    loaded.reset_states();
    assert!(states(&loaded).iter().flatten().all(|value| *value == 0.0));
}
