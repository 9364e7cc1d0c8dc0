//! Exchange of models with Keras.

use gradus::data::{Arrays, Dataset, NamedArrays, mnist};
use gradus::formats::{keras, onnx};
use gradus::layers::{Activation, Dense};
use gradus::losses::CategoricalCrossentropy;
use gradus::optimizers::{Adam, Sgd};
use gradus::tape::Params;
use gradus::{Compile, Fit, Model, Progress, Sequential};
use ndarray::{Array2, ArrayD, ArrayViewD, Axis};
use std::collections::BTreeMap;
use std::fs;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub(super) fn folder() -> PathBuf {
    std::env::var_os("GRADUS_INTEROP").expect("tests/interop/run sets GRADUS_INTEROP").into()
}

/// Number of training images with which Keras continues.
const MORE: usize = 2000;

/// The examples, with the shape of a sample and the divisor of pixels.
const MODELS: [(&str, &[usize], f32); 4] = [
    ("dense_linear", &[784], 255.0),
    ("lenet5", &[28, 28, 1], 255.0),
    ("dropout_mlp", &[784], 255.0),
    ("deep_sigmoid", &[28, 28], 1.0),
];

fn inputs(digits: &mnist::Digits, sample: &[usize], scale: f32) -> ArrayD<f32> {
    let shape = [&[digits.len()], sample].concat();
    digits.images.mapv(|pixel| f32::from(pixel) / scale).into_shape_with_order(shape).unwrap()
}

fn one_hot(digits: &mnist::Digits) -> Array2<f32> {
    Array2::from_shape_fn((digits.len(), 10), |(row, class)| f32::from(usize::from(digits.labels[row]) == class))
}

/// Writes each trained model in both formats, its weights, and its predictions for the test images.
#[test]
#[ignore = "tests/interop/run calls it"]
fn models_for_keras() {
    let digits = mnist::load(None).unwrap();
    let train = digits.train.first(6000 + MORE);
    for (name, sample, scale) in MODELS {
        let folder = folder().join(name);
        let mut model = Model::load(folder.join("model.safetensors")).unwrap();
        keras::save(&model, folder.join("model.h5")).unwrap();
        keras::save(&model, folder.join("model.keras")).unwrap();
        keras::save_weights(&model, folder.join("model.weights.h5")).unwrap();
        let mut arrays = Params::new();
        let test = inputs(&digits.test, sample, scale);
        arrays.add("predictions", &model.predict(&test).unwrap()).unwrap();
        arrays.add("test", &test).unwrap();
        let more = inputs(&train, sample, scale).slice_axis(Axis(0), (6000..).into()).to_owned();
        let targets = one_hot(&train).slice_axis(Axis(0), (6000..).into()).to_owned();
        arrays.add("inputs", &more).unwrap();
        arrays.add("targets", &targets).unwrap();
        let fit = Fit::new().batch_size(100).shuffle(false).progress(Progress::Quiet);
        let history = model.fit(&Arrays::new(more, targets).unwrap(), fit).unwrap();
        arrays.add("loss", &ndarray::arr1(&[history.get("loss").unwrap()[0] as f32])).unwrap();
        for (number, (_, values)) in model.params().iter().enumerate() {
            arrays.add(&format!("after/{number}"), &values).unwrap();
        }
        arrays.save(folder.join("arrays.safetensors")).unwrap();
    }
    deep_model();
}

/// Saves the stored models of Keras again in both formats. They include graphs, frozen layers and every optimizer.
#[test]
#[ignore = "tests/interop/run calls it"]
fn models_back_to_keras() {
    write_back(&stored_folder(), &folder().join("back"));
}

