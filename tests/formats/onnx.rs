//! Import of ONNX models of other programs, and round trips of models of this library. `tests/formats/make.py` wrote the files.

use gradus::data::{Arrays, NamedArrays};
use gradus::formats::onnx::{self, Graph, Imported, Tensor};
use gradus::formats::{npz, torch::StateDict};
use gradus::layers::{
    Activation, AveragePool2d, BatchNorm, Conv2d, Dense, Dropout, Elu, Embedding, Flatten, GlobalAveragePool2d,
    GlobalMaxPool1d, LayerNorm, LeakyRelu, MaxPool2d, Normalization, Padding, Reshape, ZeroPadding2d,
};
use gradus::losses::{CategoricalCrossentropy, MeanSquaredError};
use gradus::optimizers::Adam;
use gradus::{Compile, Fit, Model, Progress, Sequential};
use ndarray::{Array, ArrayD, Axis, Dimension, IxDyn};
use std::collections::BTreeMap;
use std::path::PathBuf;

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "formats", name].iter().collect()
}

/// The inputs of a model and the outputs of the program that wrote it. Images are converted to channels last.
fn samples(name: &str, channels_first: bool) -> [ArrayD<f32>; 2] {
    let mut arrays = npz::read(file(&format!("{name}.npz"))).unwrap();
    let [x, y] = ["x", "y"].map(|key| arrays.remove(key).unwrap().into_floats());
    let x = if channels_first && x.ndim() == 4 { x.permuted_axes(IxDyn(&[0, 2, 3, 1])) } else { x };
    [x, y]
}

fn compile(imported: &Imported) -> Model {
    imported.compile(Compile::new(Adam::new(0.01), CategoricalCrossentropy::new().from_logits(true))).unwrap()
}

#[track_caller]
fn check_close<D: Dimension>(found: &ArrayD<f32>, expected: &Array<f32, D>) {
    assert_eq!(found.shape(), expected.shape());
    let largest = expected.iter().fold(1.0f32, |largest, value| largest.max(value.abs()));
    for (a, b) in found.iter().zip(expected.iter()) {
        assert!((a - b).abs() <= 1e-5 * largest, "{a}, expected {b}");
    }
}

/// Checks that an imported model predicts like the program that wrote it, and that training reduces the loss.
fn check_import(file_name: &str, data: &str, channels_first: bool) {
    let [x, y] = samples(data, channels_first);
    let mut model = compile(&onnx::import(file(file_name)).unwrap());
    check_close(&model.predict(&x).unwrap(), &y);
    let target = Array::from_shape_fn((x.len_of(Axis(0)), y.len_of(Axis(1))), |(i, j)| f32::from(u8::from(i % 2 == j)));
    let rows = Arrays::new(&x, &target).unwrap();
    let fit = || Fit::new().epochs(30).batch_size(4).progress(Progress::Quiet);
    let before = model.evaluate(&rows).unwrap().loss;
    model.fit(&rows, fit()).unwrap();
    let after = model.evaluate(&rows).unwrap().loss;
    assert!(after < before, "{file_name}: the loss went from {before} to {after}");
}

#[test]
fn models_of_pytorch_can_be_run_and_trained() {
    check_import("torch_mlp.onnx", "torch_mlp", true);
    check_import("torch_mlp_dynamo.onnx", "torch_mlp", true);
    check_import("torch_cnn.onnx", "torch_cnn", true);
    check_import("torch_cnn_dynamo.onnx", "torch_cnn", true);
    check_import("torch_view.onnx", "torch_view", true);
    check_import("torch_view_fixed.onnx", "torch_view", true);
    check_import("torch_words.onnx", "torch_words", true);
    check_import("torch_gelu.onnx", "torch_gelu", true);
}

