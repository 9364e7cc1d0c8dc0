//! The program `gradus` with ONNX graphs of several inputs and outputs, symbolic sizes, and operators without a layer.
//! `tests/onnx/graphs.py` packs them with the outputs of onnxruntime.

use crate::folder::Folder;
use crate::packed::packed;
use gradus::formats::npz;
use gradus::formats::onnx::{Graph, Tensor};
use gradus::tape::Params;
use ndarray::ArrayD;
use std::fs;

/// Writes a graph as `model.onnx` and its inputs as `x.npz`. Returns the expected outputs.
fn unpack(folder: &Folder, name: &str) -> Vec<ArrayD<f32>> {
    let files = packed("graphs.bin").remove(name).unwrap();
    fs::write(folder.path("model.onnx"), &files["model.onnx"]).unwrap();
    let array = |bytes: &Vec<u8>| {
        let tensor = Tensor::from_bytes(bytes).unwrap();
        tensor.array().unwrap_or_else(|| tensor.integer_array().unwrap().mapv(|number| number as f32))
    };
    let arrays = |kind: &str| -> Vec<ArrayD<f32>> {
        (0..).map_while(|number| files.get(&format!("{kind}_{number}.pb"))).map(array).collect()
    };
    let graph = Graph::from_bytes(&files["model.onnx"]).unwrap();
    let mut inputs = Params::new();
    for (name, array) in graph.inputs().into_iter().zip(arrays("input")) {
        inputs.add(name, &array).unwrap();
    }
    npz::write_params(folder.path("x.npz"), &inputs).unwrap();
    arrays("output")
}

#[track_caller]
fn check_close(found: &ArrayD<f32>, expected: &ArrayD<f32>) {
    assert_eq!(found.shape(), expected.shape());
    let far = found.iter().zip(expected).find(|(a, b)| (**a - **b).abs() > 1e-5 * b.abs().max(1.0));
    assert!(far.is_none(), "{found}, expected {expected}");
}

/// Checks that every output of a model is predicted under its name.
#[track_caller]
fn check_outputs(folder: &Folder, model: &str, names: &[&str], expected: &[ArrayD<f32>]) {
    folder.shown(&["predict", model, "x.npz", "--out", "p.npz"]);
    let mut found = npz::read(folder.path("p.npz")).unwrap();
    assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), names);
    for (name, expected) in names.iter().zip(expected) {
        check_close(&found.remove(*name).unwrap().into_floats(), expected);
    }
}

#[test]
fn outputs_are_predicted_under_their_names() {
    let folder = Folder::new();
    for (name, names) in [("two_outputs", ["y", "z"]), ("ArgMax_0", ["y", "z"]), ("two_outputs_of_rows", ["y", "z"])] {
        let expected = unpack(&folder, name);
        check_outputs(&folder, "model.onnx", &names, &expected);
    }
    let expected = unpack(&folder, "two_outputs");
    let shown = folder.shown(&["predict", "model.onnx", "x.npz"]);
    assert!(shown.starts_with("y:\n") && shown.contains("\nz:\n"), "{shown}");
    let message = folder.error_message(&["predict", "model.onnx", "x.npz", "--out", "p.npy"], 1);
    assert_eq!(message, "p.npy: the model has the outputs y, z, expected a name that ends in .npz");
    for to in ["copy.safetensors", "copy.onnx"] {
        folder.shown(&["convert", "model.onnx", to]);
        check_outputs(&folder, to, &["y", "z"], &expected);
    }
}

#[test]
fn inputs_are_read_by_their_names() {
    let folder = Folder::new();
    let expected = unpack(&folder, "two_inputs");
    check_outputs(&folder, "model.onnx", &["y"], &expected);
    let mut one = Params::new();
    one.add("a", &expected[0]).unwrap();
    npz::write_params(folder.path("one.npz"), &one).unwrap();
    let message = folder.error_message(&["predict", "model.onnx", "one.npz"], 1);
    assert_eq!(message, "one.npz: it has the arrays a, expected a, b, the inputs of the model");
}

#[test]
fn symbolic_sizes_are_those_of_arrays_or_of_the_shape_option() {
    let folder = Folder::new();
    for name in ["open_sizes_of_two", "open_sizes"] {
        let expected = unpack(&folder, name);
        check_outputs(&folder, "model.onnx", &["y"], &expected);
    }
    let expected = unpack(&folder, "open_sizes");
    for to in ["copy.safetensors", "copy.onnx"] {
        folder.shown(&["convert", "model.onnx", to]);
        check_outputs(&folder, to, &["y"], &expected);
        assert!(folder.shown(&["inspect", to]).contains("(None, 1, 1, 3)"));
    }
    for to in ["copy.safetensors", "copy.onnx"] {
        folder.shown(&["convert", "model.onnx", to, "--shape", "2,5,6"]);
        check_outputs(&folder, to, &["y"], &expected);
    }
    let shown = folder.shown(&["inspect", "model.onnx", "--shape", "x=2,5,6"]);
    assert!(shown.contains("x (N × 2 × 5 × 6)") && shown.contains("(None, 1, 1, 3)"), "{shown}");
    let message = folder.error_message(&["inspect", "copy.safetensors", "--shape", "2,5,6"], 1);
    assert_eq!(
        message,
        "copy.safetensors: --shape is only for .onnx files; other models take the sizes of the samples along open axes"
    );
    let message = folder.error_message(&["inspect", "model.onnx", "--shape", "2x5x6"], 2);
    assert!(message.starts_with("--shape is \"2x5x6\", expected sizes such as 3,64,48, or NAME=3,64,48"), "{message}");
}

#[test]
fn graphs_that_are_not_models_are_run() {
    let folder = Folder::new();
    for name in ["time_first", "fixed_rows"] {
        let expected = unpack(&folder, name);
        check_outputs(&folder, "model.onnx", &["y"], &expected);
        assert!(folder.shown(&["inspect", "model.onnx"]).contains("it cannot be imported: "));
        let message = folder.error_message(&["convert", "model.onnx", "copy.safetensors"], 1);
        assert!(message.contains("a model needs one row of outputs for each row of inputs"), "{message}");
    }
}

#[test]
fn layers_of_graphs_are_converted() {
    let folder = Folder::new();
    for name in ["graph_layer", "constant_of_shape", "cumsum_11"] {
        let expected = unpack(&folder, name);
        for to in ["copy.safetensors", "copy.onnx"] {
            folder.shown(&["convert", "model.onnx", to]);
            assert!(folder.shown(&["inspect", to]).contains("OnnxGraph"));
            check_outputs(&folder, to, &["y"], &expected);
        }
    }
}
