//! Models in files: loading restores the saved model, damaged files are errors, and files are never incomplete.

use crate::child;
use gradus::data::Arrays;
use gradus::layers::{
    Activation, BatchNorm, Conv2d, Cursor, Dense, Dropout, Flatten, Layer, MaxPool2d, Reshape, Weights,
};
use gradus::losses::SparseCategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::schedules::{CosineDecay, OneCycle, PiecewiseConstantDecay, Schedule};
use gradus::optimizers::*;
use gradus::save::Registry;
use gradus::tape::{Params, Var};
use gradus::{Compile, Error, Fit, FromSpec, Model, Progress, Result, Sequential, Settings, Shape, Spec};
use ndarray::{Array, Array1, Array2, Array4};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::tempdir;

fn compile(network: &Sequential, optimizer: impl Optimizer + 'static) -> Model {
    let settings = Compile::new(optimizer, SparseCategoricalCrossentropy::new()).metric(Accuracy).seed(3);
    network.compile(settings).unwrap()
}

fn images() -> Array4<f32> {
    Array::from_shape_fn((40, 8, 8, 1), |(n, y, x, _)| ((n * 31 + y * 7 + x * 3) % 17) as f32 / 17.0)
}

fn data() -> Arrays {
    Arrays::new(images(), Array1::from_shape_fn(40, |n| (n % 3) as u8)).unwrap()
}

fn convolutional() -> Sequential {
    Sequential::new([8, 8, 1])
        .add(Conv2d::new(3, 3).activation(Activation::Relu))
        .add(MaxPool2d::new(2))
        .add(BatchNorm::new())
        .add(Flatten)
        .add(Dropout::new(0.3))
        .add(Dense::new(3).activation(Activation::Softmax))
}

fn dense() -> Sequential {
    let hidden = Dense::new(4).activation(Activation::Sigmoid);
    Sequential::new([8, 8]).add(Reshape::new(64)).add(hidden).add(Dense::new(3)).add(Activation::Softmax)
}

fn fit(model: &mut Model, epochs: usize) {
    model.fit(&data(), Fit::new().epochs(epochs).batch_size(16).progress(Progress::Quiet)).unwrap();
}

/// Trains 1 + 1 epochs with a file between them, and 2 epochs without.
fn check_travel(path: &Path, mut model: Model, mut whole: Model) {
    fit(&mut model, 1);
    model.save(path).unwrap();
    let mut loaded = Model::load(path).unwrap();
    assert_eq!(loaded.predict(&images()).unwrap(), model.predict(&images()).unwrap());
    assert_eq!(loaded.evaluate(&data()).unwrap(), model.evaluate(&data()).unwrap());
    assert_eq!(loaded.summary(), model.summary());
    loaded.save(path.with_extension("again")).unwrap();
    assert_eq!(fs::read(path).unwrap(), fs::read(path.with_extension("again")).unwrap(), "equal models, equal files");
    fit(&mut loaded, 1);
    fit(&mut whole, 2);
    assert_eq!(loaded.params().sha256(), whole.params().sha256(), "training resumes at its step");
    assert_eq!((loaded.epoch(), loaded.step()), (whole.epoch(), whole.step()));
}

#[test]
fn names_of_other_formats_are_rejected() {
    let folder = tempdir().unwrap();
    let model = compile(&dense(), Adam::default());
    let message = |name: &str| model.save(folder.path().join(name)).unwrap_err().to_string();
    let text = "the contents are of a .safetensors file, and the name ends in .keras; use formats::keras::save for this \
                ending, or another name";
    assert!(message("model.keras").ends_with(text));
    for (name, writer) in [("a.H5", "keras::save"), ("a.onnx", "onnx::export"), ("a.npz", "npz::write_params")] {
        assert!(message(name).contains(&format!("use formats::{writer} ")), "{name}");
    }
    let path = folder.path().join("a.weights.h5");
    assert!(model.params().save(&path).is_err() && model.architecture().save(&path).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was written");
    model.save(folder.path().join("new/folders/model")).unwrap();
}

#[test]
fn loaded_models_predict_and_train_like_saved_ones() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for network in [convolutional(), dense()] {
        check_travel(&path, compile(&network, Adam::default()), compile(&network, Adam::default()));
        check_travel(&path, compile(&network, RmsProp::new(0.01)), compile(&network, RmsProp::new(0.01)));
        let momentum = || Sgd::new(0.1).momentum(0.9).nesterov(true);
        check_travel(&path, compile(&network, momentum()), compile(&network, momentum()));
        check_travel(&path, compile(&network, Sgd::new(0.1)), compile(&network, Sgd::new(0.1)));
    }
}