/// Checks that an imported model with several inputs and outputs predicts like the program that wrote it, and that training
/// reduces the loss.
fn check_branches(file_name: &str, data: &str, inputs: [&str; 2]) {
    let mut arrays: BTreeMap<String, ArrayD<f32>> = npz::read(file(&format!("{data}.npz")))
        .unwrap()
        .into_iter()
        .map(|(name, array)| (name, array.into_floats()))
        .collect();
    if data.starts_with("torch") {
        arrays.entry("x".into()).and_modify(|x| *x = x.clone().permuted_axes(IxDyn(&[0, 2, 3, 1])));
    }
    let mut model =
        onnx::import(file(file_name)).unwrap().compile(Compile::new(Adam::new(0.01), MeanSquaredError::new())).unwrap();
    let rows = inputs.iter().fold(NamedArrays::new(), |rows, name| rows.with_input(*name, &arrays[*name]).unwrap());
    let found = model.predict_dataset(&rows).unwrap();
    let names: Vec<String> = found.keys().cloned().collect();
    assert_eq!(names.len(), 2, "{file_name}: {names:?}");
    for (number, name) in names.iter().enumerate() {
        check_close(&found[name], arrays.get(name).unwrap_or_else(|| &arrays[["kind", "size"][number]]));
    }
    let rows = names.iter().fold(rows, |rows, name| {
        let target = found[name].mapv(|value| 0.5 * value + 0.25);
        rows.with_target(&**name, &target).unwrap()
    });
    let before = model.evaluate(&rows).unwrap().loss;
    model.fit(&rows, Fit::new().epochs(30).batch_size(4).progress(Progress::Quiet)).unwrap();
    let after = model.evaluate(&rows).unwrap().loss;
    assert!(after < before, "{file_name}: the loss went from {before} to {after}");
}

#[test]
fn models_with_branches_can_be_run_and_trained() {
    check_branches("torch_branches.onnx", "torch_branches", ["x", "v"]);
    check_branches("torch_branches_dynamo.onnx", "torch_branches", ["x", "v"]);
    check_branches("keras_branches.onnx", "keras_branches", ["image", "ids"]);
}

#[test]
fn branches_are_imported_as_layers() {
    let imported = onnx::import(file("torch_branches.onnx")).unwrap();
    let model = imported.compile(Compile::new(Adam::new(0.01), MeanSquaredError::new())).unwrap();
    let summary = model.summary();
    for layer in ["LeakyReLU", "Concatenate", "GlobalAveragePooling2D", "ZeroPadding2D", "LayerNormalization", "Add"] {
        assert!(summary.contains(layer), "no {layer} in\n{summary}");
    }
    let rows = NamedArrays::new();
    let arrays = npz::read(file("torch_branches.npz")).unwrap();
    let x = arrays["x"].clone().into_floats().permuted_axes(IxDyn(&[0, 2, 3, 1]));
    let v = arrays["v"].clone().into_floats();
    let rows = rows.with_input("x", &x).unwrap().with_input("v", &v).unwrap();
    let expected = model.predict_dataset(&rows).unwrap();
    let again = Graph::from_bytes(&onnx::to_bytes(&model).unwrap()).unwrap();
    assert_eq!((again.inputs(), again.outputs()), (vec!["x", "v"], vec!["kind", "size"]));
    let again = again.import().unwrap().compile(Compile::new(Adam::new(0.01), MeanSquaredError::new())).unwrap();
    let found = again.predict_dataset(&rows).unwrap();
    expected.iter().for_each(|(name, expected)| check_close(&found[name], expected));
}

#[test]
fn models_of_scikit_learn_can_be_run_and_trained() {
    check_import("sklearn_mlp.onnx", "sklearn_mlp", true);
    check_import("sklearn_strings.onnx", "sklearn_strings", true);
    check_import("sklearn_logistic.onnx", "sklearn_logistic", true);
    check_import("sklearn_scaled.onnx", "sklearn_scaled", true);
}

