//! Interrupted and resumed training ends with the same bits as uninterrupted training.

use crate::notebooks;
use gradus::data::{Arrays, mnist};
use gradus::layers::{Activation, BatchNorm, Dense, Dropout, Reshape};
use gradus::losses::CategoricalCrossentropy;
use gradus::metrics::{Accuracy, History};
use gradus::optimizers::schedules::OneCycle;
use gradus::optimizers::{Adam, Optimizer, RmsProp, Sgd};
use gradus::{
    BatchEnd, Callback, CallbackState, Checkpoints, Compile, EpochEnd, Error, Fit, Flow, Model, Progress, Result,
    Sequential, Stop, TrainBegin,
};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::{TempDir, tempdir};

/// A temporary folder.
struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn checkpoints(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }
}

fn digits(rows: usize) -> Arrays {
    mnist::load(None).unwrap().train.first(rows).normalized().unwrap().one_hot(10).unwrap()
}

fn network() -> Sequential {
    Sequential::new([28, 28])
        .add(Reshape::new(784))
        .add(BatchNorm::new())
        .add(Dense::new(20).activation(Activation::Relu))
        .add(Dropout::new(0.2))
        .add(Dense::new(10).activation(Activation::Softmax))
}

fn compile(network: &Sequential, optimizer: impl Optimizer + 'static) -> Model {
    network.compile(Compile::new(optimizer, CategoricalCrossentropy::new()).metric(Accuracy).seed(5)).unwrap()
}

/// Seven batches per epoch, the last one partial.
fn quiet<'a>(epochs: usize) -> Fit<'a> {
    Fit::new().epochs(epochs).batch_size(30).progress(Progress::Quiet)
}

/// The state that must be equal, as a string: weights and statistics, the training state, the history except for its
/// seconds, and predictions.
fn fingerprint(model: &Model, history: &History, data: &Arrays) -> String {
    let rows = history.epochs.iter().map(|epoch| format!("{:?}", (epoch.number, &epoch.scores, &epoch.validation)));
    let rates: Vec<f32> = history.epochs.iter().map(|epoch| epoch.learning_rate).collect();
    let predictions = model.predict(&data.rows(..20).unwrap().inputs().unwrap()).unwrap();
    let predictions = predictions.iter().fold(0u64, |hash, p| hash.rotate_left(5) ^ u64::from(p.to_bits()));
    let trained = (model.epoch(), model.step(), model.learning_rate());
    let rows = rows.collect::<Vec<_>>().join("\n");
    format!("{} {trained:?} {rates:?} {predictions:x}\n{rows}", model.params().sha256())
}

/// Pauses after a step.
struct Pause(u64);

impl Callback for Pause {
    fn batch_end(&mut self, model: &mut Model, _: &BatchEnd<'_>) -> Result<Flow> {
        Ok(if model.step() == self.0 { Flow::Break(Stop::Paused) } else { Flow::Continue(()) })
    }
}

/// Lowers the rate every third step, and stops after a number of epochs.
struct Counting {
    count: f64,
    most: f64,
}

impl Counting {
    fn new(most: f64) -> Counting {
        Counting { count: 0.0, most }
    }
}

impl Callback for Counting {
    fn train_begin(&mut self, _: &mut Model, _: &TrainBegin<'_>) -> Result<()> {
        self.count = 0.0;
        Ok(())
    }

    fn batch_end(&mut self, model: &mut Model, _: &BatchEnd<'_>) -> Result<Flow> {
        self.count += 1.0;
        if self.count % 3.0 == 0.0 {
            model.set_learning_rate(model.learning_rate() * 0.9)?;
        }
        Ok(Flow::Continue(()))
    }

    fn epoch_end(&mut self, _: &mut Model, _: &EpochEnd<'_>) -> Result<Flow> {
        self.count += 0.25;
        Ok(if self.count >= self.most { Flow::Break(Stop::Done) } else { Flow::Continue(()) })
    }

    fn state(&self) -> Option<CallbackState> {
        Some(CallbackState::new("Counting").with("count", self.count))
    }

    fn restore(&mut self, state: &CallbackState) -> Result<()> {
        self.count = state.number("count")?;
        Ok(())
    }
}

/// Three epochs with validation.
fn validated(rows: &Arrays) -> Fit<'_> {
    quiet(3).validation(rows)
}

