//! Round trips of Keras files. `tests/interop/run` checks that Keras reads them.

use gradus::data::{Arrays, NamedArrays};
use gradus::formats::keras;
use gradus::initializers::{HeNormal, RandomNormal};
use gradus::layers::*;
use gradus::losses::{CategoricalCrossentropy, Huber, SparseCategoricalCrossentropy};
use gradus::metrics::{Accuracy, R2Score, SparseTopKCategoricalAccuracy};
use gradus::optimizers::schedules::ExponentialDecay;
use gradus::optimizers::{Adam, Clip, Nadam, Optimizer, RmsProp, Sgd};
use gradus::tape::Var;
use gradus::{Compile, Error, Fit, Graph, Losses, Model, Progress, Result, Sequential, Shape, Spec};
use ndarray::{Array, Array1, Array4};
use std::fs;
use tempfile::tempdir;

fn convolutional() -> Sequential {
    Sequential::new([8, 8, 1])
        .add(Conv2d::new(3, 3).activation(Activation::Relu).kernel_initializer(HeNormal))
        .add(MaxPool2d::new(2).strides((1, 2)))
        .add(BatchNorm::new().momentum(0.9))
        .add(Conv2d::new(2, 1).use_bias(false))
        .add(Flatten)
        .add(Dropout::new(0.3))
        .add(Dense::new(3).activation(Activation::Softmax))
}

fn dense() -> Sequential {
    let deviation = RandomNormal::new(0.0, 0.25);
    let hidden = Dense::new(4).activation(Activation::Sigmoid).kernel_initializer(deviation);
    Sequential::new([8, 8]).add(Reshape::new(64)).add(hidden).add(Dense::new(3)).add(Activation::Softmax)
}

fn compile(network: &Sequential, optimizer: impl Optimizer + 'static) -> Model {
    let settings = Compile::new(optimizer, SparseCategoricalCrossentropy::new()).metric(Accuracy).seed(3);
    network.compile(settings.metric(SparseTopKCategoricalAccuracy::new(2))).unwrap()
}

fn images() -> Array4<f32> {
    Array::from_shape_fn((40, 8, 8, 1), |(n, y, x, _)| ((n * 31 + y * 7 + x * 3) % 17) as f32 / 17.0)
}

fn fit(model: &mut Model, epochs: usize) {
    let data = Arrays::new(images(), Array1::from_shape_fn(40, |n| (n % 3) as u8)).unwrap();
    model.fit(&data, Fit::new().epochs(epochs).batch_size(16).progress(Progress::Quiet)).unwrap();
}

/// Compares two epochs of training with one epoch, a round trip through a file, and another epoch.
fn check_round_trip(name: &str, model: impl Fn() -> Model) {
    let folder = tempdir().unwrap();
    let (path, again) = (folder.path().join(name), folder.path().join(format!("again.{name}")));
    let (mut first, mut whole) = (model(), model());
    fit(&mut first, 1);
    keras::save(&first, &path).unwrap();
    let mut loaded = keras::load(&path).unwrap();
    assert_eq!(loaded.predict(&images()).unwrap(), first.predict(&images()).unwrap());
    assert_eq!(loaded.summary(), first.summary());
    assert_eq!(loaded.optimizer().unwrap().spec(), first.optimizer().unwrap().spec());
    keras::save(&loaded, &again).unwrap();
    assert!(fs::read(&path).unwrap() == fs::read(&again).unwrap(), "{name}: equal models give equal files");
    fit(&mut loaded, 1);
    fit(&mut whole, 2);
    assert_eq!(loaded.params().sha256(), whole.params().sha256(), "{name}: training resumes at its step");
}

#[test]
fn loaded_models_predict_and_train_like_saved_ones() {
    for name in ["a.keras", "a.h5", "a.hdf5"] {
        for network in [convolutional(), dense()] {
            check_round_trip(name, || compile(&network, Adam::new(0.003).beta_1(0.8)));
            check_round_trip(name, || compile(&network, RmsProp::new(0.01)));
            check_round_trip(name, || compile(&network, Sgd::new(0.1).momentum(0.9).nesterov(true)));
            check_round_trip(name, || compile(&network, Sgd::new(0.1)));
        }
    }
}

#[test]
fn names_that_keras_could_not_open_are_rejected() {
    let folder = tempdir().unwrap();
    let (rejected, written) = (folder.path().join("a.h5"), folder.path().join("a.keras"));
    for name in ["x".repeat(70_000), ".".into(), "top_level_model_weights".into()] {
        let network = Sequential::new([2]).add_named(&name, Dense::new(3)).add(Softmax::new());
        let model = compile(&network, Sgd::new(0.1));
        assert!(model.summary().contains(&name), "long names can be formatted");
        let text = keras::save(&model, &rejected).unwrap_err().to_string();
        assert!(text.contains("rename") && text.len() < 300, "{text}");
        assert!(!rejected.exists());
        keras::save(&model, &written).unwrap();
        assert_eq!(keras::load(&written).unwrap().params().sha256(), model.params().sha256());
    }
}

