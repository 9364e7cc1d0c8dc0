//! Every saved model can be loaded: every origin of a model × every format, with the same predictions. A format that cannot
//! hold a model rejects it before it writes a file.

use crate::packed::packed;
use gradus::data::Arrays;
use gradus::formats::{keras, npz, onnx, torch::StateDict};
use gradus::save::Registry;
use gradus::{
    Architecture, Compile, Error, Graph, Model, Result, Sequential, layers::*, losses::MeanSquaredError,
    optimizers::Adam,
};
use ndarray::{Array, ArrayD, IxDyn};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::tempdir;

const ROWS: usize = 3;

fn repository(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(file)
}

fn settings() -> Compile {
    Compile::new(Adam::new(0.01), MeanSquaredError::new()).seed(4)
}

/// Small whole numbers, which are also indices.
fn inputs(model: &Model) -> Vec<(String, ArrayD<f32>)> {
    let one = |shape: &[usize]| {
        let sizes = [&[ROWS], shape].concat();
        let values = (0..sizes.iter().product()).map(|i: usize| (i * i % 7 % 3) as f32).collect();
        Array::from_shape_vec(IxDyn(&sizes), values).unwrap()
    };
    let shapes = model.architecture().accepted_inputs();
    model.inputs().iter().zip(shapes).map(|(input, shape)| (input.name().to_owned(), one(shape.sizes()))).collect()
}

fn predict(model: &Model) -> BTreeMap<String, ArrayD<f32>> {
    let inputs = inputs(model);
    let views: Vec<_> = inputs.iter().map(|(name, array)| (name.as_str(), array.view())).collect();
    model.predict_outputs(views).unwrap()
}

fn trained(mut model: Model) -> Model {
    let [(_, x)] = &inputs(&model)[..] else { panic!("a model with one input") };
    let t = predict(&model).into_values().next().unwrap().mapv(|value| 1.0 - value);
    model.train_on_batch(&Arrays::new(x, &t).unwrap()).unwrap();
    model
}

fn images() -> Sequential {
    Sequential::new([6, 6, 2])
        .add(Conv2d::new(4, 3).activation(Activation::Relu).use_bias(false))
        .add(BatchNorm::new())
        .add(MaxPool2d::new(2))
        .add(Flatten)
        .add(Dropout::new(0.25))
        .add(Dense::new(3).activation(Activation::Softmax))
}

fn branches() -> Graph {
    let mut graph = Graph::new();
    let (left, right) = (graph.input("left", [4]), graph.input("right", [4]));
    let shared = graph.layer("shared", Dense::new(5).activation(Activation::Tanh));
    let (a, b) = (graph.apply(shared, left), graph.apply(shared, right));
    let both = graph.apply(Concatenate::new(), [a, b]);
    let kind = graph.apply(Dense::new(3).activation(Activation::Softmax), both);
    let value = graph.apply(Dense::new(1).frozen(), a);
    graph.output("kind", kind);
    graph.output("value", value);
    graph
}

fn imported(file: &str) -> Model {
    onnx::import(repository(file)).and_then(|imported| imported.architecture()?.into_model()).unwrap()
}

/// A graph that `tests/onnx/graphs.py` wrote.
fn packed_graph(name: &str) -> Model {
    let graph = onnx::Graph::from_bytes(&packed("graphs.bin")[name]["model.onnx"]).unwrap();
    graph.import().and_then(|imported| imported.into_model()).unwrap()
}

