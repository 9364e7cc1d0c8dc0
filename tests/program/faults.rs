//! Files that the program `gradus` could misread silently: it gives correct numbers, or an error.
//! The correct numbers are those of onnxruntime and Keras.

use crate::folder::Folder;
use gradus::data::Arrays;
use gradus::formats::{keras, npy, npz, onnx};
use gradus::layers::{Conv2d, Dense, Flatten};
use gradus::losses::{CategoricalCrossentropy, MeanSquaredError};
use gradus::metrics::{Accuracy, MeanAbsoluteError};
use gradus::optimizers::Sgd;
use gradus::tape::Params;
use gradus::{AxisOrder, Compile, Model, Sequential};
use ndarray::{ArrayD, IxDyn};
use std::fs;
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "faults", name].iter().collect()
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

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn arrays_have_the_axis_order_of_the_onnx_file() {
    let folder = Folder::new();
    for name in ["axis_order", "conv_one_axis"] {
        let (model, data) = (file(&format!("{name}.onnx")), file(&format!("{name}.npz")));
        let (x, y) = (array(&format!("{name}.npz"), "x"), array(&format!("{name}.npz"), "y"));
        check_close(&folder.predicted(&[text(&model), text(&data)]), &y);
        // Single samples, the other order, and the file converted to every format that preserves the order.
        npy::write(folder.path("one.npy"), &x.index_axis(ndarray::Axis(0), 1)).unwrap();
        check_close(
            &folder.predicted(&[text(&model), "one.npy"]),
            &y.slice_axis(ndarray::Axis(0), (1..2).into()).to_owned(),
        );
        for to in ["again.onnx", "again.safetensors"] {
            if name == "axis_order" {
                folder.shown(&["convert", text(&model), to]);
                check_close(&folder.predicted(&[to, text(&data)]), &y);
            }
        }
    }
    let (model, x) = (file("axis_order.onnx"), array("axis_order.npz", "x"));
    npy::write(folder.path("last.npy"), &x.clone().permuted_axes(IxDyn(&[0, 2, 3, 1]))).unwrap();
    let expected = "last.npy: its array is 2 × 8 × 8 × 3, expected rows × 3 × 8 × 8, or 3 × 8 × 8 for one sample; use --layout \
                    channels_last";
    assert_eq!(folder.error_message(&["predict", text(&model), "last.npy"], 1), expected);
    let found = folder.predicted(&[text(&model), "last.npy", "--layout", "channels_last"]);
    check_close(&found, &array("axis_order.npz", "y"));
    // Keras' files are channels last.
    folder.shown(&["convert", text(&model), "model.keras"]);
    check_close(&folder.predicted(&["model.keras", "last.npy"]), &array("axis_order.npz", "y"));
    npy::write(folder.path("first.npy"), &x).unwrap();
    assert!(folder.error_message(&["predict", "model.keras", "first.npy"], 1).ends_with("use --layout channels_first"));
}

/// The heading of a model that was never compiled.
const NEVER_COMPILED: &str = "no training settings";

#[test]
fn conversions_show_what_they_drop() {
    let folder = Folder::new();
    let shown = folder.shown(&["convert", text(&file("argmax_output.onnx")), "y.onnx"]);
    assert!(shown.starts_with("dropped output ") && shown.contains(": it is not an array of floats\n"), "{shown}");
    let trained = file("keras_2_adam.h5");
    for to in ["to.onnx", "to.npz", "to.weights.h5"] {
        let shown = folder.shown(&["convert", text(&trained), to]);
        let expected = "dropped training settings and the state of the optimizer: the new file cannot hold them\n";
        assert!(shown.starts_with(expected), "{shown}");
    }
    let kept = folder.shown(&["convert", text(&trained), "to.keras"]);
    assert_eq!(kept, format!("{} → to.keras\n", trained.display()));
}