/// Saves the models of Keras in a folder again in both formats.
fn write_back(models_of_keras: &Path, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for path in models(models_of_keras) {
        let arrays = Params::load(path.with_extension("safetensors")).unwrap();
        let model = load(&path, &arrays);
        let back = folder.join(path.file_name().unwrap());
        keras::save(&model, back.with_extension("keras")).unwrap();
        keras::save(&model, back.with_extension("h5")).unwrap();
        fs::copy(path.with_extension("safetensors"), back.with_extension("safetensors")).unwrap();
    }
}

/// A model with enough layers for a description longer than 64 KiB, and groups longer than a header message.
fn deep_model() {
    let folder = folder().join("deep");
    fs::create_dir_all(&folder).unwrap();
    let layers = |network: Sequential, _| network.add(Dense::new(3).activation(Activation::Tanh));
    let network = (0..300).fold(Sequential::new([3]), layers);
    let model = network.compile(Compile::new(Adam::default(), CategoricalCrossentropy::new())).unwrap();
    keras::save(&model, folder.join("model.h5")).unwrap();
    keras::save(&model, folder.join("model.keras")).unwrap();
    let mut arrays = Params::new();
    let test = Array2::from_shape_fn((20, 3), |(row, column)| (row as f32 - 10.0) * (column as f32 + 1.0));
    arrays.add("predictions", &model.predict(&test).unwrap()).unwrap();
    arrays.add("test", &test).unwrap();
    arrays.save(folder.join("arrays.safetensors")).unwrap();
}

fn largest<'a>(values: impl IntoIterator<Item = &'a f32>) -> f32 {
    values.into_iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

/// |a − b| ≤ 10⁻⁵ · max(1, max|b|), and the same class wherever the two largest differ by more than 10⁻⁴. Returns the
/// distance by its bound.
pub(super) fn check_predictions(found: &ArrayD<f32>, expected: ArrayViewD<'_, f32>, place: &str) -> f32 {
    let bound = 1e-5 * largest(&expected).max(1.0);
    let apart = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart <= bound, "{place}: predictions are {apart} apart");
    let columns = *found.shape().last().unwrap();
    let rows = |array: ArrayViewD<'_, f32>| array.iter().copied().collect::<Vec<f32>>();
    let (found, expected) = (rows(found.view()), rows(expected));
    for (found, expected) in found.chunks(columns).zip(expected.chunks(columns)) {
        let mut order: Vec<usize> = (0..columns).collect();
        order.sort_by(|a, b| expected[*b].total_cmp(&expected[*a]));
        let clear = columns > 1 && expected[order[0]] - expected[order[1]] > 1e-4;
        assert!(!clear || found.iter().all(|value| *value <= found[order[0]]), "{place}: another class");
    }
    apart / bound
}

fn array(arrays: &Params, name: &str) -> ArrayD<f32> {
    arrays.get(arrays.id(name).unwrap()).to_owned()
}

/// The arrays with a prefix, by the rest of their names: `x/image` is `image` for the prefix `x`.
pub(super) fn named(arrays: &Params, word: &str) -> BTreeMap<String, ArrayD<f32>> {
    let under = |(name, values): (&str, ArrayViewD<'_, f32>)| {
        let rest = name.strip_prefix(word)?.strip_prefix('/')?;
        Some((rest.to_owned(), values.to_owned()))
    };
    arrays.iter().filter_map(under).collect()
}

/// The rows of the predictions and the training step of Keras. A single input or output has no name in Keras.
pub(super) fn batch(model: &Model, arrays: &Params) -> NamedArrays {
    let (mut data, inputs) = (NamedArrays::new(), model.inputs());
    for (name, x) in named(arrays, "x") {
        data = data.with_input(if name.is_empty() { inputs[0].name() } else { &name }, &x).unwrap();
    }
    let outputs = model.predict_dataset(&data).unwrap();
    for (name, y) in named(arrays, "y") {
        let output = if name.is_empty() { outputs.keys().next().unwrap() } else { &name };
        data = match arrays.id(&format!("label/{name}")).is_ok() {
            true => data.with_target(output, y.mapv(|label| label as i64).into_shape_with_order(y.len()).unwrap()),
            false => data.with_target(output, &y),
        }
        .unwrap();
    }
    data
}

