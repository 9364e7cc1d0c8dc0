//! Files of weights without a model, NumPy's files, and files that are not what their names say. `tests/faults/make_files.py`
//! wrote the files, with the values of Keras and NumPy.

use crate::folder::Folder;
use gradus::Shape;
use gradus::formats::{npy, npz};
use gradus::save::SafeTensors;
use ndarray::{ArrayD, IxDyn};
use std::fs;
use std::path::PathBuf;

fn file(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "faults", name].iter().collect();
    path.into_os_string().into_string().unwrap()
}

fn array(name: &str, key: &str) -> ArrayD<f32> {
    npz::read(file(name)).unwrap().remove(key).unwrap().into_floats()
}

#[track_caller]
fn check_close(found: &ArrayD<f32>, expected: &ArrayD<f32>) {
    assert_eq!(found.shape(), expected.shape());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{found}, expected {expected}");
    }
}

/// The name and the shape of the kernel of the last layer in each file of weights.
const WEIGHTS: [(&str, &str); 2] =
    [("keras_3.weights.h5", "layers/dense_1/vars/0"), ("keras_2_weights.h5", "dense_1/small/dense_1/kernel")];

#[test]
fn files_of_weights_are_listed_and_converted() {
    let folder = Folder::new();
    for (name, kernel) in WEIGHTS {
        let name = file(name);
        let shown = folder.shown(&["inspect", &name]);
        assert!(shown.starts_with("HDF5 arrays without a model\n"), "{shown}");
        assert!(shown.contains(&format!("{kernel} ")) && shown.contains("3 × 2"), "{shown}");
        folder.shown(&["convert", &name, "to.npz"]);
        folder.shown(&["convert", &name, "to.safetensors"]);
        let text = folder.error_message(&["predict", "to.npz", &file("small.npz"), "--model", &file("small.json")], 1);
        assert!(text.starts_with("to.npz: unknown parameter \"dense/kernel\"; available: "), "{text}");
        let arrays = npz::read(folder.path("to.npz")).unwrap();
        assert_eq!(arrays[kernel].shape(), [3, 2]);
        let tensors = SafeTensors::read(folder.path("to.safetensors")).unwrap();
        let tensor = tensors.arrays.iter().find(|array| array.name == kernel).unwrap();
        assert_eq!(tensor.shape, Shape::from([3, 2]));
        assert_eq!(tensor.values, arrays[kernel].clone().into_floats().into_raw_vec_and_offset().0);
        let text = folder.error_message(&["convert", &name, "to.onnx"], 1);
        assert!(
            text.ends_with("it has arrays but no model; give the network with --model, or write .safetensors or .npz")
        );
        let text = folder.error_message(&["predict", &name, &file("small.npz")], 1);
        assert!(text.ends_with("it has arrays but no model; give the network with --model"), "{text}");
    }
}

#[test]
fn weights_are_used_with_the_network_of_another_file() {
    let folder = Folder::new();
    let (json, data, y) = (file("small.json"), file("small.npz"), array("small.npz", "y"));
    let shown = folder.shown(&["inspect", &json]);
    assert!(shown.starts_with("Keras configuration without weights\n") && shown.contains("Dense"), "{shown}");
    for (name, _) in WEIGHTS {
        let name = file(name);
        check_close(&folder.predicted(&[&name, &data, "--model", &json]), &y);
        let shown = folder.shown(&["evaluate", &name, &data, "--model", &json, "--loss", "mse"]);
        assert!(shown.contains("loss"), "{shown}");
        let shown = folder.shown(&["inspect", &name, "--model", &json]);
        assert!(shown.contains("batch_normalization/moving_mean"), "{shown}");
        for to in ["to.keras", "to.h5", "to.safetensors", "to.onnx"] {
            folder.shown(&["convert", &name, to, "--model", &json]);
            check_close(&folder.predicted(&[to, &data]), &y);
        }
        // A model with other weights supplies the network, too.
        check_close(&folder.predicted(&[&name, &data, "--model", "to.keras"]), &y);
    }
    for command in [&["predict", &json, &data][..], &["convert", &json, "to.keras"]] {
        let text = folder.error_message(command, 1);
        assert!(text.ends_with("it has layers but no weights; pass it as --model with a file of weights"), "{text}");
    }
}

#[test]
fn a_deep_model_of_keras_is_read() {
    let folder = Folder::new();
    check_close(&folder.predicted(&[&file("deep.h5"), &file("deep.npz")]), &array("deep.npz", "y"));
    let shown = folder.shown(&["inspect", &file("deep.h5")]);
    assert!(shown.starts_with("Keras model, trained for epochs: 0, steps: 1\noptimizer: Adam("), "{shown}");
}

#[test]
fn the_types_and_headers_of_numpy_are_read() {
    let values = ArrayD::from_shape_vec(IxDyn(&[2, 3]), vec![1.0, -2.0, 3.0, 4.0, 5.0, -6.0]).unwrap();
    for name in ["big_endian_f8", "big_endian_i4", "f2", "native_f4", "double_quotes", "python_2"] {
        assert_eq!(npy::read(file(&format!("{name}.npy"))).unwrap().into_floats(), values, "{name}");
    }
    assert_eq!(array("with_strings.npz", "x"), values);
    let folder = Folder::new();
    let shown = folder.shown(&["inspect", &file("with_strings.npz")]);
    assert!(shown.contains("2 arrays, 8 elements\nskipped names: its elements are strings (<U1)"), "{shown}");
    let shown = folder.shown(&["convert", &file("with_strings.npz"), "to.safetensors"]);
    assert!(shown.starts_with("skipped names: its elements are strings (<U1)"), "{shown}");
}

