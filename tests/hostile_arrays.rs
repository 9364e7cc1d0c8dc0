//! Files made to do harm: whatever is changed in a file of ONNX, NumPy, PyTorch or in a picture, reading it ends in what it
//! holds or in an error about it, in little memory. One test in a file of its own, as it counts what is allocated.

mod memory;

use gradus::formats::onnx::Graph;
use gradus::formats::{npy, npz, torch::StateDict};
use gradus::layers::{Activation, Dense, Dropout};
use gradus::losses::CategoricalCrossentropy;
use gradus::optimizers::Adam;
use gradus::{Compile, Draws, Error, Key, Model, Sequential};
use memory::{MOST, NOW};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The most that reading a file may take.
const MEMORY: usize = 64 << 20;

/// The most that reading a file may take, at the best of a few tries: others may use the machine.
const TIME: Duration = Duration::from_millis(100);
const TRIES: usize = 20;

/// How often each seed is changed at random.
const CHANGES: usize = 600;

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(name)
}

/// Tries files, and counts what became of them.
struct Trial {
    path: PathBuf,
    model: Model,
    read: usize,
    refused: usize,
    most: usize,
    longest: Duration,
}

impl Trial {
    fn new() -> Trial {
        let mlp = Sequential::new([6]).add(Dense::new(5).activation(Activation::Sigmoid)).add(Dropout::new(0.3));
        let mlp = mlp.add(Dense::new(3)).add(Activation::Softmax);
        let model = mlp.compile(Compile::new(Adam::default(), CategoricalCrossentropy::new())).unwrap();
        let path = std::env::temp_dir().join(format!("gradus-hostile-arrays-{}", std::process::id()));
        Trial { path, model, read: 0, refused: 0, most: 0, longest: Duration::ZERO }
    }

    /// Reads a file as what its name says.
    fn read(&mut self, bytes: &[u8], name: &str, what: &str) -> Result<(), Error> {
        fs::write(&self.path, bytes).unwrap();
        let dict = StateDict::of(&self.model).unwrap();
        let before = NOW.load(Ordering::SeqCst);
        MOST.store(before, Ordering::SeqCst);
        let mut read = || match name.rsplit_once('.').unwrap().1 {
            "onnx" => Graph::load(&self.path).and_then(|graph| graph.import()).map(|_| ()),
            "npz" => npz::read(&self.path).map(|_| ()),
            "npy" => npy::read(&self.path).map(|_| ()),
            _ => dict.load(&mut self.model, &self.path),
        };
        let (mut result, mut took) = timed(&mut read);
        for _ in 1..TRIES {
            if took > TIME {
                let (again, time) = timed(&mut read);
                (result, took) = (again, took.min(time));
            }
        }
        let most = MOST.load(Ordering::SeqCst) - before;
        (self.most, self.longest) = (self.most.max(most), self.longest.max(took));
        assert!(most <= MEMORY, "{what}: {most} bytes");
        assert!(took <= TIME, "{what}: {took:?}");
        let told = matches!(result, Ok(()) | Err(Error::Format { .. } | Error::Unsupported { .. }));
        assert!(told, "{what}: {result:?}");
        *if result.is_ok() { &mut self.read } else { &mut self.refused } += 1;
        result
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    (work(), began.elapsed())
}

/// The file with something changed, as a key has it.
fn changed(seed: &[u8], draws: &mut Draws) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    let length = bytes.len();
    let mut below = |end: usize| draws.below(end as u32) as usize;
    match below(6) {
        0 => bytes.truncate(below(length)),
        1 => (0..1 + below(8)).for_each(|_| bytes[below(length)] ^= 1 << below(8)),
        2 => (0..1 + below(4)).for_each(|_| bytes[below(length)] = [0, 1, 0x7f, 0xff][below(4)]),
        // A number of protocol buffers, or of eight bytes, becomes a huge one.
        3 => {
            let huge: [&[u8]; 4] = [
                &[0xff, 0xff, 0xff, 0xff, 0x0f],
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
                &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40],
                &[0xff; 8],
            ];
            let (at, number) = (below(length), huge[below(4)]);
            let end = (at + below(3)).min(length);
            bytes.splice(at..end, number.iter().copied());
        }
        4 => {
            let count = 1 + below(length.min(256));
            let (from, to) = (below(length - count + 1), below(length - count + 1));
            bytes.copy_within(from..from + count, to);
        }
        // A digit of a header becomes another; a piece stands twice.
        5 if below(2) == 0 => {
            let digits: Vec<usize> = (0..length).filter(|at| bytes[*at].is_ascii_digit()).collect();
            if !digits.is_empty() {
                (0..1 + below(3)).for_each(|_| bytes[digits[below(digits.len())]] = b"0123456789-e\"[{("[below(16)]);
            }
        }
        _ => {
            let count = 1 + below(length.min(64));
            let from = below(length - count + 1);
            let piece = bytes[from..from + count].to_vec();
            let at = below(length);
            bytes.splice(at..at, piece);
        }
    }
    bytes
}

