//! Files of ONNX, NumPy and PyTorch.

use super::trial::{LIMIT, SMALL, Trial};
use gradus::data::idx;
use gradus::formats::onnx::Graph;
use gradus::formats::{npy, npz, torch::StateDict};
use gradus::layers::{Activation, Dense, Dropout};
use gradus::losses::CategoricalCrossentropy;
use gradus::optimizers::Adam;
use gradus::{Compile, Model, Result, Sequential};
use std::fs;
use std::path::Path;

/// Number of random changes of each seed.
const CHANGES: usize = 600;

/// The model into which arrays of PyTorch are loaded.
fn model() -> Model {
    let mlp = Sequential::new([6]).add(Dense::new(5).activation(Activation::Sigmoid)).add(Dropout::new(0.3));
    let mlp = mlp.add(Dense::new(3)).add(Activation::Softmax);
    mlp.compile(Compile::new(Adam::default(), CategoricalCrossentropy::new())).unwrap()
}

/// Reads a file in the format of its extension.
fn read(model: &mut Model, name: &str, path: &Path) -> Result<()> {
    match name.rsplit_once('.').unwrap().1 {
        "onnx" => Graph::load_with(path, LIMIT).and_then(|graph| graph.import()).map(drop),
        "npz" => npz::read_with(path, LIMIT).map(drop),
        "npy" => npy::read_with(path, LIMIT).map(drop),
        "idx" => idx::read(path).map(drop),
        _ => StateDict::of(model)?.load(model, path),
    }
}

/// A field of protocol buffers: a length and bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    varint(content.len() as u64, &mut bytes);
    bytes.extend(content);
    bytes
}

fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value > 127 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// A graph of nodes whose input has these sizes.
fn graph(sizes: &[u64], nodes: &[Vec<u8>]) -> Vec<u8> {
    let dimension = |size: &u64| {
        let mut bytes = vec![8];
        varint(*size, &mut bytes);
        field(1, &bytes)
    };
    let shape = field(2, &sizes.iter().flat_map(dimension).collect::<Vec<u8>>());
    let tensor = field(2, &field(1, &[&[8, 1], &shape[..]].concat()));
    let [input, output] = ["x", "y"].map(|name| [field(1, name.as_bytes()), tensor.clone()].concat());
    let nodes: Vec<u8> = nodes.iter().flat_map(|node| field(1, node)).collect();
    field(7, &[nodes, field(11, &input), field(12, &output)].concat())
}

fn node(operator: &str, from: &str, to: &str, more: &[u8]) -> Vec<u8> {
    [field(1, from.as_bytes()), field(2, to.as_bytes()), field(4, operator.as_bytes()), more.to_vec()].concat()
}

/// An attribute of integers.
fn integers(name: &str, values: &[u64]) -> Vec<u8> {
    let numbers: Vec<u8> = values
        .iter()
        .flat_map(|value| {
            let mut bytes = vec![8 << 3];
            varint(*value, &mut bytes);
            bytes
        })
        .collect();
    field(5, &[field(1, name.as_bytes()), numbers, vec![0xa0, 0x01, 7]].concat())
}

/// Checks files with false sizes and structures that random changes do not produce.
fn check_false_claims(trial: &mut Trial, model: &mut Model) {
    let pool = |sizes: &[u64], kernel: &[u64], more: &[u8]| {
        graph(sizes, &[node("MaxPool", "x", "y", &[integers("kernel_shape", kernel), more.to_vec()].concat())])
    };
    let mut nested = Vec::new();
    for _ in 0..9000 {
        nested = field(1, &field(5, &field(6, &nested)));
        if nested.len() > 60_000 {
            break;
        }
    }
    let most = u64::MAX >> 1;
    let claims = [
        ("a huge input", graph(&[1, most, 2], &[node("Relu", "x", "y", &[])])),
        ("a huge image", pool(&[1, 1, 1 << 30, 1 << 30], &[2, 2], &[])),
        ("an image of some size", pool(&[1, 1, 1 << 12, 1 << 12], &[1, 1], &[])),
        ("huge padding", pool(&[1, 1, 4, 4], &[9, 9], &integers("pads", &[most, most, most, most]))),
        ("wide padding", pool(&[1, 1, 4, 4], &[1 << 23, 1 << 23], &integers("pads", &[1 << 22; 4]))),
        ("huge strides", pool(&[1, 1, 4, 4], &[2, 2], &integers("strides", &[most, most]))),
        // Of 592 bytes, found by fuzzing: the lists of the elements to copy took more memory than the elements.
        ("a wide resizing", include_bytes!("wide_resizing.onnx").to_vec()),
        ("a huge kernel", pool(&[1, 1, 4, 4], &[most, most], &[])),
        ("a cycle", graph(&[1, 2], &[node("Relu", "z", "y", &[]), node("Relu", "y", "z", &[])])),
        ("a node that reads its output", graph(&[1, 2], &[node("Relu", "y", "y", &[])])),
        ("graphs in graphs", field(7, &nested)),
        ("many empty nodes", field(7, &field(1, &[]).repeat(30_000))),
        ("many empty attributes", field(7, &field(1, &field(5, &[]).repeat(30_000)))),
        ("many axes", graph(&[1; 3000], &[node("Relu", "x", "y", &[])])),
    ];
    for (what, bytes) in claims {
        assert!(bytes.len() <= SMALL, "{what} is small");
        assert!(trial.read(&bytes, what, &mut |path| read(model, "malformed.onnx", path)).is_err(), "{what}");
    }
    let claim = |shape: &str| {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}");
        [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat()
    };
    for shape in ["(9223372036854775807,)", "(4294967296, 4294967296)", "(1000000000,)", "(((((", "()"] {
        assert!(trial.read(&claim(shape), shape, &mut |path| read(model, "malformed.npy", path)).is_err(), "{shape}");
    }
    for sizes in [[1024, 1024, 64], [1024, 1024, 2048]] {
        let bytes = [&[0, 0, 8, 3], &sizes.map(u32::to_be_bytes).concat()[..], &[7]].concat();
        assert!(
            trial.read(&bytes, "an IDX file", &mut |path| read(model, "malformed.idx", path)).is_err(),
            "{sizes:?}"
        );
    }
}

const SEEDS: [&str; 18] = [
    "torch_branches.onnx",
    "torch_branches_dynamo.onnx",
    "keras_branches.onnx",
    "torch_words.onnx",
    "torch_mlp.onnx",
    "torch_cnn.onnx",
    "torch_view.onnx",
    "torch_cnn_dynamo.onnx",
    "sklearn_mlp.onnx",
    "sklearn_logistic.onnx",
    "sklearn_scaled.onnx",
    "keras_cnn.onnx",
    "types.npz",
    "digits.npz",
    "torch_cnn.npz",
    "torch_mlp.safetensors",
    "torch_lstm.onnx",
    "ones.npy",
];

#[test]
fn malformed_files_of_onnx_numpy_and_pytorch_are_handled() {
    let (mut trial, mut model) = (Trial::new(), model());
    check_false_claims(&mut trial, &mut model);
    for (number, name) in SEEDS.into_iter().enumerate() {
        let seed = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(name)).unwrap();
        let mut read = |path: &Path| read(&mut model, name, path);
        assert_eq!(trial.read(&seed, name, &mut read).is_ok(), name != "torch_lstm.onnx", "{name}");
        trial.read_changed(&seed, name, number as u64, CHANGES, &mut read);
    }
    trial.finish();
}