/// A graph with two inputs and outputs, a layer that is applied three times, branches, and a frozen layer. The layers are
/// not declared in the order in which they are applied.
fn graph() -> Graph {
    let mut graph = Graph::new();
    let (left, right) = (graph.input("left", [6]), graph.input("right", [6]));
    let fixed = graph.apply(Dense::new(6).activation(Activation::Gelu).frozen(), right);
    let encoder = graph.layer("encoder", Dense::new(6).activation(Activation::Silu));
    let (a, b) = (graph.apply(encoder, left), graph.apply(encoder, fixed));
    let sum = graph.apply(Add, [a, b]);
    let again = graph.apply(encoder, sum);
    let all = graph.apply(Concatenate::new(), [again, a, sum]);
    let kind = graph.apply(Dense::new(3), all);
    let kind = graph.apply(Softmax::new(), kind);
    let value = graph.apply(LayerNorm::new().center(false), b);
    let value = graph.apply(Dense::new(2), value);
    graph.output("kind", kind);
    graph.output("a value", value);
    graph
}

fn rows() -> NamedArrays {
    let x = |shift: usize| Array::from_shape_fn((20, 6), |(n, i)| ((n * 5 + i * 7 + shift) % 11) as f32 / 11.0 - 0.5);
    let data = NamedArrays::new().with_input("left", x(0)).unwrap().with_input("right", x(4)).unwrap();
    let data = data.with_target("kind", Array1::from_shape_fn(20, |n| (n % 3) as u8)).unwrap();
    data.with_target("a value", Array::from_shape_fn((20, 2), |(n, i)| ((n + i) % 4) as f32)).unwrap()
}

#[test]
fn graphs_round_trip_with_branches_names_and_losses() {
    let folder = tempdir().unwrap();
    let compile = |optimizer: &dyn Fn() -> Compile| graph().compile(optimizer()).unwrap();
    let losses = || Losses::new().output("kind", SparseCategoricalCrossentropy::new()).output("a value", Huber::new());
    let nadam = move || {
        let settings = Compile::new(Nadam::new(0.01).clip(Clip::Norm(1.0)), losses()).loss_weight("a value", 0.5);
        settings.metric_of("kind", Accuracy).metric_of("a value", R2Score).seed(3)
    };
    let amsgrad = move || Compile::new(Adam::new(ExponentialDecay::new(0.01, 3, 0.5)).amsgrad(true), losses()).seed(3);
    let rmsprop = move || Compile::new(RmsProp::new(0.01).momentum(0.5).centered(true), losses()).seed(3);
    for settings in [&nadam as &dyn Fn() -> Compile, &amsgrad, &rmsprop] {
        for name in ["a.keras", "a.h5"] {
            let (path, again) = (folder.path().join(name), folder.path().join(format!("again.{name}")));
            let (mut first, mut whole) = (compile(settings), compile(settings));
            first.train_on_batch(&rows()).unwrap();
            keras::save(&first, &path).unwrap();
            let mut loaded = keras::load(&path).unwrap();
            assert_eq!(loaded.predict_dataset(&rows()).unwrap(), first.predict_dataset(&rows()).unwrap());
            assert_eq!(loaded.params().count(true), first.params().count(true));
            keras::save(&loaded, &again).unwrap();
            assert!(fs::read(&path).unwrap() == fs::read(&again).unwrap(), "{name}: equal models give equal files");
            let scores = loaded.train_on_batch(&rows()).unwrap();
            whole.train_on_batch(&rows()).unwrap();
            assert_eq!(format!("{:?}", whole.train_on_batch(&rows()).unwrap()), format!("{scores:?}"));
            assert_eq!(loaded.predict_dataset(&rows()).unwrap(), whole.predict_dataset(&rows()).unwrap());
        }
    }
}

#[test]
fn weights_are_loaded_into_a_model_with_the_same_layers() {
    let folder = tempdir().unwrap();
    let mut trained = compile(&convolutional(), Adam::default());
    fit(&mut trained, 1);
    for name in ["a.weights.h5", "a.keras", "a.h5"] {
        let path = folder.path().join(name);
        match name {
            "a.weights.h5" => keras::save_weights(&trained, &path).unwrap(),
            _ => keras::save(&trained, &path).unwrap(),
        }
        let mut fresh = compile(&convolutional(), Sgd::new(0.1));
        keras::load_weights(&mut fresh, &path).unwrap();
        assert_eq!(fresh.params().sha256(), trained.params().sha256(), "{name}");
        assert_eq!(fresh.step(), 0);
    }
}