/// Every origin of a model.
fn models() -> Vec<(&'static str, Model)> {
    let inference = |network: Result<Architecture>| network.and_then(Architecture::into_model).unwrap();
    let from_keras = |file: &str| inference(keras::load_architecture(repository(file)));
    let mut edited = images().compile(settings()).unwrap();
    edited.set_trainable("conv2d", false).unwrap();
    let bias = edited.params().id("dense/bias").unwrap();
    edited.params_mut().get_mut(bias).fill(0.5);
    let words = Sequential::new([4]).add(Embedding::new(3, 2)).add(GlobalAveragePool1d::new()).add(Dense::new(2));
    let open = Sequential::new((None, 4)).add(Conv1d::new(3, 2)).add(BatchNorm::new()).add(Dense::new(2));
    let recurrent = Sequential::new((None, 3))
        .add(Masking::new(0.0))
        .add(Bidirectional::new(Lstm::new(4).return_sequences(true)))
        .add(Gru::new(3))
        .add(Dense::new(2));
    let own = {
        let folder = tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        images().compile(settings()).unwrap().save(&path).unwrap();
        Model::load(path).unwrap()
    };
    vec![
        ("built", inference(images().architecture(1))),
        ("built of words", inference(words.architecture(2))),
        ("a graph", inference(branches().architecture(3))),
        ("of open length", inference(open.architecture(5))),
        ("recurrent", inference(recurrent.architecture(6))),
        ("compiled", images().compile(settings()).unwrap()),
        ("trained", trained(images().compile(settings()).unwrap())),
        ("edited", edited),
        ("a Keras file", from_keras("faults/never_compiled.keras")),
        ("an HDF5 file of Keras", from_keras("faults/never_compiled_h5.h5")),
        ("an HDF5 file of Keras 2", from_keras("faults/keras_2_adam.h5")),
        ("a Keras file of models", from_keras("formats/nested.keras")),
        ("an own file", own),
        ("ONNX of Keras", imported("formats/keras_cnn.onnx")),
        ("ONNX of Keras, branches", imported("formats/keras_branches.onnx")),
        ("ONNX of PyTorch", imported("formats/torch_cnn.onnx")),
        ("ONNX of PyTorch, dynamo", imported("formats/torch_cnn_dynamo.onnx")),
        ("ONNX of PyTorch, branches", imported("formats/torch_branches.onnx")),
        ("ONNX of PyTorch, words", imported("formats/torch_words.onnx")),
        ("ONNX of PyTorch, a view", imported("formats/torch_view.onnx")),
        ("ONNX with recurrent nodes", packed_graph("recurrent_LSTM_both")),
        ("ONNX with a shared constant", packed_graph("tied_kernel")),
        ("ONNX of PyTorch, fixed rows", imported("formats/torch_view_fixed.onnx")),
        ("ONNX of PyTorch, gelu", imported("formats/torch_gelu.onnx")),
        ("ONNX of scikit-learn", imported("formats/sklearn_mlp.onnx")),
        ("ONNX of scikit-learn, strings", imported("formats/sklearn_strings.onnx")),
        ("ONNX of scikit-learn, scaled", imported("formats/sklearn_scaled.onnx")),
        ("a trained import", {
            let imported = onnx::import(repository("formats/torch_cnn.onnx")).unwrap();
            trained(imported.compile(settings()).unwrap())
        }),
    ]
}

