//! A training run that is killed repeatedly at random times ends with the same bits as an uninterrupted run.

use crate::child;
use gradus::data::{Arrays, mnist};
use gradus::layers::{Activation, BatchNorm, Dense, Dropout, Reshape};
use gradus::losses::CategoricalCrossentropy;
use gradus::metrics::Accuracy;
use gradus::optimizers::Adam;
use gradus::{BatchEnd, Callback, Checkpoints, Compile, Fit, Flow, Key, Model, Progress, Result, Sequential};
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;
use tempfile::tempdir;

/// Number of kills of a running process.
const KILLS: u64 = 20;

/// Minimum time of a step, so that no machine finishes before it was killed often enough.
struct Slowly;

impl Callback for Slowly {
    fn batch_end(&mut self, _: &mut Model, _: &BatchEnd<'_>) -> Result<Flow> {
        std::thread::sleep(Duration::from_millis(4));
        Ok(Flow::Continue(()))
    }
}

fn digits(rows: usize) -> Arrays {
    mnist::load(None).unwrap().train.first(rows).normalized().unwrap().one_hot(10).unwrap()
}

/// 600 steps in five epochs; a checkpoint after every fifth.
fn train(folder: &Path) -> String {
    let network = Sequential::new([28, 28])
        .add(Reshape::new(784))
        .add(BatchNorm::new())
        .add(Dense::new(16).activation(Activation::Relu))
        .add(Dropout::new(0.2))
        .add(Dense::new(10).activation(Activation::Softmax));
    let settings = Compile::new(Adam::default(), CategoricalCrossentropy::new()).metric(Accuracy).seed(8);
    let mut model = network.compile(settings).unwrap();
    let (data, validation) = (digits(480), digits(50));
    let checkpoints = Checkpoints::new(folder).every_steps(5).best("val_loss");
    let mut slowly = Slowly;
    let fit = Fit::new().epochs(5).batch_size(4).validation(&validation).progress(Progress::Quiet);
    let history = model.fit(&data, fit.callback(&mut slowly).checkpoints(checkpoints).resume(folder)).unwrap();
    assert_eq!((model.step(), model.epoch(), history.epochs.len()), (600, 5, 5));
    let scores: Vec<_> = history.epochs.iter().map(|epoch| (&epoch.scores, &epoch.validation)).collect();
    let predictions = model.predict(&data.rows(..9).unwrap().inputs().unwrap()).unwrap();
    format!(
        "{} {scores:?} {:x?}",
        model.params().sha256(),
        predictions.map(|p| p.to_bits()).into_raw_vec_and_offset().0
    )
}

fn spawn(folder: &Path, threads: u64) -> Child {
    let mut command = child::command("kill::training_survives_twenty_kills", folder);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env("GRADUS_THREADS", threads.to_string()).spawn().unwrap()
}

fn ended(child: Child) -> Vec<String> {
    child::reported(&child.wait_with_output().unwrap())
}

/// The progress according to the file names in a folder.
fn reached(folder: &Path) -> u64 {
    let names = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().file_name());
    let step = |name: &str| name.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse::<u64>().ok();
    names.filter_map(|name| step(name.to_str()?)).max().unwrap_or(0)
}

#[test]
fn training_survives_twenty_kills() {
    if let Some(folder) = child::argument() {
        return child::report(&train(Path::new(&folder)));
    }
    let (killed, whole) = (tempdir().unwrap(), tempdir().unwrap());
    let (killed, whole) = (killed.path(), whole.path());
    let uninterrupted = spawn(whole, 2);
    let mut draws = Key::from_seed(4).draws(0);
    let mut steps = Vec::new();
    for kill in 0..KILLS {
        let mut child = spawn(killed, [1, 2, 3, 4, 7][kill as usize % 5]);
        // Long enough to make progress sometimes, and short enough for twenty kills before the last step.
        let before = reached(killed);
        let mut patience = draws.below(60);
        while patience > 0 || (kill % 2 == 0 && reached(killed) == before) {
            std::thread::sleep(Duration::from_millis(1));
            patience = patience.saturating_sub(1);
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended before kill {kill}, at step {}", reached(killed));
        child.kill().unwrap(); // SIGKILL, where there are signals
        child.wait().unwrap();
        steps.push(reached(killed));
    }
    let last = steps[KILLS as usize - 1];
    assert!(steps.is_sorted() && 0 < last && last < 600, "progress is never lost: {steps:?}");
    let resumed = ended(spawn(killed, 2));
    assert_eq!(resumed, ended(uninterrupted));
    let files: Vec<_> = fs::read_dir(killed).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files.len(), 3, "two checkpoints and the best, and nothing half written: {files:?}");
}