#[test]
fn models_can_be_compiled_with_other_settings() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.keras");
    let trained = compile(&dense(), Adam::default());
    keras::save(&trained, &path).unwrap();
    let settings = Compile::new(Sgd::new(0.5), CategoricalCrossentropy::new());
    let model = keras::load_with(&path, settings).unwrap();
    assert_eq!(model.params().sha256(), trained.params().sha256());
    assert_eq!(
        (model.optimizer().unwrap().spec().class(), model.loss().unwrap().spec().class()),
        ("SGD", "CategoricalCrossentropy")
    );
}

/// The error message, without the file name.
fn error_of<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result.unwrap_err() {
        Error::Format { problem, .. } => problem,
        other => panic!("expected an error about the file, found {other}"),
    }
}

/// A custom layer: y = 2 · x.
#[derive(Debug)]
struct Double;

impl Layer for Double {
    fn build(&self, inputs: &[Shape], _: &mut Weights<'_>) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0]])
    }

    fn record<'r>(&self, _: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0] * 2.0]
    }

    fn spec(&self) -> Spec {
        Spec::new("Double")
    }
}

#[test]
fn unsupported_models_are_errors_and_nothing_is_written() {
    let folder = tempdir().unwrap();
    let double = compile(&Sequential::new([2]).add(Double).add(Dense::new(2)), Sgd::new(0.1));
    for name in ["a.keras", "a.h5"] {
        assert_eq!(
            error_of(keras::save(&double, folder.path().join(name))),
            "layer \"double\" (Double) has no equivalent in Keras"
        );
    }
    assert_eq!(
        error_of(keras::save_weights(&double, folder.path().join("a.weights.h5"))),
        "layer \"double\" (Double) has no equivalent in Keras"
    );
    let model = compile(&dense(), Sgd::new(0.1));
    let ending = "the file name must end in .keras, .h5 or .hdf5; save_weights writes .weights.h5";
    for name in ["a.safetensors", "a", "a.weights.h5"] {
        assert_eq!(error_of(keras::save(&model, folder.path().join(name))), ending);
    }
    assert_eq!(
        error_of(keras::save_weights(&model, folder.path().join("a.h5"))),
        "the file name must end in .weights.h5"
    );
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn names_with_a_slash_cannot_be_written() {
    let folder = tempdir().unwrap();
    let slash = Sequential::new([8, 8]).add(Flatten).add_named("a/b", Dense::new(3));
    let message = error_of(keras::save(&compile(&slash, Sgd::new(0.1)), folder.path().join("a.keras")));
    assert_eq!(message, "layer \"a/b\" has a slash in its name, which Keras does not allow");
}

#[test]
fn files_that_are_not_models_are_errors() {
    let folder = tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).unwrap();
        error_of(keras::load(folder.path().join(name)))
    };
    assert_eq!(write("a.h5", b"text"), "it is a text file, expected a Keras model (.keras or .h5)");
    let safetensors = folder.path().join("a.safetensors");
    compile(&dense(), Sgd::new(0.1)).save(&safetensors).unwrap();
    let text = "it is a .safetensors file, expected .keras or .h5 or .weights.h5; read it with Model::load";
    assert_eq!(error_of(keras::load(&safetensors)), text);
    assert_eq!(error_of(keras::load_weights(&mut compile(&dense(), Sgd::new(0.1)), &safetensors)), text);
    let keras_file = folder.path().join("b.keras");
    keras::save(&compile(&dense(), Sgd::new(0.1)), &keras_file).unwrap();
    let text = "it is a .keras file, expected .safetensors; read it with formats::keras::load";
    assert_eq!(error_of(Model::load(&keras_file)), text);
    assert_eq!(write("a.keras", b"PK\x03\x04"), "it is truncated: its central directory is missing");
    let missing = keras::load(folder.path().join("none.keras")).unwrap_err();
    assert!(matches!(&missing, Error::Io { .. }), "{missing}");
    let mut model = compile(&dense(), Sgd::new(0.1));
    let weights = folder.path().join("a.weights.h5");
    keras::save_weights(&model, &weights).unwrap();
    let expected =
        "it holds weights but no model; load the model from its own file, or build it in code, and call load_weights";
    assert_eq!(error_of(keras::load(&weights)), expected);
    let narrow = dense().add(Dense::new(2));
    let message = error_of(keras::load_weights(&mut compile(&narrow, Sgd::new(0.1)), &weights));
    assert_eq!(message, "\"layers/dense_2\" is missing, or is a soft or external link");
    let before = model.params().sha256();
    keras::save_weights(
        &compile(&Sequential::new([8, 8]).add(Flatten).add(Dense::new(5)).add(Dense::new(3)), Sgd::new(0.1)),
        &weights,
    )
    .unwrap();
    let message = error_of(keras::load_weights(&mut model, &weights));
    assert_eq!(message, "\"dense/kernel\" has shape 64 × 5 in the file and 64 × 4 in the model");
    assert_eq!(model.params().sha256(), before, "nothing changes");
}