/// A field of protocol buffers: bytes behind their length.
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

/// An attribute of whole numbers.
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

/// Lies that chance does not find.
fn check_lies(trial: &mut Trial) {
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
    let lies = [
        ("a huge input", graph(&[1, most, 2], &[node("Relu", "x", "y", &[])])),
        ("a huge image", pool(&[1, 1, 1 << 30, 1 << 30], &[2, 2], &[])),
        ("an image of some size", pool(&[1, 1, 1 << 12, 1 << 12], &[1, 1], &[])),
        ("huge padding", pool(&[1, 1, 4, 4], &[9, 9], &integers("pads", &[most, most, most, most]))),
        ("wide padding", pool(&[1, 1, 4, 4], &[1 << 23, 1 << 23], &integers("pads", &[1 << 22; 4]))),
        ("huge strides", pool(&[1, 1, 4, 4], &[2, 2], &integers("strides", &[most, most]))),
        ("a huge kernel", pool(&[1, 1, 4, 4], &[most, most], &[])),
        ("a cycle", graph(&[1, 2], &[node("Relu", "z", "y", &[]), node("Relu", "y", "z", &[])])),
        ("itself", graph(&[1, 2], &[node("Relu", "y", "y", &[])])),
        ("graphs in graphs", field(7, &nested)),
        ("many empty nodes", field(7, &field(1, &[]).repeat(30_000))),
        ("many empty attributes", field(7, &field(1, &field(5, &[]).repeat(30_000)))),
        ("many axes", graph(&[1; 3000], &[node("Relu", "x", "y", &[])])),
    ];
    for (what, bytes) in lies {
        assert!(bytes.len() <= 64 << 10, "{what} is small");
        assert!(trial.read(&bytes, "lie.onnx", what).is_err(), "{what}");
    }
    let claim = |shape: &str| {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}");
        [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat()
    };
    for shape in ["(9223372036854775807,)", "(4294967296, 4294967296)", "(1000000000,)", "(((((", "()"] {
        assert!(trial.read(&claim(shape), "lie.npy", shape).is_err(), "{shape}");
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
fn no_file_does_harm() {
    let mut trial = Trial::new();
    check_lies(&mut trial);
    for (number, name) in SEEDS.into_iter().enumerate() {
        let seed = fs::read(kept(name)).unwrap();
        assert!(seed.len() <= 64 << 10, "{name} is small");
        assert_eq!(trial.read(&seed, name, name).is_ok(), name != "torch_lstm.onnx", "{name}");
        let mut draws = Key::from_seed(11).split(number as u64).draws(0);
        for change in 0..CHANGES {
            let bytes = changed(&seed, &mut draws);
            let _ = trial.read(&bytes, name, &format!("{name}, change {change}")); // what becomes of it is counted
        }
    }
    fs::remove_file(&trial.path).unwrap();
    let Trial { read, refused, most, longest, .. } = trial;
    println!("{} files: {read} read, {refused} refused, at most {most} bytes and {longest:?}", read + refused);
    assert!(read + refused >= 10_000 && read >= 500 && refused >= 1000);
}