#[test]
fn every_optimizer_and_its_options_round_trip() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    fn check<T: Optimizer + Clone + 'static>(path: &Path, optimizer: T) {
        check_travel(path, compile(&dense(), optimizer.clone()), compile(&dense(), optimizer));
    }
    check(&path, Adam::new(OneCycle::new(0.01, 6)).beta_1(0.7).amsgrad(true).clip(Clip::GlobalNorm(0.1)));
    check(&path, AdamW::new(CosineDecay::new(0.01, 6).warmup(0.1, 2)).clip(Clip::Norm(0.1)));
    check(&path, RmsProp::new(PiecewiseConstantDecay::new(&[3], &[0.01, 0.001])).momentum(0.5).centered(true));
    check(&path, RmsProp::new(0.01).centered(true).weight_decay(0.1));
    check(&path, Sgd::new(0.1).clip(Clip::Value(0.01)));
    check(&path, Adagrad::default());
    check(&path, Adadelta::new(1.0));
    check(&path, Nadam::default());
    check(&path, Lion::default());
}

#[test]
fn averages_of_weights_and_their_exchange_are_saved() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut model = compile(&dense(), Sgd::new(0.1).use_ema(true).ema_momentum(0.5));
    let mut step = |model: &mut Model| drop(model.train_on_batch(&data()).unwrap());
    (0..3).for_each(|_| step(&mut model));
    for averaged in [false, true] {
        model.set_averaged(averaged).unwrap();
        model.save(&path).unwrap();
        let mut loaded = Model::load(&path).unwrap();
        assert_eq!(loaded.params().sha256(), model.params().sha256());
        let mut other = model.clone();
        [&mut loaded, &mut other].into_iter().for_each(&mut step);
        assert_eq!(loaded.params().sha256(), other.params().sha256(), "averaged: {averaged}");
    }
}

/// A schedule whose rate is that of the first step divided by the number of the step.
#[derive(Debug)]
struct Harmonic(f32);

impl Schedule for Harmonic {
    fn rate(&self, steps: u64) -> f32 {
        self.0 / (steps + 1) as f32
    }

    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("first", self.0)
    }
}

impl FromSpec for Harmonic {
    const CLASS: &'static str = "Harmonic";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Harmonic> {
        settings.float("first").map(Harmonic)
    }
}

#[test]
fn custom_schedules_load_through_a_registry() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let model = compile(&dense(), Sgd::new(LearningRate::schedule(Harmonic(0.5))));
    model.save(&path).unwrap();
    let message = message(Model::load(&path));
    assert!(message.starts_with("Harmonic: unknown schedule; available: CosineDecay, "), "{message}");
    assert!(message.ends_with("; add custom ones with Registry::schedule"), "{message}");
    let mut loaded = Model::load_with(&path, &Registry::new().schedule::<Harmonic>()).unwrap();
    assert_eq!(loaded.optimizer().unwrap().options().unwrap().learning_rate.rate(3), 0.125);
    fit(&mut loaded, 1);
}

/// The message of an error about a file, without the name of the file.
fn message(result: Result<Model>) -> String {
    match result.unwrap_err() {
        Error::Format { problem, .. } => problem,
        other => panic!("expected an error about the file, found {other}"),
    }
}

#[test]
fn truncated_and_corrupt_files_are_rejected() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    compile(&Sequential::new([2]).add(Dense::new(2)), Sgd::new(0.1)).save(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        message(Model::load(&path));
    }
    for bit in 0..8 * whole.len() {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, bytes).unwrap();
        message(Model::load(&path));
        let mut model = compile(&Sequential::new([2]).add(Dense::new(2)), Sgd::new(0.1));
        let before = model.params().sha256();
        assert!(model.load_weights(&path).is_err() && model.params().sha256() == before, "bit {bit}");
    }
}

#[test]
fn newer_versions_and_missing_files_are_errors() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    compile(&dense(), Sgd::new(0.1)).save(&path).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let key = br#""gradus.version":""#;
    let at = bytes.windows(key.len()).position(|window| window == key).unwrap() + key.len();
    bytes[at] = b'3';
    fs::write(&path, bytes).unwrap();
    let expected = "its format is version 3, and this version of gradus reads up to 2; update gradus";
    assert_eq!(message(Model::load(&path)), expected);
    let missing = Model::load(folder.path().join("none.safetensors")).unwrap_err();
    assert!(matches!(&missing, Error::Io { .. }) && missing.to_string().contains("none.safetensors"), "{missing}");
    assert!(Model::load(&folder).is_err(), "a folder is no file");
}