/// Models of Keras without training settings, or with settings that gradus does not support.
#[test]
fn models_without_supported_training_settings_predict_and_convert() {
    let folder = Folder::new();
    for (name, problem) in [
        ("never_compiled.keras", Some(NEVER_COMPILED)),
        ("never_compiled_h5.h5", Some(NEVER_COMPILED)),
        ("other_loss.keras", Some("loss")),
        ("other_optimizer.keras", Some("optimizer")),
        // Options of Keras 2, which are supported.
        ("keras_2_adam.h5", None),
    ] {
        let (model, values) = (file(name), format!("{}.npz", name.split('.').next().unwrap()));
        let y = array(&values, "y");
        npy::write(folder.path("x.npy"), &array(&values, "x")).unwrap();
        check_close(&folder.predicted(&[text(&model), "x.npy"]), &y);
        let shown = folder.shown(&["inspect", text(&model)]);
        let without = ["Keras model, no training settings\n", "Keras model, training settings not supported\n"];
        let headed = without.map(|heading| shown.starts_with(heading));
        let (never, unsupported) =
            (problem == Some(NEVER_COMPILED), problem.is_some_and(|text| text != NEVER_COMPILED));
        assert_eq!(headed, [never, unsupported], "{name}: {shown}");
        assert!(shown.contains(problem.unwrap_or("optimizer: Adam(")), "{name}: {shown}");
        for to in ["to.safetensors", "to.keras", "to.h5"] {
            let converted = folder.shown(&["convert", text(&model), to]);
            assert_eq!(converted.starts_with("dropped training settings: "), unsupported, "{name}: {converted}");
            check_close(&folder.predicted(&[to, "x.npy"]), &y);
            let shown = folder.shown(&["inspect", to]);
            let untrained = ["no training settings", "saved without being compiled"].map(|text| shown.contains(text));
            assert_eq!(untrained.contains(&true), problem.is_some(), "{name} as {to}");
        }
        // Training needs settings, and evaluation needs a loss.
        let loaded = keras::load(&model).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(loaded.is_err_and(|message| message.contains("keras::load_with")), problem.is_some(), "{name}");
        npz::write_params(folder.path("data.npz"), &data(&values)).unwrap();
        if unsupported {
            let refused = folder.error_message(&["evaluate", text(&model), "data.npz"], 1);
            assert!(refused.ends_with("; name the loss with --loss, and metrics with --metric"), "{refused}");
        }
        let evaluated = folder.shown(&["evaluate", text(&model), "data.npz", "--loss", "mse"]);
        assert!(evaluated.starts_with("loss: MeanSquaredError() (--loss)\n"), "{evaluated}");
    }
}

/// The samples and the correct outputs of a test file.
fn data(name: &str) -> Params {
    let mut params = Params::new();
    for key in ["x", "y"] {
        params.add(key, &array(name, key)).unwrap();
    }
    params
}

#[test]
fn a_model_has_the_axis_order_of_its_file() {
    let imported = onnx::import(file("conv_one_axis.onnx")).unwrap();
    let model = imported.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new())).unwrap();
    let (input, output) = (model.inputs().remove(0), model.outputs().remove(0));
    assert_eq!((input.shape(), input.shape_in_file()), ([9, 4].into(), [4, 9].into()));
    assert_eq!((output.shape(), output.shape_in_file()), ([7, 5].into(), [5, 7].into()));
    let x = array("conv_one_axis.npz", "x");
    let y = model.predict(&input.axis_order().to_model(x.view()).unwrap()).unwrap();
    check_close(&output.axis_order().to_file(y).unwrap(), &array("conv_one_axis.npz", "y"));
    let network = Sequential::new([8, 6, 3]).add(Flatten).add(Dense::new(2));
    let model = network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new())).unwrap();
    assert_eq!(model.inputs()[0].axis_order(), AxisOrder::CHANNELS_LAST);
}

#[test]
fn samples_of_another_shape_are_rejected() {
    let folder = Folder::new();
    let (model, data) = (file("samples_4_by_3.keras"), file("samples_4_by_3.npz"));
    check_close(&folder.predicted(&[text(&model), text(&data)]), &array("samples_4_by_3.npz", "y"));
    let transposed = array("samples_4_by_3.npz", "x").permuted_axes(IxDyn(&[0, 2, 1]));
    npy::write(folder.path("transposed.npy"), &transposed).unwrap();
    let expected = "transposed.npy: its array is 5 × 3 × 4, expected rows × 4 × 3, or 4 × 3 for one sample; use --layout \
                    channels_first";
    assert_eq!(folder.error_message(&["predict", text(&model), "transposed.npy"], 1), expected);
}