fn step(model: &mut Model, data: &dyn Dataset) {
    model.train_on_batch(data).unwrap();
}

/// The learning rate of the models in the folder `steep`.
const STEEP: f32 = (1u32 << 24) as f32;

/// The gradients of one step, computed from a step with a learning rate so large that the previous weights are negligible.
fn gradients(path: &Path, arrays: &Params) -> Vec<(String, ArrayD<f32>)> {
    let steep = path.parent().unwrap().join("steep").join(path.file_name().unwrap());
    // Keras 2 has no other format, and Keras 3 writes optimizers only in the newer one.
    let steep = [steep.with_extension("keras"), steep.with_extension("h5")].into_iter().find(|steep| steep.exists());
    let mut model = keras::load(steep.unwrap()).unwrap();
    let before = model.params().clone();
    let data = batch(&model, arrays);
    step(&mut model, &data);
    let trainable = before.ids().filter(|id| before.trainable(*id));
    let difference = trainable.map(|id| {
        let name = before.name(id);
        let after = model.params().get(model.params().id(name).unwrap());
        (name.to_owned(), (&before.get(id) - &after) / STEEP)
    });
    difference.collect()
}

/// The models in a folder that have a file with expected values.
pub(super) fn models(folder: &Path) -> Vec<PathBuf> {
    let mut models: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let whole = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "keras" || ending == "h5");
    models.retain(|path| whole(path) && path.with_extension("safetensors").exists());
    models.sort();
    models
}

/// Checks every model, and lists all that differ.
pub(super) fn check_all<T>(models: &[PathBuf], check: impl Fn(&Path) -> T) -> Vec<T> {
    let checked = models
        .iter()
        .map(|path| std::panic::catch_unwind(AssertUnwindSafe(|| check(path))).map_err(|_| path.display().to_string()));
    let (checked, differing): (Vec<_>, Vec<_>) = checked.partition(Result::is_ok);
    let differing: Vec<String> = differing.into_iter().filter_map(Result::err).collect();
    assert!(differing.is_empty(), "{} of {} models differ: {differing:#?}", differing.len(), models.len());
    checked.into_iter().filter_map(Result::ok).collect()
}

/// Loads every model of Keras and compares predictions, gradients and one training step with those of Keras.
#[test]
#[ignore = "tests/interop/run calls it"]
fn models_of_keras() {
    let models = models(&folder().join("keras"));
    let checked = check_all(&models, check_model);
    let trained = checked.iter().filter(|model| model.arrays > 0).count();
    println!("{} models of Keras, {trained} of them trained for a step", models.len());
    let arrays: usize = checked.iter().map(|model| model.arrays).sum();
    let noise: Vec<f32> = checked.iter().flat_map(|model| model.noise.iter().copied()).collect();
    println!("{arrays} gradients; {}", check_noise(noise));
    let predictions = checked.iter().fold(0.0f32, |worst, model| worst.max(model.predictions));
    println!("predictions at most {predictions:.2} of their bound apart");
    assert!(models.len() >= 200 && trained >= 100);
}

/// Loads models with recurrent layers, compares them with Keras, and saves them again.
#[test]
#[ignore = "tests/interop/run calls it"]
fn recurrent_models_of_keras() {
    let recurrent = folder().join("recurrent");
    let models = models(&recurrent);
    let checked = check_all(&models, check_model);
    let trained = checked.iter().filter(|model| model.arrays > 0).count();
    println!("{}", check_noise(checked.into_iter().flat_map(|model| model.noise).collect()));
    println!("{} models of Keras with recurrent layers, {trained} of them trained for a step", models.len());
    assert!(models.len() >= 200 && trained >= 100);
    write_back(&recurrent, &folder().join("recurrent_back"));
}