#[test]
fn weights_are_assigned_by_name_to_a_model_built_in_code() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut trained = compile(&dense(), Adam::default());
    fit(&mut trained, 1);
    trained.save(&path).unwrap();
    let mut fresh = compile(&dense(), Sgd::new(0.5));
    fresh.load_weights(&path).unwrap();
    assert_eq!(fresh.params().sha256(), trained.params().sha256());
    assert_eq!((fresh.epoch(), fresh.step()), (0, 0));

    let message = |network: Sequential| {
        let error = compile(&network, Sgd::new(0.5)).load_weights(&path).unwrap_err();
        error.to_string().rsplit_once("model.safetensors: ").unwrap().1.to_owned()
    };
    let narrow = Sequential::new([8, 8]).add(Reshape::new(64)).add(Dense::new(4)).add(Dense::new(2));
    assert_eq!(message(narrow), "\"dense_1/kernel\" is 4 × 3 in the file and 4 × 2 in the model");
    let deeper = dense().add(Dense::new(3));
    let expected =
        "unknown parameter \"dense_2/kernel\"; available: dense/kernel, dense/bias, dense_1/kernel, dense_1/bias";
    assert_eq!(message(deeper), expected);
    let shallow = Sequential::new([8, 8]).add(Reshape::new(64)).add(Dense::new(4));
    let expected =
        "\"dense_1/kernel\" is in the file but not in the model; to load part of a file, use Params::load and assign";
    assert_eq!(message(shallow), expected);
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// The file was written by Python's safetensors (tests/golden/make.py).
#[test]
fn weights_are_loaded_from_a_file_of_another_program() {
    let path = golden("foreign.safetensors");
    let params = Params::load(&path).unwrap();
    let names: Vec<&str> = params.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["dense/bias", "dense/kernel"]);
    let kernel = params.get(params.id("dense/kernel").unwrap());
    assert_eq!(kernel, Array2::from_shape_fn((2, 3), |(i, j)| (3 * i + j) as f32 * 0.5 - 1.0).into_dyn());
    let mut model = compile(&Sequential::new([2]).add(Dense::new(3)), Sgd::new(0.1));
    model.load_weights(&path).unwrap();
    assert_eq!(model.predict(&ndarray::arr2(&[[1.0, 2.0]])).unwrap(), ndarray::arr2(&[[0.1, 1.6, 3.1]]).into_dyn());
    let expected = "it has arrays but no model; build the model in code and call load_weights";
    assert_eq!(message(Model::load(&path)), expected);
}

/// The first version of the format, as first written. All later versions must read it, and Python's safetensors opened
/// it (tests/golden/make.py).
#[test]
fn a_file_of_version_1_can_be_read() {
    let model = Model::load(golden("model-v1.safetensors")).unwrap();
    assert_eq!((model.epoch(), model.step()), (1, 3));
    let mut fresh = compile(&convolutional(), Adam::default());
    fresh.load_weights(golden("model-v1.safetensors")).unwrap();
    assert_eq!(model.predict(&images()).unwrap(), fresh.predict(&images()).unwrap());
    assert_eq!(model.params().sha256(), "0622e0ec0043144a107a98cc4293378e4a1fa3efcdb3b5dbeae319d9d37658ca");
}

/// y = x · factor, with a non-trainable factor.
#[derive(Debug)]
struct Scaling {
    factor: f32,
}

impl Layer for Scaling {
    fn build(&self, inputs: &[Shape], _: &mut Weights<'_>) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0]])
    }

    fn record<'r>(&self, _: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0] * self.factor]
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("factor", self.factor)
    }
}

impl FromSpec for Scaling {
    const CLASS: &'static str = "Scaling";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Scaling> {
        Ok(Scaling { factor: settings.float("factor")? })
    }
}

#[test]
fn custom_layers_load_through_a_registry() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let network = Sequential::new([2]).add(Scaling { factor: 0.1 }).add(Dense::new(3).activation(Activation::Softmax));
    let model = compile(&network, Sgd::new(0.1));
    model.save(&path).unwrap();
    let message = message(Model::load(&path));
    assert!(message.starts_with("Scaling: unknown layer; available: "), "{message}");
    assert!(message.ends_with("; add custom ones with Registry::layer"), "{message}");
    let loaded = Model::load_with(&path, &Registry::new().layer::<Scaling>()).unwrap();
    let rows = ndarray::arr2(&[[1.0, -2.0]]);
    assert_eq!(loaded.predict(&rows).unwrap(), model.predict(&rows).unwrap());
}

/// In a child process: repeatedly saves one of two models until the process is killed.
fn save_until_killed(path: &OsStr) -> ! {
    let network = Sequential::new([300]).add(Dense::new(300)).add(Dense::new(3).activation(Activation::Softmax));
    let mut model = compile(&network, Sgd::new(0.1));
    model.save(path).unwrap();
    child::report("saved");
    loop {
        model.save(path).unwrap();
        let bias = model.params().id("dense/bias").unwrap();
        model.params_mut().get_mut(bias).fill(1.0);
    }
}

#[test]
fn killing_the_program_while_saving_leaves_the_old_file_intact() {
    if let Some(path) = child::argument() {
        save_until_killed(&path);
    }
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for round in 0..12 {
        let mut child = child::command("saving::killing_the_program_while_saving_leaves_the_old_file_intact", &path);
        let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
        child::wait_for_report(&mut child);
        std::thread::sleep(Duration::from_micros(1700 * round));
        assert!(child.try_wait().unwrap().is_none(), "the child process ended before it was killed");
        child.kill().unwrap(); // SIGKILL on Unix
        child.wait().unwrap();
        Model::load(&path).unwrap();
    }
}