/// A format: the name of the file, how it is written, and how it is read into a model. Weights are read into a model with the
/// architecture of the saved one and other weights.
type Format = (&'static str, fn(&Model, &Path) -> Result<()>, fn(&Model, &Path) -> Result<Model>);

/// The model with all weights set to 0.25.
fn other(model: &Model) -> Model {
    let mut architecture = model.architecture().clone();
    let params = architecture.params_mut();
    params.ids().for_each(|id| params.get_mut(id).fill(0.25));
    architecture.into_model().unwrap()
}

fn with_weights(model: &Model, load: impl FnOnce(&mut Model) -> Result<()>) -> Result<Model> {
    let mut other = other(model);
    load(&mut other)?;
    Ok(other)
}

const FORMATS: &[Format] = &[
    (
        "model.safetensors",
        |model, path| model.architecture().save(path),
        |_, path| Architecture::load(path, &Registry::new())?.into_model(),
    ),
    (
        "compiled.safetensors",
        |model, path| model.save(path),
        |model, path| match model.optimizer() {
            Some(_) => Model::load(path),
            None => Architecture::load(path, &Registry::new())?.into_model(),
        },
    ),
    ("model.keras", |model, path| keras::save(model, path), |_, path| keras::load_architecture(path)?.into_model()),
    ("model.h5", |model, path| keras::save(model, path), |_, path| keras::load_architecture(path)?.into_model()),
    ("model.onnx", |model, path| onnx::export(model, path), |_, path| onnx::import(path)?.architecture()?.into_model()),
    (
        "weights.safetensors",
        |model, path| model.params().save(path),
        |model, path| with_weights(model, |other| other.load_weights(path)),
    ),
    (
        "all.weights.h5",
        |model, path| keras::save_weights(model, path),
        |model, path| with_weights(model, |other| keras::load_weights(other, path)),
    ),
    (
        "weights.npz",
        |model, path| npz::write_params(path, model.params()),
        |model, path| with_weights(model, |other| other.params_mut().assign(&npz::read_params(path)?)),
    ),
    (
        "torch.safetensors",
        |model, path| StateDict::of(model)?.save(model, path),
        |model, path| with_weights(model, |other| StateDict::of(other)?.load(other, path)),
    ),
];

#[test]
fn every_saved_model_loads_with_equal_predictions() {
    let mut rejected = Vec::new();
    for (origin, model) in models() {
        let expected = predict(&model);
        for (file, save, load) in FORMATS {
            let folder = tempdir().unwrap();
            let path = folder.path().join(file);
            match save(&model, &path) {
                Ok(()) => {
                    let loaded = load(&model, &path).unwrap_or_else(|error| panic!("{origin} as {file}: {error}"));
                    assert_equal(&expected, &predict(&loaded), &format!("{origin} as {file}"));
                }
                Err(error) => {
                    assert!(
                        matches!(error, Error::Unsupported { .. } | Error::Format { .. }),
                        "{origin} as {file}: {error}"
                    );
                    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{origin} as {file} left a file");
                    rejected.push(format!("{origin} as {file}"));
                }
            }
        }
    }
    assert_eq!(rejected, REJECTED);
}

/// Equal to the bit, except where an ONNX file has operations in another order.
fn assert_equal(expected: &BTreeMap<String, ArrayD<f32>>, found: &BTreeMap<String, ArrayD<f32>>, what: &str) {
    assert_eq!(expected.len(), found.len(), "{what}");
    let one = expected.len() == 1;
    for ((name, expected), (found_name, found)) in expected.iter().zip(found) {
        // Formats without names of outputs give them those of layers.
        assert!(name == found_name || one, "{what}: {name} became {found_name}");
        assert_eq!(expected.shape(), found.shape(), "{what}");
        let bound = if what.ends_with(".onnx") { 1e-5 } else { 0.0 };
        let largest = expected.iter().zip(found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(largest <= bound, "{what}: {largest}");
    }
}

/// The models that a format rejects: layers that are single ONNX nodes have no equivalent in Keras and PyTorch, and
/// `state_dict` files are for sequential models.
const REJECTED: &[&str] = &[
    "built of words as torch.safetensors",
    "a graph as torch.safetensors",
    "of open length as torch.safetensors",
    "recurrent as model.onnx",
    "recurrent as torch.safetensors",
    "a Keras file of models as torch.safetensors",
    "ONNX of Keras as model.keras",
    "ONNX of Keras as model.h5",
    "ONNX of Keras as all.weights.h5",
    "ONNX of Keras as torch.safetensors",
    "ONNX of Keras, branches as model.keras",
    "ONNX of Keras, branches as model.h5",
    "ONNX of Keras, branches as all.weights.h5",
    "ONNX of Keras, branches as torch.safetensors",
    "ONNX of PyTorch, branches as torch.safetensors",
    "ONNX with recurrent nodes as model.keras",
    "ONNX with recurrent nodes as model.h5",
    "ONNX with recurrent nodes as all.weights.h5",
    "ONNX with recurrent nodes as torch.safetensors",
    "ONNX with a shared constant as model.keras",
    "ONNX with a shared constant as model.h5",
    "ONNX with a shared constant as all.weights.h5",
    "ONNX with a shared constant as torch.safetensors",
    "ONNX of PyTorch, gelu as model.keras",
    "ONNX of PyTorch, gelu as model.h5",
    "ONNX of PyTorch, gelu as all.weights.h5",
    "ONNX of PyTorch, gelu as torch.safetensors",
    "ONNX of scikit-learn, scaled as model.keras",
    "ONNX of scikit-learn, scaled as model.h5",
    "ONNX of scikit-learn, scaled as all.weights.h5",
    "ONNX of scikit-learn, scaled as torch.safetensors",
];