fn check(name: &str, make: impl Fn() -> Model, data: &Arrays, steps: &[u64]) {
    let validation = digits(40);
    let mut whole = make();
    let history = whole.fit(data, validated(&validation).callback(&mut Counting::new(f64::MAX))).unwrap();
    let expected = fingerprint(&whole, &history, data);
    for step in steps {
        let folder = Folder::new();
        let checkpoints = || Checkpoints::new(folder.path()).keep(1);
        let (mut pause, mut counting) = (Pause(*step), Counting::new(f64::MAX));
        let interrupted =
            validated(&validation).callback(&mut counting).callback(&mut pause).checkpoints(checkpoints());
        let mut first = make();
        first.fit(data, interrupted).unwrap();
        assert_eq!((first.step(), folder.checkpoints().len()), (*step, 1));
        let mut second = make();
        second.set_threads(1 + *step as usize % 4).unwrap();
        let mut counting = Counting::new(f64::MAX);
        let resumed = validated(&validation).callback(&mut counting).checkpoints(checkpoints()).resume(folder.path());
        let history = second.fit(data, resumed).unwrap();
        assert_eq!(fingerprint(&second, &history, data), expected, "{name} resumed at step {step}");
    }
}

#[test]
fn every_optimizer_resumes_within_an_epoch_and_between_two() {
    let (data, network, steps) = (digits(200), network(), [1, 7, 8, 20]);
    check("adam", || compile(&network, Adam::default()), &data, &steps);
    check("averages", || compile(&network, Adam::default().use_ema(true).ema_momentum(0.8)), &data, &steps);
    check("rmsprop", || compile(&network, RmsProp::new(0.01)), &data, &steps);
    check("momentum", || compile(&network, Sgd::new(0.1).momentum(0.9).nesterov(true)), &data, &steps);
    check("sgd", || compile(&network, Sgd::new(0.1)), &data, &steps);
}

#[test]
fn convolutions_resume() {
    check("lenet5", || compile(&notebooks::lenet5(), Sgd::new(0.1)), &digits(200), &[9]);
}

#[test]
fn schedules_resume_at_their_step() {
    let (folder, data) = (Folder::new(), digits(200));
    let make = || compile(&network(), Adam::new(OneCycle::new(0.01, 21)));
    let (mut whole, mut first, mut resumed) = (make(), make(), make());
    let history = whole.fit(&data, quiet(3)).unwrap();
    let expected = fingerprint(&whole, &history, &data);
    let mut pause = Pause(9);
    first.fit(&data, quiet(3).callback(&mut pause).checkpoints(Checkpoints::new(folder.path()))).unwrap();
    let history = resumed.fit(&data, quiet(3).resume(folder.path())).unwrap();
    assert_eq!(fingerprint(&resumed, &history, &data), expected);
}

/// The checkpoints of a paused training run, and a model to resume from them.
fn paused(step: u64) -> (Folder, Model, Arrays) {
    let (folder, data) = (Folder::new(), digits(200));
    let mut pause = Pause(step);
    let settings = quiet(3).callback(&mut pause).checkpoints(Checkpoints::new(folder.path()));
    compile(&network(), Sgd::new(0.1)).fit(&data, settings).unwrap();
    (folder, compile(&network(), Sgd::new(0.1)), data)
}

#[test]
fn empty_and_missing_folders_start_new_training_and_missing_files_are_errors() {
    let (folder, data) = (tempdir().unwrap(), digits(60));
    let checkpoints = folder.path().join("checkpoints");
    for _ in 0..2 {
        let mut model = compile(&network(), Sgd::new(0.1));
        let history = model.fit(&data, quiet(1).resume(&checkpoints)).unwrap();
        assert_eq!((history.epochs.len(), model.step()), (1, 2));
        fs::create_dir_all(&checkpoints).unwrap();
    }
    let file = checkpoints.join("step.safetensors");
    let error = compile(&network(), Sgd::new(0.1)).fit(&data, quiet(1).resume(&file)).unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if *path == file), "{error:?}");
}

#[test]
fn finished_training_resumes_only_for_more_epochs() {
    let (folder, data) = (Folder::new(), digits(60));
    let fit = |epochs: usize, resume: bool| {
        let settings = quiet(epochs).checkpoints(Checkpoints::new(folder.path()));
        let mut model = compile(&network(), Sgd::new(0.1));
        let history = model.fit(&data, if resume { settings.resume(folder.path()) } else { settings }).unwrap();
        fingerprint(&model, &history, &data)
    };
    let two = fit(2, false);
    assert_eq!(fit(2, true), two);
    let four = fit(4, true);
    assert_ne!(four, two);
    assert_eq!(fit(4, false), four);
}

#[test]
fn finished_callbacks_stay_finished() {
    let (folder, data) = (Folder::new(), digits(60));
    let fit = |resume: bool| {
        let mut counting = Counting::new(3.0);
        let settings = quiet(9).callback(&mut counting).checkpoints(Checkpoints::new(folder.path()));
        let mut model = compile(&network(), Sgd::new(0.1));
        let history = model.fit(&data, if resume { settings.resume(folder.path()) } else { settings }).unwrap();
        (model.epoch(), fingerprint(&model, &history, &data))
    };
    let done = fit(false);
    assert_eq!((done.0, fit(true)), (2, done));
}