/// Loads networks of keras.applications, compares them like other models of Keras, and converts them to ONNX and back, and to
/// Keras.
#[test]
#[ignore = "tests/interop/run calls it"]
fn applications_of_keras() {
    let folder = folder().join("applications");
    let back = folder.join("back");
    fs::create_dir_all(&back).unwrap();
    let paths = models(&folder);
    check_all(&paths, |path| {
        let (place, start) = (path.display().to_string(), Instant::now());
        let checked = check_model(path);
        println!("{place}: {} gradients, {:.1?}; {}", checked.arrays, start.elapsed(), check_noise(checked.noise));
        let mut model = keras::load(path).unwrap();
        let name = path.file_stem().unwrap();
        keras::save(&model, back.join(name).with_extension("keras")).unwrap();
        keras::save(&model, back.join(name).with_extension("h5")).unwrap();
        fs::copy(path.with_extension("safetensors"), back.join(name).with_extension("safetensors")).unwrap();

        onnx::export(&model, back.join(name).with_extension("onnx")).unwrap();
        let imported = onnx::import(back.join(name).with_extension("onnx")).unwrap();
        assert!(!format!("{imported:?}").contains("OnnxGraph"), "{place} is not imported as layers");
        let mut imported = imported.compile(Compile::new(Sgd::new(0.01), CategoricalCrossentropy::new())).unwrap();
        let arrays = Params::load(path.with_extension("safetensors")).unwrap();
        let [x, y] = ["x/", "y/"].map(|name| array(&arrays, name));
        check_predictions(&imported.predict(&x).unwrap(), array(&arrays, "prediction/").view(), &place);
        let data = Arrays::new(x, y).unwrap();
        step(&mut model, &data);
        step(&mut imported, &data);
        let trained = |model: &Model| -> Vec<ArrayD<f32>> {
            let params = model.params();
            params.ids().filter(|id| params.trainable(*id)).map(|id| params.get(id).to_owned()).collect()
        };
        let (own, other) = (trained(&model), trained(&imported));
        assert_eq!(own.len(), other.len(), "{place}: other weights are trained after an import from ONNX");
        for (own, other) in own.iter().zip(&other) {
            let apart = own.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(
                apart <= 1e-5 * largest(own).max(1.0),
                "{place}: a weight is {apart} apart after an import from ONNX"
            );
        }
    });
    assert_eq!(paths.len(), 10);
}

fn stored_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/files")
}

/// The files were written by Keras 3.15.1 (keras_models.py keep).
#[test]
fn stored_models_of_keras_are_loaded() {
    let models = models(&stored_folder());
    let trained = models.iter().filter(|path| check_model(path).arrays > 0).count();
    assert_eq!((models.len(), trained), (9, 7));
}

#[test]
fn weights_are_loaded_from_every_format() {
    let path = stored_folder().join("images.h5");
    let model = keras::load(&path).unwrap();
    for name in ["images.weights.h5", "images.h5"] {
        let mut fresh = keras::load(&path).unwrap();
        let names: Vec<String> = model.params().iter().map(|(name, _)| name.to_owned()).collect();
        for name in names {
            let id = fresh.params().id(&name).unwrap();
            fresh.params_mut().get_mut(id).fill(7.0);
        }
        keras::load_weights(&mut fresh, stored_folder().join(name)).unwrap();
        assert_eq!(fresh.params().sha256(), model.params().sha256(), "{name}");
    }
    let mut other = keras::load(stored_folder().join("sgd.keras")).unwrap();
    let before = other.params().sha256();
    let error = keras::load_weights(&mut other, stored_folder().join("images.weights.h5")).unwrap_err().to_string();
    assert!(error.ends_with("kernel\" has shape 27 × 3 in the file and 6 × 4 in the model"), "{error}");
    keras::load_weights(&mut other, stored_folder().join("adam.keras")).unwrap();
    assert_ne!(other.params().sha256(), before);
}

