//! The program `gradus` as its users run it.

use crate::folder::Folder;
use gradus::data::NamedArrays;
use gradus::formats::{keras, npy, npz, onnx};
use gradus::layers::{Activation, Conv2d, Dense, Flatten, MaxPool2d};
use gradus::losses::{CategoricalCrossentropy, MeanSquaredError, SparseCategoricalCrossentropy};
use gradus::metrics::Accuracy;
use gradus::optimizers::Adam;
use gradus::report::Picture;
use gradus::tape::Params;
use gradus::{Compile, Graph, Losses, Model, Sequential};
use ndarray::{Array, Array2, Array4, Axis, s};
use std::fs;
use std::path::Path;

/// A folder with a model and samples.
fn folder() -> Folder {
    let folder = Folder::new();
    model().save(folder.path("model.safetensors")).unwrap();
    npy::write(folder.path("x.npy"), &images()).unwrap();
    folder
}

fn model() -> Model {
    let network = Sequential::new([8, 6, 1])
        .add(Conv2d::new(2, 3).activation(Activation::Relu))
        .add(MaxPool2d::new(2))
        .add(Flatten)
        .add(Dense::new(3).activation(Activation::Softmax));
    let settings = Compile::new(Adam::default(), CategoricalCrossentropy::new()).metric(Accuracy).seed(4);
    network.compile(settings).unwrap()
}

fn images() -> Array4<f32> {
    Array::from_shape_fn((5, 8, 6, 1), |(n, y, x, _)| ((n * 31 + y * 7 + x * 3) % 17) as f32 / 17.0)
}

fn floats(path: &Path) -> Array2<f32> {
    npy::read(path).unwrap().into_floats().into_dimensionality().unwrap()
}