#[test]
fn epochs_count_from_the_beginning_of_the_interrupted_run() {
    let (folder, data) = (Folder::new(), digits(60));
    let mut whole = compile(&network(), Sgd::new(0.1));
    whole.fit(&data, quiet(1)).unwrap();
    let mut model = Model::load(save(&whole, folder.path())).unwrap();
    whole.fit(&data, quiet(2)).unwrap();
    let mut pause = Pause(3);
    let kept = folder.path().join("checkpoints");
    model.fit(&data, quiet(2).callback(&mut pause).checkpoints(Checkpoints::new(&kept))).unwrap();
    let mut fresh = compile(&network(), Sgd::new(0.1));
    let history = fresh.fit(&data, quiet(2).resume(&kept)).unwrap();
    assert_eq!(history.epochs.iter().map(|epoch| epoch.number).collect::<Vec<_>>(), [2, 3]);
    assert_eq!((fresh.epoch(), fresh.params().sha256()), (3, whole.params().sha256()));
}

fn save(model: &Model, folder: &Path) -> PathBuf {
    let path = folder.join("model.safetensors");
    model.save(&path).unwrap();
    path
}

#[test]
fn a_checkpoint_is_a_model_too() {
    let (folder, _, data) = paused(9);
    let model = Model::load(&folder.checkpoints()[1]).unwrap();
    assert_eq!((model.epoch(), model.step()), (1, 9));
    assert!(model.evaluate(&data).unwrap().loss.is_finite());
    let mut fresh = compile(&network(), Sgd::new(0.1));
    let error = fresh.fit(&data, quiet(1).resume(save(&model, folder.path()))).unwrap_err().to_string();
    assert!(error.ends_with("expected a checkpoint; if it is a model, read it with Model::load"), "{error}");
}

/// The error message of resuming, without the file name.
fn resume_error(folder: &Folder, mut model: Model, data: &Arrays, settings: Fit<'_>) -> String {
    let before = model.params().sha256();
    let error = model.fit(data, settings.resume(folder.path())).unwrap_err();
    assert_eq!((model.params().sha256(), model.step()), (before, 0), "nothing changes");
    error.to_string().replace(&format!("{}: ", folder.checkpoints().pop().unwrap().display()), "")
}

#[test]
fn checkpoints_of_another_run_are_rejected() {
    let (folder, same, data) = paused(9);
    let expected = "; resume with the settings it was written with, or load only its weights";
    let message = |model: Model, data: &Arrays, settings: Fit<'_>| {
        let text = resume_error(&folder, model, data, settings);
        text.strip_suffix(expected).unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    let make = || compile(&network(), Sgd::new(0.1));
    assert_eq!(message(same, &data, quiet(3).batch_size(20)), "it was trained with batch_size 30, expected 20");
    assert_eq!(message(make(), &data, quiet(3).shuffle(false)), "it was trained with shuffle 1, expected 0");
    assert_eq!(message(make(), &digits(199), quiet(3)), "it was trained with rows 200, expected 199");
    let raw = mnist::load(None).unwrap().train.first(200).raw().unwrap().one_hot(10).unwrap();
    assert_eq!(message(make(), &raw, quiet(3)), "it was trained on different rows");
    assert_eq!(message(make(), &data, quiet(3).validation(&data)), "it was validated on different rows");
    let other = compile(&network(), Sgd::new(0.2));
    let text = message(other, &data, quiet(3));
    assert!(text.starts_with("it was trained with Sgd(learning_rate=0.1, "), "{text}");
    let text = message(compile(&notebooks::deep_sigmoid(), Sgd::new(0.1)), &data, quiet(3));
    assert_eq!(text, "it has different layers");
    let seeded = Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new()).metric(Accuracy).seed(6);
    assert_eq!(message(network().compile(seeded).unwrap(), &data, quiet(3)), "it was trained with a different seed");
    let silent = Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new()).seed(5);
    assert_eq!(message(network().compile(silent).unwrap(), &data, quiet(3)), "it has different metrics");
}

#[test]
fn checkpoints_with_other_callbacks_are_rejected() {
    let (folder, mut model, data) = paused(9);
    let mut counting = Counting::new(f64::MAX);
    let error = model.fit(&data, quiet(3).callback(&mut counting).resume(folder.path())).unwrap_err().to_string();
    assert!(error.starts_with("the callback Counting was not among those of the checkpoint; resume with"), "{error}");
    let kept = || Checkpoints::new(folder.path());
    model = compile(&network(), Sgd::new(0.1));
    model.fit(&data, quiet(1).callback(&mut counting).checkpoints(kept())).unwrap();
    model = compile(&network(), Sgd::new(0.1));
    let error = model.fit(&data, quiet(3).resume(folder.path())).unwrap_err().to_string();
    assert!(error.starts_with("the callback Counting was among those of the checkpoint; resume with"), "{error}");
}
