//! Folders of checkpoints: when checkpoints are written, which are kept, and damaged, full and read-only folders.

use crate::child;
use gradus::data::Arrays;
use gradus::layers::{Activation, Dense};
use gradus::losses::SparseCategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::Adam;
use gradus::{
    BatchEnd, Callback, Checkpoint, Checkpoints, Compile, Error, Fit, Flow, Model, Progress, Result, Sequential, Stop,
};
use ndarray::{Array1, Array2};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
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

    /// The steps of the checkpoints, and the names of the other files.
    fn content(&self) -> String {
        let mut names: Vec<String> =
            fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        let short = |name: &String| match name.strip_prefix("step-").and_then(|name| name.strip_suffix(".safetensors"))
        {
            Some(step) => step.trim_start_matches('0').to_owned(),
            None => name.clone(),
        };
        names.iter().map(short).collect::<Vec<_>>().join(" ")
    }

    fn file(&self, step: u64) -> PathBuf {
        self.path().join(format!("step-{step:012}.safetensors"))
    }
}

fn data() -> Arrays {
    let inputs = Array2::from_shape_fn((20, 4), |(row, column)| ((row * 7 + column * 3) % 11) as f32 / 11.0);
    Arrays::new(inputs, Array1::from_shape_fn(20, |row| (row % 3) as u8)).unwrap()
}

fn model(seed: u64) -> Model {
    let network = Sequential::new([4]).add(Dense::new(3).activation(Activation::Softmax));
    let settings = Compile::new(Adam::new(0.1), SparseCategoricalCrossentropy::new()).metric(Accuracy).seed(seed);
    network.compile(settings).unwrap()
}

/// Five steps per epoch.
fn quiet<'a>(epochs: usize) -> Fit<'a> {
    Fit::new().epochs(epochs).batch_size(4).progress(Progress::Quiet)
}

/// Pauses after a step.
struct Pause(u64);

impl Callback for Pause {
    fn batch_end(&mut self, model: &mut Model, _: &BatchEnd<'_>) -> Result<Flow> {
        Ok(if model.step() == self.0 { Flow::Break(Stop::Paused) } else { Flow::Continue(()) })
    }
}

/// Trains from the beginning to a step, or to the end of three epochs.
fn train(checkpoints: Checkpoints, seed: u64, to: u64) -> Model {
    let (mut model, mut pause) = (model(seed), Pause(to));
    model.fit(&data(), quiet(3).callback(&mut pause).checkpoints(checkpoints)).unwrap();
    model
}

#[test]
fn checkpoints_are_written_at_their_interval_and_the_last_are_kept() {
    let folder = Folder::new();
    let checkpoints = || Checkpoints::new(folder.path());
    for (checkpoints, to, expected) in [
        (checkpoints(), 99, "10 15"),
        (checkpoints().keep(9), 99, "5 10 15"),
        (checkpoints().every_steps(3).keep(9), 8, "3 5 6 8"),
        (checkpoints().every(Duration::ZERO).keep(4), 7, "4 5 6 7"),
        (checkpoints().every(Duration::from_secs(3600)).keep(1), 7, "7"),
    ] {
        train(checkpoints, 1, to);
        assert_eq!(folder.content(), expected);
    }
}

#[test]
fn the_best_is_also_kept() {
    let folder = Folder::new();
    let best = || Checkpoint::load(folder.path().join("best.safetensors")).unwrap();
    let accuracy: Vec<f64> = model(1).fit(&data(), quiet(3)).unwrap().get("accuracy").unwrap();
    let highest = (0..3).fold(0, |best, at| if accuracy[at] > accuracy[best] { at } else { best });
    train(Checkpoints::new(folder.path()).keep(1).every_steps(2).best("accuracy"), 1, 99);
    assert_eq!((folder.content().as_str(), best().step()), ("best.safetensors 15", 5 * (highest as u64 + 1)));
    train(Checkpoints::new(folder.path()).best("loss"), 1, 99);
    assert_eq!(best().step(), 15);
    let unknown = quiet(1).checkpoints(Checkpoints::new(folder.path()).best("val_loss"));
    let message = model(1).fit(&data(), unknown).unwrap_err().to_string();
    let text = "Checkpoints::best: unknown score \"val_loss\"; available: loss, accuracy; validation scores need \
                Fit::validation or Fit::validation_split";
    assert_eq!(message, text);
}

