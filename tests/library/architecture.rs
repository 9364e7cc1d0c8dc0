//! Architectures: creation, conversion to models, and models without an optimizer and a loss.

use gradus::data::{Arrays, NamedArrays};
use gradus::layers::{Activation, Add, BatchNorm, Dense, Dropout};
use gradus::losses::{CategoricalCrossentropy, MeanSquaredError};
use gradus::metrics::Accuracy;
use gradus::optimizers::{Adam, Sgd};
use gradus::save::{Registry, SafeTensors};
use gradus::tape::{Params, Recorder};
use gradus::{Architecture, AxisOrder, Compile, Error, Fit, Graph, Model, Progress, Sequential, Shape, ValueInfo};
use ndarray::{Array1, Array2, arr1, arr2};
use std::path::Path;
use tempfile::tempdir;

fn network() -> Sequential {
    let hidden = Dense::new(5).activation(Activation::Tanh);
    Sequential::new([4]).add(hidden).add(BatchNorm::new()).add(Dropout::new(0.2)).add_named("scores", Dense::new(3))
}

fn settings() -> Compile {
    Compile::new(Adam::default(), CategoricalCrossentropy::new().from_logits(true)).metric(Accuracy).seed(8)
}

fn rows() -> Array2<f32> {
    Array2::from_shape_fn((12, 4), |(i, j)| ((3 * i + 5 * j) % 7) as f32 - 3.0)
}

fn data() -> Arrays {
    Arrays::new(rows(), Array2::from_shape_fn((12, 3), |(i, j)| f32::from(u8::from(i % 3 == j)))).unwrap()
}

fn fit(model: &mut Model, epochs: usize) -> gradus::Result<()> {
    model.fit(&data(), Fit::new().epochs(epochs).batch_size(6).progress(Progress::Quiet)).map(|_| ())
}

#[test]
fn all_ways_to_create_a_model_have_the_bits_of_compile() {
    let mut compiled = network().compile(settings()).unwrap();
    let mut from_architecture = network().architecture(8).unwrap().compile(settings()).unwrap();
    let inference = network().architecture(8).unwrap().into_model().unwrap();
    assert_eq!(inference.predict(&rows()).unwrap(), compiled.predict(&rows()).unwrap());
    let mut later = inference.compile(settings()).unwrap();
    let given = network().with_params(later.params()).unwrap();
    let mut given = given.compile(settings()).unwrap();
    for model in [&mut compiled, &mut from_architecture, &mut later, &mut given] {
        fit(model, 2).unwrap();
    }
    let digest = compiled.params().sha256();
    for model in [&from_architecture, &later, &given] {
        assert_eq!(model.params().sha256(), digest);
    }
}

#[test]
fn an_architecture_keeps_its_weights_when_the_model_is_trained() {
    let mut model = network().compile(settings()).unwrap();
    let before = model.architecture().clone();
    let digest = before.params().sha256();
    let kernel = |architecture: &Architecture| {
        let first = architecture.layer(0).arrays().next().unwrap();
        first.values().as_ptr()
    };
    assert_eq!(kernel(&before), kernel(model.architecture()), "a clone shares the arrays");
    fit(&mut model, 1).unwrap();
    assert_eq!(before.params().sha256(), digest);
    assert_ne!(model.params().sha256(), digest);
}

/// Calls that need an optimizer or a loss return an error; all others work.
#[test]
fn a_model_for_inference_returns_errors_for_training_and_evaluation() {
    let mut model = network().architecture(1).unwrap().into_model().unwrap();
    let place = |result: gradus::Result<()>| match result.unwrap_err() {
        Error::NotCompiled { place } => place,
        other => panic!("{other}"),
    };
    assert_eq!(place(fit(&mut model, 1)), "fit");
    assert_eq!(place(model.evaluate(&data()).map(|_| ())), "evaluate");
    assert_eq!(place(model.train_on_batch(&data()).map(|_| ())), "train_on_batch");
    assert_eq!(place(model.test_on_batch(&data()).map(|_| ())), "test_on_batch");
    assert_eq!(place(model.set_learning_rate(0.1)), "set_learning_rate");
    let text =
        "evaluate: the model has no optimizer and no loss, expected a compiled model; call Model::compile to add both";
    assert_eq!(model.evaluate(&data()).unwrap_err().to_string(), text);
    assert!(model.optimizer().is_none() && model.loss().is_none() && model.optimizer_state().is_none());
    assert!(model.counters().is_none() && model.trained_outputs().is_empty());
    assert_eq!((model.epoch(), model.step(), model.learning_rate()), (0, 0, 0.0));

    assert_eq!(model.predict(&rows()).unwrap().shape(), [12, 3]);
    assert_eq!(model.predict_classes(&rows()).unwrap().len(), 12);
    assert_eq!(model.predict_dataset(&data()).unwrap()["output"].shape(), [12, 3]);
    assert!(model.summary().contains("scores (Dense)"));
    model.set_trainable("dense", false).unwrap();
    let recorder = Recorder::new(gradus::tape::Mode::Inference);
    let x = recorder.input([2, 4]);
    assert_eq!(model.record(&recorder, &[x]).unwrap().len(), 1);
}

