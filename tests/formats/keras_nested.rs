//! Keras files with models within models, activations that are layers, operations on tensors, and mixed precision.
//! `make_nested.py` and `make_activation_layers.py` wrote the files.

use gradus::data::{Arrays, NamedArrays};
use gradus::formats::{keras, npz};
use gradus::losses::MeanSquaredError;
use gradus::optimizers::Sgd;
use gradus::{Architecture, Compile, Model, PredictInputs};
use ndarray::ArrayD;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tempfile::tempdir;

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "formats", name].iter().collect()
}

fn arrays(name: &str) -> BTreeMap<String, ArrayD<f32>> {
    npz::read(path(name)).unwrap().into_iter().map(|(name, array)| (name, array.into_floats())).collect()
}

/// Compares the outputs of a model for `a` and `b`, or for `x`, with `y0`, `y1`, ….
#[track_caller]
fn check(model: &Model, arrays: &BTreeMap<String, ArrayD<f32>>) {
    let names: Vec<String> = model.inputs().iter().map(|input| input.name().to_owned()).collect();
    let values = ["a", "b", "x"].iter().filter_map(|name| arrays.get(*name));
    let inputs = names.iter().zip(values).fold(PredictInputs::new(), |all, (name, value)| all.with(name, value));
    let found = model.predict_outputs(inputs).unwrap();
    for (number, output) in model.outputs().iter().enumerate() {
        let (found, expected) = (&found[output.name()], &arrays[&format!("y{number}")]);
        assert_eq!(found.shape(), expected.shape());
        let far = found.iter().zip(expected).find(|(a, b)| (**a - **b).abs() > 1e-5);
        assert!(far.is_none(), "{}: {far:?}", output.name());
    }
}

#[test]
fn models_within_models_are_read_as_layers() {
    for name in ["nested.keras", "nested.h5", "nested_keras_2.keras", "nested_keras_2.h5", "nested_chain.keras"] {
        let arrays = arrays(&format!("{}.npz", name.split('.').next().unwrap()));
        let network = keras::load_architecture(path(name)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(network.is_chain(), name == "nested_chain.keras", "{name}");
        let model = network.into_model().unwrap();
        check(&model, &arrays);
        // Written as one model.
        let folder = tempdir().unwrap();
        for copy in ["copy.keras", "copy.h5", "copy.weights.h5"] {
            let copy = folder.path().join(copy);
            if copy.ends_with("copy.weights.h5") {
                keras::save_weights(&model, &copy).unwrap();
                let mut other = keras::load_architecture(path(name)).unwrap().into_model().unwrap();
                keras::load_weights(&mut other, &copy).unwrap();
                check(&other, &arrays);
            } else {
                keras::save(&model, &copy).unwrap();
                check(&keras::load_architecture(&copy).unwrap().into_model().unwrap(), &arrays);
            }
        }
    }
}

#[test]
fn layers_and_weights_of_nested_models_are_read_from_two_files() {
    let expected = arrays("nested.npz");
    for layers in ["nested.json", "nested.keras", "nested.h5"] {
        for weights in ["nested.weights.h5", "nested.keras", "nested.h5"] {
            let network = keras::load_layers_and_weights(path(layers), path(weights), keras::Load::new());
            check(&network.and_then(Architecture::into_model).unwrap(), &expected);
        }
    }
    let error = keras::load_layers_and_weights(path("nested.json"), path("mixed.keras"), keras::Load::new());
    assert!(error.unwrap_err().to_string().contains("mixed.keras"));
}

#[test]
fn frozen_models_within_models_stay_frozen() {
    let settings = Compile::new(Sgd::new(0.1), MeanSquaredError::new());
    let mut model = keras::load_with(path("nested.keras"), settings).unwrap();
    let (arrays, before) = (arrays("nested.npz"), model.params().clone());
    let mut data = NamedArrays::new();
    for (input, name) in model.inputs().iter().zip(["a", "b"]) {
        data = data.with_input(input.name(), &arrays[name]).unwrap();
    }
    for (number, output) in model.outputs().iter().enumerate() {
        data = data.with_target(output.name(), &arrays[&format!("y{number}")] + 1.0).unwrap();
    }
    model.train_on_batch(&data).unwrap();
    let changed: Vec<&str> = model
        .params()
        .iter()
        .map(|(name, _)| name)
        .filter(|name| {
            let [now, then] = [model.params(), &before].map(|params| params.get(params.id(name).unwrap()).to_owned());
            now != then
        })
        .collect();
    assert!(changed.contains(&"small/kernel") && changed.contains(&"out/kernel"), "{changed:?}");
    assert!(changed.iter().all(|name| !name.starts_with("frozen") && !name.starts_with("batch_norm")), "{changed:?}");
}

#[test]
fn models_of_mixed_precision_resume_with_the_optimizer_that_scales_the_loss() {
    let expected = arrays("mixed.npz");
    let models = ["mixed.keras", "mixed.h5"].map(|name| {
        let mut model = keras::load(path(name)).unwrap_or_else(|error| panic!("{error}"));
        check(&model, &expected);
        let optimizer = model.optimizer().unwrap().spec().to_string();
        assert!(optimizer.starts_with("Adam(learning_rate=0.01"), "{optimizer}");
        assert_eq!(model.step(), 1);
        let data = Arrays::new(&expected["x"], expected["y0"].mapv(|y| y + 1.0)).unwrap();
        model.train_on_batch(&data).unwrap();
        model
    });
    assert_eq!(models[0].params().sha256(), models[1].params().sha256());
}

#[test]
fn activations_that_are_layers_become_layers_of_the_model() {
    let names =
        ["activation_layers.keras", "activation_layers.h5", "activation_chain.keras", "activation_layers_keras_2.h5"];
    for name in names {
        let arrays = arrays(&format!("{}.npz", name.split('.').next().unwrap()));
        let model =
            keras::load_architecture(path(name)).unwrap_or_else(|error| panic!("{error}")).into_model().unwrap();
        check(&model, &arrays);
        let folder = tempdir().unwrap();
        for copy in ["copy.keras", "copy.h5"] {
            let copy = folder.path().join(copy);
            keras::save(&model, &copy).unwrap();
            check(&keras::load_architecture(&copy).unwrap().into_model().unwrap(), &arrays);
        }
    }
}
