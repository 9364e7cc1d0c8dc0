//! Recurrent layers in files of Keras. `make_recurrent.py` wrote the files that are read.

use gradus::formats::{keras, npz};
use gradus::layers::*;
use gradus::losses::MeanSquaredError;
use gradus::optimizers::Adam;
use gradus::{Architecture, Compile, Graph, PredictInputs, ValueInfo};
use ndarray::ArrayD;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use tempfile::tempdir;

fn path(folder: &str, name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", folder, name].iter().collect()
}

fn arrays(path: PathBuf) -> BTreeMap<String, ArrayD<f32>> {
    npz::read(path).unwrap().into_iter().map(|(name, array)| (name, array.into_floats())).collect()
}

/// Compares the outputs of a network with `y0`, `y1`, … or `y`.
#[track_caller]
fn check(network: Architecture, arrays: &BTreeMap<String, ArrayD<f32>>) {
    let names = |values: &[ValueInfo]| values.iter().map(|value| value.name().to_owned()).collect::<Vec<_>>();
    let (given, names) = (names(network.inputs()), names(network.outputs()));
    let model = network.into_model().unwrap();
    let values = ["x", "h", "c"].iter().filter_map(|name| arrays.get(*name));
    let inputs = given.iter().zip(values).fold(PredictInputs::new(), |all, (name, value)| all.with(name, value));
    let found = model.predict_outputs(inputs).unwrap();
    for (number, name) in names.iter().enumerate() {
        let expected = arrays.get(&format!("y{number}")).unwrap_or_else(|| &arrays["y"]);
        assert_eq!(found[name].shape(), expected.shape());
        let far = found[name].iter().zip(expected).find(|(a, b)| (**a - **b).abs() > 1e-5);
        assert!(far.is_none(), "{name}: {far:?}");
    }
}

#[test]
fn files_of_keras_3_and_keras_2_predict_as_in_keras() {
    for (file, expected) in [
        ("recurrent.keras", "recurrent.npz"),
        ("recurrent.h5", "recurrent.npz"),
        ("recurrent_keras_2.h5", "recurrent_keras_2.npz"),
        ("cudnn.h5", "cudnn.npz"),
        ("rnn_cells.keras", "rnn_cells.npz"),
        ("rnn_cells.h5", "rnn_cells.npz"),
        ("rnn_cells_keras_2.h5", "rnn_cells_keras_2.npz"),
    ] {
        check(keras::load_architecture(path("formats", file)).unwrap(), &arrays(path("formats", expected)));
    }
    check(keras::load_architecture(path("faults", "recurrent.h5")).unwrap(), &arrays(path("faults", "recurrent.npz")));
}

#[test]
fn stateful_layers_have_the_batch_size_of_their_inputs() {
    let folder = tempdir().unwrap();
    for name in ["rnn_cells.keras", "rnn_cells.h5"] {
        let mut model = keras::load_architecture(path("formats", name)).unwrap().into_model().unwrap();
        assert!(model.architecture().layers().any(|layer| layer.spec().to_string().contains("stateful=3")));
        let written = folder.path().join(name);
        keras::save(&model, &written).unwrap();
        check(keras::load_architecture(&written).unwrap(), &arrays(path("formats", "rnn_cells.npz")));
        model.reset_states();
        let again = keras::load_architecture(&written).unwrap();
        // The layers of cells are written in the order of Keras, by depth.
        let (again, model) = (again.params(), model.params());
        assert_eq!(again.len(), model.len());
        for (name, values) in model.iter() {
            assert_eq!(again.get(again.id(name).unwrap()), values, "{name}");
        }
    }
}

fn graph() -> Graph {
    let mut graph = Graph::new();
    let (x, h, c) = (graph.input("x", [4, 2]), graph.input("h", [3]), graph.input("c", [3]));
    let encoder = Lstm::new(3).return_sequences(true).return_state(true).recurrent_dropout(0.2);
    let [sequence, _, cell] = graph.apply_multi(encoder, [x, h, c]);
    let both = Bidirectional::new(Gru::new(2).return_state(true).reset_after(false)).merge_mode(MergeMode::Separate);
    let [forward, backward, _, state] = graph.apply_multi(both, sequence);
    let dense = Dense::new(2).activation(Activation::Tanh).frozen();
    let steps = graph.apply(TimeDistributed::new(dense), sequence);
    let simple = graph.apply(SimpleRnn::new(2).go_backwards(true).return_sequences(true), sequence);
    let repeated = graph.apply(RepeatVector::new(3), forward);
    let sequences = graph.apply(Reshape::new([3, 1, 2]), repeated);
    let nested = graph.apply(TimeDistributed::new(Bidirectional::new(Lstm::new(2).use_bias(false))), sequences);
    for (name, node) in [
        ("backward", backward),
        ("cell", cell),
        ("state", state),
        ("steps", steps),
        ("simple", simple),
        ("nested", nested),
    ] {
        graph.output(name, node);
    }
    graph
}

#[test]
fn recurrent_networks_round_trip() {
    let folder = tempdir().unwrap();
    let arrays = arrays(path("formats", "recurrent.npz"));
    let inputs = || ["x", "h", "c"].iter().fold(PredictInputs::new(), |all, name| all.with(*name, &arrays[*name]));
    for name in ["a.keras", "a.h5"] {
        let (path, again) = (folder.path().join(name), folder.path().join(format!("again.{name}")));
        let model = graph().compile(Compile::new(Adam::default(), MeanSquaredError::new()).seed(7)).unwrap();
        keras::save(&model, &path).unwrap();
        let loaded = keras::load(&path).unwrap();
        let expected = model.predict_outputs(inputs()).unwrap();
        assert_eq!(loaded.predict_outputs(inputs()).unwrap(), expected);
        assert_eq!(loaded.params().count(true), model.params().count(true));
        keras::save(&loaded, &again).unwrap();
        assert!(fs::read(&path).unwrap() == fs::read(&again).unwrap(), "{name}: equal models give equal files");

        let weights = folder.path().join("a.weights.h5");
        keras::save_weights(&model, &weights).unwrap();
        let mut other = graph().compile(Compile::new(Adam::default(), MeanSquaredError::new()).seed(8)).unwrap();
        keras::load_weights(&mut other, &weights).unwrap();
        assert_eq!(other.predict_outputs(inputs()).unwrap(), expected);
    }
}