#[test]
fn new_training_replaces_earlier_checkpoints() {
    let folder = Folder::new();
    train(Checkpoints::new(folder.path()), 1, 99);
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    fs::write(folder.path().join("step-000000000007.safetensors.1.part"), "half").unwrap();
    let mut fails = Fails;
    let settings = quiet(3).callback(&mut fails).checkpoints(Checkpoints::new(folder.path()));
    model(2).fit(&data(), settings).unwrap_err();
    assert_eq!(folder.content(), "notes.txt step-000000000007.safetensors.1.part 10 15");
    train(Checkpoints::new(folder.path()), 2, 3);
    assert_eq!(folder.content(), "notes.txt 3");
}

/// Fails after the first step.
struct Fails;

impl Callback for Fails {
    fn batch_end(&mut self, _: &mut Model, _: &BatchEnd<'_>) -> Result<Flow> {
        Err(Error::other("no"))
    }
}

#[test]
fn settings_out_of_range_are_errors() {
    let folder = Folder::new();
    let message =
        |checkpoints: Checkpoints| model(1).fit(&data(), quiet(1).checkpoints(checkpoints)).unwrap_err().to_string();
    assert_eq!(message(Checkpoints::new(folder.path()).keep(0)), "Checkpoints: keep must be at least 1, got 0");
    let every = message(Checkpoints::new(folder.path()).every_steps(0));
    assert_eq!(every, "Checkpoints: every_steps must be at least 1, got 0");
}

/// Resumes, trains to the end, and compares with uninterrupted training.
fn check_resumes(folder: &Folder, from: u64) {
    assert_eq!(Checkpoints::new(folder.path()).resume().unwrap().unwrap().step(), from);
    let mut resumed = model(1);
    let settings = quiet(3).checkpoints(Checkpoints::new(folder.path())).resume(folder.path());
    let history = resumed.fit(&data(), settings).unwrap();
    let mut whole = model(1);
    let expected = whole.fit(&data(), quiet(3)).unwrap();
    assert_eq!((resumed.params().sha256(), history.get("loss")), (whole.params().sha256(), expected.get("loss")));
}

const NONE_WHOLE: &str = "; no checkpoint in the folder is readable; start without resuming, or use another folder";

