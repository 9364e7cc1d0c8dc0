//! Models for onnxruntime, arrays for NumPy, and weights for PyTorch, written by the program `gradus` and by the library.

use gradus::data::mnist;
use gradus::formats::{npy, torch::StateDict};
use gradus::tape::{Mode, Params, Recorder};
use gradus::{Key, Model, formats::onnx};
use ndarray::{Array2, ArrayD};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The examples, with the shape of a sample and the divisor of pixels.
const MODELS: [(&str, &[usize], f32); 4] = [
    ("dense_linear", &[784], 255.0),
    ("lenet5", &[28, 28, 1], 255.0),
    ("dropout_mlp", &[784], 255.0),
    ("deep_sigmoid", &[28, 28], 1.0),
];

fn folder() -> PathBuf {
    std::env::var_os("GRADUS_INTEROP").expect("tests/interop/run sets GRADUS_INTEROP").into()
}

fn images(sample: &[usize], scale: f32) -> ArrayD<f32> {
    let digits = mnist::load(None).unwrap().test;
    let shape = [&[digits.len()], sample].concat();
    digits.images.mapv(|pixel| f32::from(pixel) / scale).into_shape_with_order(shape).unwrap()
}

fn convert(from: &Path, to: &Path) {
    let status = Command::new(env!("CARGO_BIN_EXE_gradus")).arg("convert").args([from, to]).status().unwrap();
    assert!(status.success());
}

/// Writes each trained model as ONNX and for PyTorch, its predictions for the test images, and the arrays of the network
/// on the tape as npz.
#[test]
#[ignore = "tests/interop/run calls it"]
fn models_for_onnxruntime() {
    for (name, sample, scale) in MODELS {
        let folder = folder().join(name);
        let model = Model::load(folder.join("model.safetensors")).unwrap();
        convert(&folder.join("model.safetensors"), &folder.join("model.onnx"));
        StateDict::of(&model).unwrap().save(&model, folder.join("torch.safetensors")).unwrap();
        let test = images(sample, scale);
        let predictions: Array2<f32> = model.predict(&test).unwrap().into_dimensionality().unwrap();
        npy::write(folder.join("x.npy"), &test).unwrap();
        npy::write(folder.join("predictions.npy"), &predictions).unwrap();
        let graph = onnx::Graph::load(folder.join("model.onnx")).unwrap();
        assert!(graph.import().is_ok(), "{name}");
    }
    let basic = folder().join("basic_nn");
    convert(&basic.join("model.safetensors"), &basic.join("model.npz"));
    npy::write(basic.join("logits.npy"), &logits(&Params::load(basic.join("model.safetensors")).unwrap())).unwrap();
}

/// The logits of the network on the tape.
fn logits(params: &Params) -> Array2<f32> {
    let test = images(&[784], 255.0);
    let recorder = Recorder::new(Mode::Inference);
    let x = recorder.input([10_000, 784]);
    let [w1, b1, w2, b2] = ["w1", "b1", "w2", "b2"].map(|name| recorder.parameter(params, params.id(name).unwrap()));
    let y = (x.matmul(w1) + b1).relu().matmul(w2) + b2;
    let (x, y) = (x.id(), y.id());
    let mut tape = recorder.finish().unwrap();
    tape.input_mut(x).assign(&test);
    tape.run(params, Key::from_seed(0)).unwrap();
    tape.value(y).to_owned().into_dimensionality().unwrap()
}