#[test]
fn repetition_is_read_within_the_memory_limit() {
    let folder = Folder::new();
    let zeros = file("zeros.npz");
    assert!(folder.shown(&["inspect", &zeros]).contains("1 array, 2500000 elements"));
    let text = folder.error_message(&["inspect", &zeros, "--memory", "15MB"], 1);
    assert!(text.contains("more memory than the limit of 14 MiB") && text.contains("--memory"), "{text}");
    folder.shown(&["inspect", &zeros, "--memory", "25 MB"]);
    let text = folder.error_message(&["inspect", &zeros, "--memory", "much"], 2);
    assert!(text.starts_with("--memory is \"much\", expected a number of bytes such as 500MB or 4GiB"), "{text}");
}

#[test]
fn files_of_another_kind_are_named() {
    let folder = Folder::new();
    let kinds: [(&[u8], &str); 3] = [
        (b"", "it is empty, expected "),
        (b"\x89PNG\r\n\x1a\nabcdefghijklm", "it is a PNG picture, expected "),
        (b"a,b,c\n1,2,3\n", "it is a text file, expected "),
    ];
    let names = [
        ("a.keras", "a Keras model (.keras or .h5)"),
        ("a.h5", "a Keras model (.keras or .h5)"),
        ("a.npy", "an npy file"),
        ("a.npz", "an npz file"),
        ("a.safetensors", "a safetensors file"),
        ("a.json", "the JSON configuration of a Keras model"),
    ];
    for (name, expected) in names {
        for (contents, kind) in kinds {
            fs::write(folder.path(name), contents).unwrap();
            assert_eq!(folder.error_message(&["inspect", name], 1), format!("{name}: {kind}{expected}"));
        }
    }
}

#[test]
fn arrays_of_bytes_are_numbers() {
    let folder = Folder::new();
    let numbers = ArrayD::from_shape_fn(IxDyn(&[2, 4]), |at| (at[0] * 100 + at[1]) as f32);
    npy::write(folder.path("numbers.npy"), &numbers).unwrap();
    npy::write(folder.path("scaled.npy"), &(&numbers / 255.0)).unwrap();
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 4), }\n";
    let bytes = numbers.iter().map(|number| *number as u8).collect::<Vec<u8>>();
    let length = (header.len() as u16).to_le_bytes();
    fs::write(folder.path("bytes.npy"), [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), &bytes].concat()).unwrap();
    folder.shown(&["convert", &file("never_compiled.keras"), "model.onnx"]);
    for model in [&file("never_compiled.keras")[..], "model.onnx"] {
        let predicted = |arguments: &[&str]| folder.predicted(&[&[model], arguments].concat());
        assert_eq!(predicted(&["bytes.npy"]), predicted(&["numbers.npy"]));
        assert_eq!(predicted(&["bytes.npy", "--divide", "255"]), predicted(&["scaled.npy"]));
    }
    let text = folder.error_message(&["predict", "a", "b", "--divide", "0"], 2);
    assert!(text.starts_with("--divide is \"0\", expected a number other than 0, such as 255"), "{text}");
}

#[test]
fn weights_of_models_within_models_are_read_in_both_layouts() {
    let folder = Folder::new();
    let nested = |name: &str| file(&format!("../formats/{name}"));
    folder.shown(&["convert", &nested("nested.keras"), "flat.weights.h5"]);
    folder.shown(&["convert", "flat.weights.h5", "flat.safetensors", "--model", &nested("nested.json")]);
    folder.shown(&["convert", &nested("nested.weights.h5"), "nested.safetensors", "--model", &nested("nested.json")]);
    assert_eq!(
        fs::read(folder.path("flat.safetensors")).unwrap(),
        fs::read(folder.path("nested.safetensors")).unwrap()
    );
}

#[test]
fn contents_of_another_format_than_the_name_are_named() {
    let folder = Folder::new();
    let copy = |from: &str, to: &str| fs::copy(file(from), folder.path(to)).unwrap();
    copy("never_compiled.keras", "a.safetensors");
    let text = folder.error_message(&["inspect", "a.safetensors"], 1);
    let expected = "a.safetensors: it is a zip archive, expected a .safetensors file, as its name says; give it a name that ends \
                    in .keras";
    assert_eq!(text, expected);
    copy("deep.h5", "b.onnx");
    let text = folder.error_message(&["inspect", "b.onnx"], 1);
    assert!(text.ends_with("; give it a name that ends in .h5"), "{text}");
    // Keras' files are read by their contents.
    copy("deep.h5", "c.keras");
    folder.shown(&["inspect", "c.keras"]);
}

#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_printed_are_an_error() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let program = std::process::Command::new(env!("CARGO_BIN_EXE_gradus"));
    let output = { program }.arg("--help").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.starts_with("gradus: the results cannot be printed: "), "{message}");
}