/// A model for pictures of this shape.
fn pictures(shape: [usize; 3]) -> Model {
    let network = Sequential::new(shape).add(Conv2d::new(2, 2)).add(Flatten).add(Dense::new(2));
    network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()).seed(5)).unwrap()
}

#[test]
fn pictures_of_another_shape_are_rejected() {
    let folder = Folder::new();
    for (shape, picture, found, expected) in [
        ([28, 28, 1], "gray14x56.png", "14 × 56 × 1", "28 × 28 × 1"),
        ([8, 6, 3], "rgb6x8.png", "6 × 8 × 3", "8 × 6 × 3"),
    ] {
        pictures(shape).save(folder.path("model.safetensors")).unwrap();
        let path = file(picture);
        let message = folder.error_message(&["predict", "model.safetensors", text(&path)], 1);
        let problem = format!(
            "{}: the picture is {found} (height × width × channels), expected {expected}; scale or crop it \
             first",
            path.display()
        );
        assert_eq!(message, problem);
    }
}

#[test]
fn transparent_pixels_have_the_white_or_given_background() {
    let folder = Folder::new();
    let model = pictures([28, 28, 1]);
    model.save(folder.path("model.safetensors")).unwrap();
    let ink = file("ink_on_transparent.png");
    // Black with an alpha of 0 to 255, so on white each pixel is 255 − alpha.
    let alpha = |background: f32| {
        let mut reader = png::Decoder::new(std::io::Cursor::new(fs::read(&ink).unwrap())).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let values = pixels.chunks_exact(4).map(|pixel| background * (255.0 - f32::from(pixel[3])) / 255.0 / 255.0);
        model.predict(&ArrayD::from_shape_vec(IxDyn(&[1, 28, 28, 1]), values.collect()).unwrap()).unwrap()
    };
    check_close(&folder.predicted(&["model.safetensors", text(&ink)]), &alpha(255.0));
    check_close(&folder.predicted(&["model.safetensors", text(&ink), "--background", "#404040"]), &alpha(64.0));
    check_close(&folder.predicted(&["model.safetensors", text(&ink), "--background", "black"]), &alpha(0.0));
    assert!(folder.shown(&["--help"]).contains("--background COLOR"));
}

/// The loss and metric that Keras computes, for each model and dataset.
fn cases() -> Vec<[String; 5]> {
    let text = fs::read_to_string(file("evaluate.txt")).unwrap();
    text.lines().map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()).collect()
}

fn evaluate_files(model: &str, data: &str) -> [String; 2] {
    [format!("evaluate_{model}.onnx"), format!("evaluate_{data}.npz")].map(|name| text(&file(&name)).to_owned())
}

/// The loss and the metric of a line such as `loss: 1.8477 - accuracy: 0.4000`.
fn scores(shown: &str) -> [f64; 2] {
    let line = shown.lines().last().unwrap();
    let values: Vec<f64> = line.split(" - ").map(|score| score.split_once(": ").unwrap().1.parse().unwrap()).collect();
    values.try_into().unwrap()
}

#[test]
fn the_loss_of_an_onnx_file_follows_from_its_output_and_targets_and_is_printed() {
    let folder = Folder::new();
    assert_eq!(cases().len(), 6);
    for [model, data, class, loss, metric] in cases() {
        let [model, data] = &evaluate_files(&model, &data);
        let shown = folder.shown(&["evaluate", model, data]);
        let expected = [&loss, &metric].map(|number| number.parse::<f64>().unwrap());
        for (found, expected) in scores(&shown).into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-4, "{found}, not {expected}:\n{shown}");
        }
        assert!(shown.starts_with(&format!("loss: {class}(")), "{shown}");
        assert_eq!(shown.contains("accuracy"), class.ends_with("Crossentropy"), "{shown}");
        // Keras' names select the same loss.
        let keras = class.chars().fold(String::new(), |name, letter| match letter.is_uppercase() && !name.is_empty() {
            true => format!("{name}_{}", letter.to_lowercase()),
            false => format!("{name}{}", letter.to_lowercase()),
        });
        let metric = if class.ends_with("Crossentropy") { "acc" } else { "mae" };
        let named = folder.shown(&["evaluate", model, data, "--loss", &keras, "--metric", metric]);
        assert_eq!(named.lines().last(), shown.lines().last());
        let other = if class.ends_with("Crossentropy") { "precision" } else { "mean_squared_error" };
        let several = folder.shown(&["evaluate", model, data, "--metric", metric, "--metric", other]);
        assert!(several.lines().last().unwrap().contains(&format!(" - {other}: ")), "{several}");
    }
    let [model, data] = &evaluate_files("logits", "labels");
    let first = "loss: SparseCategoricalCrossentropy(from_logits=true) (its output has no final softmax or sigmoid, and y \
                 has integers)\nmetrics: Accuracy() (default of this loss)\n";
    assert!(folder.shown(&["evaluate", model, data]).starts_with(first));
}