/// The error message of reading the folder, which is about the newest file.
fn message(folder: &Folder) -> String {
    match Checkpoints::new(folder.path()).resume().unwrap_err() {
        Error::Format { path, problem } if path == folder.file(7) => {
            problem.strip_suffix(NONE_WHOLE).unwrap().to_owned()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_previous_checkpoint_replaces_a_truncated_or_corrupt_one() {
    let folder = Folder::new();
    train(Checkpoints::new(folder.path()).every_steps(4), 1, 7);
    assert_eq!(folder.content(), "5 7");
    let whole = fs::read(folder.file(7)).unwrap();
    let check = |damaged: &[u8]| {
        fs::write(folder.file(7), damaged).unwrap();
        assert_eq!(Checkpoints::new(folder.path()).resume().unwrap().unwrap().step(), 5);
        fs::rename(folder.file(5), folder.path().join("aside")).unwrap();
        let problem = message(&folder);
        fs::rename(folder.path().join("aside"), folder.file(5)).unwrap();
        problem
    };
    for length in (0..whole.len()).step_by(31) {
        check(&whole[..length]);
    }
    for bit in (0..8 * whole.len()).step_by(61) {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        check(&bytes);
    }
    assert_eq!(check(&[]), "it is empty, expected a safetensors file");
    let mut bytes = whole.clone();
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(check(&bytes), "it is damaged: its checksum does not match; use another copy");
    check_resumes(&folder, 5);
}

#[test]
fn the_best_checkpoint_is_tried_last() {
    let folder = Folder::new();
    train(Checkpoints::new(folder.path()).keep(1).best("loss"), 1, 7);
    assert_eq!(folder.content(), "best.safetensors 7");
    fs::write(folder.file(7), "broken").unwrap();
    check_resumes(&folder, 5);
}

/// The first error, and the contents of the folder after it.
fn failing(folder: &Path) -> Error {
    let mut model = model(1);
    let settings = quiet(1).checkpoints(Checkpoints::new(folder));
    let error = model.fit(&data(), settings).unwrap_err();
    assert_eq!(model.step(), 0, "nothing is trained that could not be kept");
    error
}

#[test]
fn read_only_folders_are_errors_before_the_first_step() {
    let folder = Folder::new();
    let file = folder.path().join("file");
    fs::write(&file, "no folder").unwrap();
    // The permissions of folders do not apply to root; these paths are invalid for every user.
    let mut places = vec![file.join("checkpoints"), file.clone()];
    if cfg!(target_os = "linux") {
        places.push("/proc/self/checkpoints".into());
        places.push("/sys/kernel".into());
    }
    for place in places {
        let error = failing(&place);
        assert!(matches!(&error, Error::Io { path, .. } if path.starts_with(&place)), "{error:?}");
    }
    let message = model(1).fit(&data(), quiet(1).resume(&file)).unwrap_err();
    assert!(matches!(message, Error::Io { .. }), "a file is no folder: {message}");
}

/// In a child process, under a limit on the length of files: resumes.
#[cfg(unix)]
fn resume_and_report(folder: &OsStr) {
    let mut model = model(1);
    let settings = quiet(3).checkpoints(Checkpoints::new(folder).every_steps(1)).resume(folder);
    child::report(&match model.fit(&data(), settings) {
        Ok(_) => "trained".to_owned(),
        Err(Error::Io { path, source }) => format!("{} at step {}: {source}", path.display(), model.step()),
        Err(other) => format!("another error: {other}"),
    });
}

/// The temporary file of the next checkpoint is a link to a device without free space, as on a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_keeps_the_previous_checkpoint() {
    let folder = Folder::new();
    train(Checkpoints::new(folder.path()), 1, 7);
    let beside = format!("step-{:012}.safetensors.{}.part", 8, std::process::id());
    std::os::unix::fs::symlink("/dev/full", folder.path().join(beside)).unwrap();
    let mut model = model(1);
    let settings = quiet(3).checkpoints(Checkpoints::new(folder.path()).every_steps(1)).resume(folder.path());
    match model.fit(&data(), settings).unwrap_err() {
        Error::Io { path, source } => {
            assert_eq!((path, source.kind()), (folder.file(8), std::io::ErrorKind::StorageFull));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!((model.step(), folder.content().as_str()), (8, "5 7"));
    check_resumes(&folder, 7);
}

/// A limit on file sizes interrupts a write, like a full disk, and needs no privileges.
#[cfg(unix)]
#[test]
fn an_interrupted_write_keeps_the_previous_checkpoint() {
    if let Some(folder) = child::argument() {
        return resume_and_report(&folder);
    }
    let folder = Folder::new();
    train(Checkpoints::new(folder.path()), 1, 7);
    let length = fs::metadata(folder.file(7)).unwrap().len();
    // In blocks of 512 or 1,024 bytes, depending on the shell; both are smaller than the file. The signal is ignored.
    let limit = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", length / 1024 / 2);
    let test = "checkpoints::an_interrupted_write_keeps_the_previous_checkpoint";
    let child = child::command(test, folder.path());
    let mut command = Command::new("sh");
    command.args(["-c", &limit]).arg(child.get_program()).args(child.get_args());
    command.envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let line = child::reported(&command.output().unwrap()).remove(0);
    assert!(line.starts_with(&format!("{} at step 8: ", folder.file(8).display())), "{line}");
    assert_eq!(folder.content(), "5 7");
    check_resumes(&folder, 7);
}