#[test]
fn inspect_shows_layers_and_arrays() {
    let folder = folder();
    let shown = folder.shown(&["inspect", "model.safetensors"]);
    for part in ["gradus model", "conv2d (Conv2D)", "Total params: 59", "conv2d/kernel", "3 × 3 × 1 × 2", "4 arrays"]
    {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
    let shown = folder.shown(&["inspect", "x.npy"]);
    assert!(shown.contains("5 × 8 × 6 × 1") && shown.contains("1 array, 240 elements"), "{shown}");
    folder.shown(&["convert", "model.safetensors", "model.onnx"]);
    let shown = folder.shown(&["inspect", "model.onnx"]);
    for part in ["inputs: input", "Conv \"conv2d/Conv_", "outputs: output", "dense/kernel", "Total params: 59"] {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
    // An ONNX file has no optimizer and no counters.
    assert!(folder.shown(&["inspect", "model.safetensors"]).contains("optimizer: Adam("));
    assert!(!shown.contains("Adam") && !shown.contains("step"), "{shown}");
}

#[test]
fn every_format_has_equal_predictions() {
    let folder = folder();
    let expected: Array2<f32> = model().predict(&images()).unwrap().into_dimensionality().unwrap();
    for to in ["copy.safetensors", "model.keras", "model.h5", "model.onnx"] {
        let shown = folder.shown(&["convert", "model.safetensors", to]);
        let dropped = "dropped training settings and the state of the optimizer: the new file cannot hold them\n";
        let dropped = if to == "model.onnx" { dropped } else { "" };
        assert_eq!(shown, format!("{dropped}model.safetensors → {to}\n"));
        let shown = folder.shown(&["predict", to, "x.npy", "--out", "p.npy"]);
        assert_eq!(shown, "5 predictions in p.npy\n");
        let found = floats(&folder.path("p.npy"));
        let difference: &Array2<f32> = &(&found - &expected);
        assert!(difference.iter().all(|difference| difference.abs() < 1e-6), "{to}: {found} and {expected}");
    }
    folder.shown(&["convert", "model.safetensors", "arrays.npz"]);
    folder.shown(&["convert", "model.safetensors", "model.npz"]);
    folder.shown(&["convert", "arrays.npz", "arrays.safetensors"]);
    let arrays = Params::load(folder.path("arrays.safetensors")).unwrap();
    assert_eq!(arrays.get(arrays.id("dense/bias").unwrap()).shape(), [3]);
    folder.shown(&["convert", "model.keras", "torch.safetensors", "--torch"]);
    let arrays = Params::load(folder.path("torch.safetensors")).unwrap();
    assert_eq!(arrays.get(arrays.id("4.weight").unwrap()).shape(), [3, 12]);
    folder.shown(&["convert", "torch.safetensors", "again.safetensors", "--torch", "--model", "model.onnx"]);
    folder.shown(&["convert", "model.npz", "again.h5", "--model", "model.safetensors"]);
    let again = Model::load(folder.path("again.safetensors")).unwrap();
    let bits = |model: &Model| model.params().iter().flat_map(|(_, array)| array.to_owned()).collect::<Vec<f32>>();
    assert_eq!(bits(&again), bits(&model()));
    assert_eq!(keras::load(folder.path("again.h5")).unwrap().params().sha256(), model().params().sha256());
    assert_eq!(keras::load(folder.path("model.h5")).unwrap().params().sha256(), model().params().sha256());
    assert!(onnx::import(folder.path("model.onnx")).is_ok());
}

#[test]
fn predictions_are_a_table_csv_or_npy() {
    let folder = folder();
    let bytes = images().mapv(|value| (value * 255.0).round() as u8);
    Picture::new(&bytes.slice(s![2, .., .., 0])).unwrap().write_png(folder.path("two.png")).unwrap();
    Picture::new(&bytes.slice(s![3, .., .., 0])).unwrap().inverted().write_png(folder.path("three.png")).unwrap();
    let expected = model().predict(&bytes.mapv(|byte| f32::from(byte) / 255.0)).unwrap();
    let shown = folder.shown(&["predict", "model.safetensors", "two.png", "x.npy"]);
    assert_eq!(shown.lines().count(), 7, "{shown}");
    assert!(shown.starts_with("input     predicted        0        1        2\ntwo.png "), "{shown}");
    assert!(shown.contains("\nx.npy[4] "), "{shown}");
    folder.shown(&["predict", "model.safetensors", "two.png", "--out", "p.csv"]);
    let csv = fs::read_to_string(folder.path("p.csv")).unwrap();
    let cells: Vec<&str> = csv.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(csv.lines().next(), Some("input,predicted,p0,p1,p2"));
    let numbers: Vec<f32> = cells[2..].iter().map(|cell| cell.parse().unwrap()).collect();
    assert_eq!((cells[0], numbers), ("two.png", expected.slice(s![2, ..]).to_vec()));
    folder.shown(&["predict", "model.safetensors", "three.png", "--invert", "--out", "p.npy"]);
    assert_eq!(floats(&folder.path("p.npy")).row(0), expected.slice(s![3, ..]));
}

#[test]
fn evaluate_accepts_npz_files_and_idx_folders() {
    let folder = folder();
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/digits.npz");
    let network = Sequential::new([28, 28]).add(Flatten).add(Dense::new(10).activation(Activation::Softmax));
    let settings = Compile::new(Adam::default(), CategoricalCrossentropy::new()).metric(Accuracy).seed(4);
    let model = network.compile(settings).unwrap();
    model.save(folder.path("digits.safetensors")).unwrap();
    let data = gradus::data::mnist::load(None).unwrap().test;
    let few = data.first(20).normalized().unwrap().one_hot(10).unwrap();
    let shown = folder.shown(&["evaluate", "digits.safetensors", python.to_str().unwrap(), "--divide", "255"]);
    assert_eq!(shown, format!("{}\n", model.evaluate(&few).unwrap()));
    let all = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist");
    let shown = folder.shown(&["evaluate", "digits.safetensors", all, "--raw"]);
    assert_eq!(shown, format!("{}\n", model.evaluate(&data.raw().unwrap().one_hot(10).unwrap()).unwrap()));
}

#[test]
fn help_and_version_are_shown() {
    let folder = folder();
    let help = folder.shown(&["--help"]);
    for part in
        ["usage: gradus inspect FILE", "convert", "predict", "evaluate", "--out FILE", ".keras", ".onnx", ".npz"]
    {
        assert!(help.contains(part), "{part} is missing in\n{help}");
    }
    assert_eq!(folder.shown(&["--version"]), format!("gradus {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn errors_are_one_line_and_an_exit_code() {
    let folder = folder();
    let usage = |arguments: &[&str]| {
        folder.error_message(arguments, 2).strip_suffix("; --help lists commands and options").unwrap().to_owned()
    };
    assert_eq!(usage(&[]), "expected a command");
    assert_eq!(usage(&["train"]), "unknown command \"train\"; available: inspect, convert, predict, evaluate");
    assert_eq!(usage(&["inspect"]), "found 0 files, expected gradus inspect FILE");
    assert_eq!(usage(&["predict", "model.safetensors"]), "found 1 file, expected gradus predict MODEL INPUT…");
    assert_eq!(usage(&["inspect", "--all"]), "invalid option '--all'");
    assert_eq!(usage(&["predict", "model.safetensors", "x.npy", "--out"]), "missing argument for option '--out'");

    assert!(folder.error_message(&["inspect", "none.safetensors"], 1).starts_with("none.safetensors: "));
    fs::write(folder.path("text.onnx"), "hello").unwrap();
    assert!(folder.error_message(&["inspect", "text.onnx"], 1).starts_with("text.onnx: it is not an ONNX file: "));
    let ending = "model.txt: unknown file name ending; --help lists the supported endings";
    assert_eq!(folder.error_message(&["convert", "model.safetensors", "model.txt"], 1), ending);
    npy::write(folder.path("small.npy"), &images().slice(s![.., ..7, .., ..])).unwrap();
    let message = folder.error_message(&["predict", "model.safetensors", "small.npy"], 1);
    assert_eq!(
        message,
        "small.npy: its array is 5 × 7 × 6 × 1, expected rows × 8 × 6 × 1, or 8 × 6 × 1 for one sample; transpose or \
                    reshape it"
    );
    let message = folder.error_message(&["evaluate", "model.safetensors", "x.npy"], 1);
    assert_eq!(message, "x.npy: expected a folder of IDX files, or an .npz file with x and y");
    fs::write(folder.path("bad.png"), "no picture").unwrap();
    assert!(
        folder
            .error_message(&["predict", "model.safetensors", "bad.png"], 1)
            .starts_with("bad.png: it is not a PNG picture")
    );
    folder.shown(&["convert", "model.safetensors", "a.npz"]);
    let message = folder.error_message(&["convert", "a.npz", "a.onnx"], 1);
    assert_eq!(
        message,
        "a.npz: it has arrays but no model; give the network with --model, or write .safetensors or .npz"
    );
}

#[test]
fn evaluate_uses_the_losses_of_several_outputs() {
    let mut graph = Graph::new();
    let (left, right) = (graph.input("left", [3]), graph.input("right", [2]));
    let kind = graph.apply(Dense::new(4).activation(Activation::Softmax), left);
    let size = graph.apply(Dense::new(1), right);
    graph.output("kind", kind);
    graph.output("size", size);
    let losses = Losses::new().output("kind", SparseCategoricalCrossentropy::new());
    let settings = Compile::new(Adam::default(), losses.output("size", MeanSquaredError::new())).seed(4);
    let model = graph.compile(settings.loss_weight("size", 0.5)).unwrap();
    let folder = Folder::new();
    model.save(folder.path("model.safetensors")).unwrap();
    let column = |width: usize, scale: f32| {
        Array2::from_shape_fn((5, width), |(row, at)| ((row * 7 + at * 3) % 5) as f32 * scale - 1.0)
    };
    let (left, right, size) = (column(3, 0.5), column(2, 0.25), column(1, 1.0));
    let kinds = Array::from_iter((0..5).map(|row| (row * 3 % 4) as f32)).insert_axis(Axis(1));
    let mut arrays = Params::new();
    for (name, values) in [("left", &left), ("right", &right), ("size", &size), ("kind", &kinds)] {
        arrays.add(name, values).unwrap();
    }
    npz::write_params(folder.path("floats.npz"), &arrays).unwrap();
    // Floats are no labels.
    let text = folder.error_message(&["evaluate", "model.safetensors", "floats.npz"], 1);
    assert_eq!(text, "floats.npz: its y is 5 × 1, expected rows × 4, the model's output, or one integer per row");
    let one_hot = Array2::from_shape_fn((5, 4), |(row, kind)| f32::from(u8::from(row * 3 % 4 == kind)));
    let rows = NamedArrays::new().with_input("left", &left).and_then(|rows| rows.with_input("right", &right));
    let rows =
        rows.and_then(|rows| rows.with_target("kind", &one_hot)).and_then(|rows| rows.with_target("size", &size));
    let losses = Losses::new().output("kind", CategoricalCrossentropy::new()).output("size", MeanSquaredError::new());
    let model =
        model.architecture().clone().compile(Compile::new(Adam::default(), losses).loss_weight("size", 0.5)).unwrap();
    model.save(folder.path("model.safetensors")).unwrap();
    let mut arrays = Params::new();
    for (name, values) in [("left", &left), ("right", &right), ("size", &size), ("kind", &one_hot)] {
        arrays.add(name, values).unwrap();
    }
    npz::write_params(folder.path("rows.npz"), &arrays).unwrap();
    let shown = folder.shown(&["evaluate", "model.safetensors", "rows.npz"]);
    assert_eq!(shown, format!("{}\n", model.evaluate(&rows.unwrap()).unwrap()));
    let text = folder.error_message(&["evaluate", "model.safetensors", "rows.npz", "--loss", "mse"], 1);
    assert!(text.ends_with("it has several inputs or outputs; --loss and --metric are for one of each"), "{text}");
}