/// The comparison of a model.
#[derive(Default)]
struct Checked {
    /// The largest error of the predictions, relative to the bound.
    predictions: f32,
    /// Number of compared gradients; 0 for models with dropout.
    arrays: usize,
    /// The errors of gradients that are further than the bound from those of Keras, as in [`MOST_NOISE`].
    noise: Vec<f32>,
}

/// Where terms nearly cancel, and in deep networks, float32 gradients have larger errors than 10⁻⁵. Those of gradus and of Keras
/// are compared with gradients in float64: an error of gradus is divided by the largest one of Keras over several perturbations
/// of the last digit of the weights. This limits the quotient of each array, which varies by chance.
const MOST_NOISE: f32 = 6.0;

/// The limit of the median quotient, which shows that gradients of gradus are as exact as those of Keras.
const MEDIAN_NOISE: f32 = 1.25;

/// Checks the median error of several gradients and describes it.
fn check_noise(mut noise: Vec<f32>) -> String {
    noise.sort_by(f32::total_cmp);
    let [median, most] =
        [noise.len() / 2, noise.len().saturating_sub(1)].map(|rank| noise.get(rank).copied().unwrap_or(0.0));
    let found = format!("{} further apart; errors {median:.2} of Keras' in the median, {most:.2} at most", noise.len());
    assert!(noise.len() < 20 || median <= MEDIAN_NOISE, "{found}");
    found
}

/// Loads a model, without settings for training if there is nothing to compare a step with.
fn load(path: &Path, arrays: &Params) -> Model {
    let model = match named(arrays, "y").is_empty() {
        true => keras::load_architecture(path).and_then(|architecture| architecture.into_model()),
        false => keras::load(path),
    };
    model.unwrap_or_else(|error| panic!("{error}"))
}

fn check_model(path: &Path) -> Checked {
    let place = path.display().to_string();
    let arrays = Params::load(path.with_extension("safetensors")).unwrap();
    let mut model = load(path, &arrays);
    let data = batch(&model, &arrays);
    let found = model.predict_dataset(&data).unwrap();
    let mut checked = Checked::default();
    for (name, expected) in named(&arrays, "prediction") {
        let found = if name.is_empty() { found.values().next().unwrap() } else { &found[&name] };
        checked.predictions = checked.predictions.max(check_predictions(found, expected.view(), &place));
    }
    let expected = named(&arrays, "gradient");
    if expected.is_empty() {
        return checked;
    }
    let found = gradients(path, &arrays);
    assert_eq!(found.len(), expected.len(), "{place}: other weights are trained");
    let before = model.params().clone();
    step(&mut model, &data);
    for (name, found) in &found {
        let expected = &expected[name];
        let [exact, noise, expected_after] =
            ["exact", "noise", "after"].map(|what| array(&arrays, &format!("{what}/{name}")));
        let apart = largest(&(found - expected));
        // `gradients` cannot resolve differences below the last digit of the weights, divided by the learning rate.
        let resolution = f32::EPSILON * largest(before.get(before.id(name).unwrap())) / STEEP;
        let strict = 1e-5 * largest(expected) + resolution;
        let ratio = largest(&(found - &exact)) / largest(&noise);
        assert!(apart <= strict || ratio <= MOST_NOISE, "{place}: gradients of {name} are {apart} apart: {ratio:.2}");
        checked.arrays += 1;
        checked.noise.extend((apart > strict).then_some(ratio));
        let after = model.params().get(model.params().id(name).unwrap());
        let bound = 1e-5 * largest(&expected_after).max(1.0);
        for ((found, after), (gradient, expected)) in found.iter().zip(&after).zip(expected.iter().zip(&expected_after))
        {
            // The step of Adam has the size of the sign of a gradient, which noise may change.
            let clear = apart <= strict && gradient.abs() > 1e-6 && found.abs() > 1e-6;
            assert!(!clear || (after - expected).abs() <= bound, "{place}: {name} is {after}, expected {expected}");
        }
    }
    checked
}