#[test]
fn an_ambiguous_loss_must_be_chosen() {
    let folder = Folder::new();
    for (model, data, part) in [
        ("relu", "labels", "--loss \"SparseCategoricalCrossentropy(from_logits=true)\""),
        ("relu", "one_hot", "--loss MeanSquaredError for a regression"),
        ("number", "bits", "--loss \"BinaryCrossentropy(from_logits=true)\""),
        ("sigmoid", "numbers", "--loss MeanSquaredError for a regression"),
    ] {
        let [model, data] = &evaluate_files(model, data);
        let message = folder.error_message(&["evaluate", model, data], 1);
        assert!(
            message.starts_with(&**model) && message.contains("choose one: ") && message.contains(part),
            "{message}"
        );
        if message.contains("MeanSquaredError") {
            let shown = folder.shown(&["evaluate", model, data, "--loss", "mse"]);
            assert!(shown.starts_with("loss: MeanSquaredError() (--loss)\n"), "{shown}");
        }
    }
    let [model, data] = &evaluate_files("logits", "labels");
    let message = folder.error_message(&["evaluate", model, data, "--loss", "wasserstein"], 1);
    assert!(message.contains("unknown loss \"wasserstein\"; available: BinaryCrossentropy, "), "{message}");
    let message = folder.error_message(&["evaluate", model, data, "--metric", "auroc"], 1);
    assert!(message.contains("unknown metric \"auroc\"; available: Accuracy, "), "{message}");
    let [_, numbers] = &evaluate_files("logits", "numbers");
    let message = folder.error_message(&["evaluate", model, numbers], 1);
    let expected = "its y is 20 × 1, expected rows × 3, the model's output, or one integer per row";
    assert!(message.ends_with(expected), "{message}");
}

#[test]
fn the_loss_and_metrics_of_a_file_are_used_unless_others_are_given() {
    let folder = Folder::new();
    let network = Sequential::new([4]).add(Dense::new(3));
    let compile = |settings: Compile| network.compile(settings.seed(3)).unwrap();
    let own = compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()).metric(MeanAbsoluteError));
    own.save(folder.path("own.safetensors")).unwrap();
    keras::save(&own, folder.path("own.keras")).unwrap();
    let [_, data] = &evaluate_files("logits", "one_hot");
    let [x, y] = ["x", "y"].map(|key| array("evaluate_one_hot.npz", key));
    let rows = Arrays::new(x, y).unwrap();
    for path in ["own.safetensors", "own.keras"] {
        assert_eq!(folder.shown(&["evaluate", path, data]), format!("{}\n", own.evaluate(&rows).unwrap()));
        let other = folder.shown(&["evaluate", path, data, "--loss", "categorical_crossentropy"]);
        let cross = CategoricalCrossentropy::new().from_logits(true);
        let expected = compile(Compile::new(Sgd::new(0.1), cross).metric(MeanAbsoluteError)).evaluate(&rows).unwrap();
        let why =
            "loss: CategoricalCrossentropy(from_logits=true) (--loss, and its output has no final softmax or sigmoid)";
        assert_eq!(other, format!("{why}\n{expected}\n"));
        let other = folder.shown(&["evaluate", path, data, "--metric", "acc"]);
        let expected = compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()).metric(Accuracy));
        assert_eq!(other, format!("metrics: Accuracy() (--metric)\n{}\n", expected.evaluate(&rows).unwrap()));
    }
}