#[test]
fn models_of_keras_can_be_run_and_trained() {
    check_import("keras_cnn.onnx", "keras_cnn", false);
}

#[test]
fn recurrent_nodes_of_pytorch_are_run() {
    let arrays = npz::read(file("torch_lstm.npz")).unwrap();
    let [x, y] = ["x", "y"].map(|name| arrays[name].clone().into_floats());
    let run = Graph::load(file("torch_lstm.onnx")).unwrap().run(&[Tensor::from(&*x)]).unwrap();
    check_close(&run[0].array().unwrap(), &y);
}

#[test]
fn recurrent_nodes_with_special_settings_are_run() {
    let arrays = npz::read(file("unrolled.npz")).unwrap();
    let graph = Graph::load(file("unrolled.onnx")).unwrap();
    let run = graph.run(&[Tensor::from(&*arrays["x"].clone().into_floats())]).unwrap();
    for (number, found) in run.iter().enumerate() {
        check_close(&found.array().unwrap(), &arrays[&format!("y{number}")].clone().into_floats());
    }
    assert_eq!(run.len(), 6);
}

#[test]
fn unknown_values_are_reported() {
    let chosen = Graph::load(file("sklearn_mlp.onnx")).unwrap().output("nothing").unwrap_err().to_string();
    assert!(chosen.starts_with("unknown value \"nothing\"; available: "), "{chosen}");
}

#[test]
fn weights_of_pytorch_are_loaded_into_a_model() {
    let network = Sequential::new([6, 8, 2])
        .add(Conv2d::new(3, 3).padding(Padding::Same))
        .add(BatchNorm::new().epsilon(1e-5))
        .add(Activation::Relu)
        .add(MaxPool2d::new(2))
        .add(Conv2d::new(4, 2).activation(Activation::Tanh))
        .add(Flatten)
        .add(Dense::new(5))
        .add(BatchNorm::new().epsilon(1e-5))
        .add(Dense::new(3).activation(Activation::Softmax));
    let mut model = network.compile(Compile::new(Adam::default(), CategoricalCrossentropy::new())).unwrap();
    StateDict::of(&model).unwrap().load(&mut model, file("torch_cnn.safetensors")).unwrap();
    let [x, y] = samples("torch_cnn", true);
    check_close(&model.predict(&x).unwrap(), &y);
    let mlp = Sequential::new([6]).add(Dense::new(5).activation(Activation::Sigmoid)).add(Dropout::new(0.3));
    let mlp = mlp.add(Dense::new(3)).add(Activation::Softmax);
    let mut model = mlp.compile(Compile::new(Adam::default(), CategoricalCrossentropy::new())).unwrap();
    let message =
        StateDict::of(&model).unwrap().load(&mut model, file("torch_cnn.safetensors")).unwrap_err().to_string();
    assert!(message.ends_with("\"0.weight\" has shape 3 × 2 × 3 × 3 in the file, expected 5 × 6"), "{message}");
    StateDict::of(&model).unwrap().load(&mut model, file("torch_mlp.safetensors")).unwrap();
    let [x, y] = samples("torch_mlp", true);
    check_close(&model.predict(&x).unwrap(), &y);
}