#[test]
fn a_model_for_inference_is_saved_without_training() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut model = network().architecture(1).unwrap().into_model().unwrap();
    model.set_trainable("dense", false).unwrap();
    model.save(&path).unwrap();
    let metadata = SafeTensors::read(&path).unwrap().metadata;
    assert_eq!(metadata["gradus.version"], "2");
    assert!(!metadata["gradus.model"].contains("optimizer") && !metadata["gradus.model"].contains("loss"));
    let loaded = Model::load(&path).unwrap();
    assert!(loaded.optimizer().is_none());
    assert_eq!(loaded.predict(&rows()).unwrap(), model.predict(&rows()).unwrap());
    assert_eq!(loaded.params().count(true), model.params().count(true));
    let mut trained = loaded.compile(settings()).unwrap();
    fit(&mut trained, 1).unwrap();

    // Trained models are saved in a form that earlier versions of the library can read, and their architecture loads
    // separately.
    trained.save(&path).unwrap();
    assert_eq!(SafeTensors::read(&path).unwrap().metadata["gradus.version"], "1");
    let architecture = Architecture::load(&path, &Registry::new()).unwrap();
    assert_eq!(architecture.params().sha256(), trained.params().sha256());
    architecture.save(&path).unwrap();
    assert!(Model::load(&path).unwrap().optimizer().is_none());
}

#[test]
fn files_of_the_first_version_still_load() {
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/model-v1.safetensors");
    let (model, architecture) = (Model::load(&old).unwrap(), Architecture::load(&old, &Registry::new()).unwrap());
    assert!(model.optimizer().is_some() && model.loss().is_some());
    assert_eq!(architecture.params().sha256(), model.params().sha256());
}

#[test]
fn all_arrays_that_do_not_fit_are_named_in_one_error() {
    let mut params = Params::new();
    params.add("dense/kernel", &arr2(&[[1.0, 2.0]])).unwrap();
    params.add("other/kernel", &arr1(&[1.0])).unwrap();
    let network = Sequential::new([2]).add(Dense::new(3)).add(Dense::new(1).use_bias(false));
    let error = network.with_params(&params).unwrap_err();
    let expected = "arrays of the layers: dense/kernel is 1 × 2, expected 2 × 3; missing: dense/bias and dense_1/kernel; \
                    declared by no layer: other/kernel; give every array that a layer declares, as layer/weight, and no others";
    assert_eq!(error.to_string(), expected);
    let Error::Arrays { missing, unused, shapes } = error else { panic!("{error}") };
    assert_eq!((missing.len(), unused.len(), shapes.len()), (2, 1, 1));
}

/// The steps of an importer and an exporter in another crate.
#[test]
fn a_graph_is_imported_and_exported() {
    let mut graph = Graph::new();
    let image = graph.input_value(ValueInfo::new("image", [2, 2, 3]).with_axis_order(AxisOrder::channels_first(3)));
    let encoder = graph.layer("encoder", Dense::new(2).use_bias(false));
    let (first, second) = (graph.apply(encoder, image), graph.apply(Activation::Relu, image));
    let again = graph.apply(Dense::new(2).use_bias(false), second);
    let sum = graph.apply(Add, [first, again]);
    graph.output_in_order("sum", sum, AxisOrder::channels_first(3));
    let declared = graph.declared().unwrap();
    let names: Vec<&str> = declared.iter().map(|weight| weight.name()).collect();
    assert_eq!(names, ["encoder/kernel", "dense/kernel"]);
    let mut params = Params::new();
    for weight in &declared {
        params.insert(weight.name(), weight.shape(), vec![0.5; weight.shape().len()], weight.is_trainable()).unwrap();
    }
    let architecture = graph.with_params(&params).unwrap();
    architecture.check().unwrap();

    assert!(!architecture.is_chain());
    assert_eq!(architecture.inputs()[0].shape_in_file(), Shape::from([3, 2, 2]));
    assert_eq!((architecture.outputs()[0].name(), architecture.outputs()[0].shape()), ("sum", [2, 2, 2].into()));
    let walked: Vec<(&str, &[usize])> =
        architecture.calls().iter().map(|call| (architecture.layer(call.layer()).name(), call.inputs())).collect();
    assert_eq!(walked, [("encoder", &[0][..]), ("activation", &[0]), ("dense", &[2]), ("add", &[1, 3])]);
    assert_eq!(
        (architecture.output_value(0), architecture.call_of(4), architecture.call_of(0)),
        (4, Some((3, 0)), None)
    );
    let model = architecture.into_model().unwrap();
    let rows = ndarray::Array4::<f32>::ones((2, 2, 2, 3));
    let outputs = model.predict_dataset(&NamedArrays::new().with_input("image", &rows).unwrap()).unwrap();
    assert!(outputs["sum"].iter().all(|value| *value == 3.0));
}

#[test]
fn a_trained_model_is_compiled_again() {
    let mut model = network().compile(settings()).unwrap();
    fit(&mut model, 1).unwrap();
    let digest = model.params().sha256();
    let model = model.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new())).unwrap();
    assert_eq!((model.params().sha256(), model.epoch(), model.step()), (digest, 0, 0));
    assert_eq!(model.evaluate(&data()).unwrap().names().collect::<Vec<_>>(), ["loss"]);
    let wrong = model.compile(Compile::new(Sgd::new(-1.0), MeanSquaredError::new()));
    assert!(wrong.is_err());
    let labels = Arrays::new(rows(), Array1::from_elem(12, 1u8)).unwrap();
    let model = network().architecture(0).unwrap().into_model().unwrap();
    assert!(model.confusion_matrix(&labels).is_ok(), "a confusion matrix needs no loss");
}