#[test]
fn weights_of_every_supported_module_are_loaded() {
    let network = Sequential::new([6, 7, 4])
        .add(ZeroPadding2d::new(((0, 2), (1, 0))))
        .add(Conv2d::new(6, (2, 3)).groups(2).padding(Padding::Same).dilation_rate((2, 1)))
        .add(LeakyRelu::new().negative_slope(0.1))
        .add(Conv2d::new(4, 3).strides(2).padding(Padding::Same).use_bias(false).activation(Activation::Gelu))
        .add(MaxPool2d::new(2).strides(1).padding(Padding::Same))
        .add(AveragePool2d::new(2))
        .add(BatchNorm::new())
        .add(Elu::new().alpha(0.5))
        .add(GlobalAveragePool2d::new())
        .add(LayerNorm::new())
        .add(Dense::new(3).activation(Activation::LogSoftmax));
    let mut model = network.compile(Compile::new(Adam::default(), MeanSquaredError::new())).unwrap();
    StateDict::of(&model).unwrap().load(&mut model, file("torch_layers.safetensors")).unwrap();
    let [x, y] = samples("torch_layers", true);
    check_close(&model.predict(&x).unwrap(), &y);
    let words = Sequential::new(5).add(Embedding::new(7, 4)).add(Flatten).add(Dense::new(3));
    let mut model = words.compile(Compile::new(Adam::default(), MeanSquaredError::new())).unwrap();
    StateDict::of(&model).unwrap().load(&mut model, file("torch_words.safetensors")).unwrap();
    let [x, y] = samples("torch_words", true);
    check_close(&model.predict(&x).unwrap(), &y);
}

/// A model with every layer that can be exported.
fn everything() -> Model {
    let network = Sequential::new([7, 6, 3])
        .add(BatchNorm::new())
        .add(Conv2d::new(4, 3).padding(Padding::Same).activation(Activation::Relu))
        .add(Conv2d::new(3, 2).strides((2, 1)).padding(Padding::Same).use_bias(false).activation(Activation::Softmax))
        .add(MaxPool2d::new(2).strides((1, 2)))
        .add(Activation::Sigmoid)
        .add(Dropout::new(0.5))
        .add(Reshape::new([3, 3, 3]))
        .add(Conv2d::new(2, 2).activation(Activation::Tanh))
        .add(Flatten)
        .add(Dense::new(6).use_bias(false).activation(Activation::Linear))
        .add(BatchNorm::new())
        .add(Dense::new(3).activation(Activation::Softmax));
    network.compile(Compile::new(Adam::default(), CategoricalCrossentropy::new()).seed(8)).unwrap()
}

#[test]
fn exported_models_round_trip_with_equal_predictions() {
    let mut model = everything();
    let x = Array::from_shape_fn((6, 7, 6, 3), |(n, i, j, c)| ((n * 7 + i * 5 + j * 3 + c) % 11) as f32 / 5.0 - 1.0);
    let target = Array::from_shape_fn((6, 3), |(i, j)| f32::from(u8::from(i % 3 == j)));
    let rows = Arrays::new(&x, &target).unwrap();
    model.fit(&rows, Fit::new().epochs(2).batch_size(3).progress(Progress::Quiet)).unwrap();
    let graph = Graph::from_bytes(&onnx::to_bytes(&model).unwrap()).unwrap();
    let expected = model.predict(&x).unwrap();
    check_close(&compile(&graph.import().unwrap()).predict(&x).unwrap(), &expected);
    let run = graph.run(&[(&*x).into()]).unwrap();
    check_close(&run[0].array().unwrap(), &expected);
    assert_eq!(onnx::to_bytes(&model).unwrap(), onnx::to_bytes(&model).unwrap());
}

/// A layer that replaces two nodes reads a value whose axis of size 1 global pooling omits.
#[test]
fn normalization_after_global_pooling_round_trips() {
    let normalization = Normalization::new().mean(vec![0.5, -0.5]).variance(vec![4.0, 0.25]);
    let network = Sequential::new([3, 2]).add(GlobalMaxPool1d::new().keepdims(true)).add(normalization).add(Flatten);
    let architecture = network.architecture(1).unwrap();
    let graph = Graph::from_bytes(&onnx::to_bytes(&architecture).unwrap()).unwrap();
    let imported = graph.import().unwrap().into_model().unwrap();
    let x = Array::from_shape_fn((4, 3, 2), |(n, i, c)| ((n * 7 + i * 5 + c) % 11) as f32 / 5.0 - 1.0);
    let expected = architecture.into_model().unwrap().predict(&x).unwrap();
    check_close(&imported.predict(&x).unwrap(), &expected);
}
