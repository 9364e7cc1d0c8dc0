//! A folder of checkpoints: when one is written, which are kept, and which one training resumes from.

use super::callbacks::Monitor;
use super::checkpoint::Checkpoint;
use super::reported_score::ReportedScore;
use crate::error::{Error, Result, check_setting};
use crate::files::write_whole;
use crate::metrics::Direction;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A folder with the checkpoints of one training, written at each epoch's end, and more often where it is asked for.
///
/// ```
/// use gradus::{Checkpoints, Fit};
/// use std::time::Duration;
/// let folder = "runs/digits/checkpoints";
/// let checkpoints = Checkpoints::new(folder).every(Duration::from_secs(10)).keep(3).best("val_loss");
/// // The same program, started again, goes on where the last one ended, whatever ended it.
/// let settings = Fit::new().epochs(50).checkpoints(checkpoints).resume(folder);
/// ```
///
/// Files are named by the number of steps, `step-000000001234.safetensors`, the best one `best.safetensors`. Each is
/// written beside its place and renamed, and carries a checksum. Training that starts afresh in a folder with the
/// checkpoints of an earlier one removes those once its own first one is there.
#[derive(Clone, Debug)]
#[must_use]
pub struct Checkpoints {
    folder: PathBuf,
    steps: Option<u64>,
    interval: Option<Duration>,
    keep: usize,
    best: Option<Monitor>,
    /// Which way its score is better, once that is known.
    direction: Option<Direction>,
    /// The steps of this training's files, in order.
    kept: Vec<u64>,
    /// When the last one was written, or training began.
    last: Instant,
    /// How many epochs were compared to find the best.
    compared: usize,
}

/// The name of the best checkpoint.
const BEST: &str = "best.safetensors";

impl Checkpoints {
    /// In this folder, which is made; the last two are kept.
    pub fn new(folder: impl Into<PathBuf>) -> Checkpoints {
        Checkpoints {
            folder: folder.into(),
            steps: None,
            interval: None,
            keep: 2,
            best: None,
            direction: None,
            kept: Vec::new(),
            last: Instant::now(),
            compared: 0,
        }
    }

    /// Also after every so many steps, counted from the first step of the model.
    pub fn every_steps(mut self, steps: u64) -> Checkpoints {
        self.steps = Some(steps);
        self
    }

    /// Also after the first step that ends so long after the last checkpoint.
    pub fn every(mut self, interval: Duration) -> Checkpoints {
        self.interval = Some(interval);
        self
    }

    /// Keeps the last so many. More than one, so that there is another where a disk damages the last.
    pub fn keep(mut self, keep: usize) -> Checkpoints {
        self.keep = keep;
        self
    }

    /// Keeps the one with the best score besides, as `best.safetensors`: `best("val_loss")`. In a training loop on the tape
    /// scores other than `loss` and `val_loss` need a direction: `best(Monitor::new("val_accuracy").higher())`.
    pub fn best(mut self, monitor: impl Into<Monitor>) -> Checkpoints {
        self.best = Some(monitor.into());
        self
    }

    /// Checks the settings against the scores that epochs report, and whether the folder can be written to: better to
    /// hear of it before an epoch of work.
    pub(super) fn check(&mut self, scores: &[ReportedScore]) -> Result<()> {
        check_setting(self.keep > 0, "Checkpoints", "keep", 0, "at least 1")?;
        check_setting(self.steps != Some(0), "Checkpoints", "every_steps", 0, "at least 1")?;
        self.direction = self.best.as_ref().map(|monitor| monitor.direction(scores)).transpose()?;
        self.check_folder()
    }

    /// Makes the folder, and writes a file to it that is removed again. `fit` does so before its first step; a training
    /// loop on the tape asks itself.
    ///
    /// # Errors
    /// The folder cannot be made or written to.
    pub fn check_folder(&self) -> Result<()> {
        let probe = self.folder.join("probe");
        let written = write_whole(&probe, &[]).and_then(|()| {
            let removed = fs::remove_file(&probe);
            removed.map_err(|source| Error::Io { path: probe, source })
        });
        written.map_err(|error| match error {
            Error::Io { source, .. } => {
                let told = format!("checkpoints cannot be written to this folder ({source}); choose another one");
                Error::Io { path: self.folder.clone(), source: io::Error::new(source.kind(), told) }
            }
            other => other,
        })
    }

    /// The newest checkpoint that is whole, to go on from; `None` where the folder is empty or not there. From now on the
    /// files up to it are this training's.
    ///
    /// # Errors
    /// There are checkpoints, and every one is damaged; or the folder cannot be read.
    pub fn resume(&mut self) -> Result<Option<Checkpoint>> {
        let found = newest(&self.folder)?;
        if let Some(checkpoint) = &found {
            self.adopt(checkpoint)?;
        }
        Ok(found)
    }

    /// Goes on from a checkpoint, wherever it was read.
    pub(super) fn adopt(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        self.kept = steps(&self.folder)?;
        self.kept.retain(|step| *step <= checkpoint.step());
        self.compared = checkpoint.record.epochs.len();
        self.last = Instant::now();
        Ok(())
    }

    /// Whether it is time for a checkpoint after this step.
    pub fn is_due(&self, step: u64) -> bool {
        self.steps.is_some_and(|steps| step.is_multiple_of(steps))
            || self.interval.is_some_and(|interval| self.last.elapsed() >= interval)
    }

    /// Writes a checkpoint, and removes those that need not be kept any more.
    ///
    /// # Errors
    /// The file cannot be written; the earlier ones are still there. Nothing says whether lower or higher is better for the
    /// score of [`best`](Checkpoints::best).
    pub fn save(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        if self.direction.is_none() {
            self.direction = self.best.as_ref().map(Monitor::direction_by_name).transpose()?;
        }
        let path = self.folder.join(name(checkpoint.step()));
        let bytes = checkpoint.encode(&path)?;
        // Before the other one: if the process ends between them, the epoch comes again.
        if self.is_best(checkpoint) {
            write_whole(&self.folder.join(BEST), &bytes)?;
        }
        write_whole(&path, &bytes)?;
        if self.kept.last() != Some(&checkpoint.step()) {
            self.kept.push(checkpoint.step());
        }
        self.kept.drain(..self.kept.len().saturating_sub(self.keep));
        self.compared = checkpoint.record.epochs.len();
        self.sweep();
        self.last = Instant::now();
        Ok(())
    }

    /// Whether an epoch ended since the last checkpoint, and is the best.
    fn is_best(&self, checkpoint: &Checkpoint) -> bool {
        let (Some(monitor), Some(direction)) = (&self.best, self.direction) else { return false };
        let epochs = checkpoint.epochs();
        let score = |at: usize| epochs[at].get(monitor.name()).unwrap_or(f64::NAN);
        let last = epochs.len().checked_sub(1).filter(|last| *last >= self.compared);
        last.is_some_and(|last| (0..last).all(|at| direction.is_better(score(last), score(at))))
    }

    /// Removes the files that are not to be kept, and what a killed process left half written. What cannot be removed
    /// does no harm.
    fn sweep(&self) {
        for path in files(&self.folder).unwrap_or_default() {
            let half = path.extension().is_some_and(|extension| extension == "part");
            if half || step(&path).is_some_and(|step| !self.kept.contains(&step)) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

fn name(step: u64) -> String {
    format!("step-{step:012}.safetensors")
}

/// The number of steps in a checkpoint's name.
fn step(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse().ok()
}

/// The files of a folder, none where it is not there.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |source| Error::Io { path: folder.into(), source };
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed(error)),
    }
}

/// The steps of a folder's checkpoints, in order.
fn steps(folder: &Path) -> Result<Vec<u64>> {
    let mut steps: Vec<u64> = files(folder)?.iter().filter_map(|path| step(path)).collect();
    steps.sort_unstable();
    Ok(steps)
}

/// The newest checkpoint of a folder that can be read, or why none of them can. The best one comes last.
fn newest(folder: &Path) -> Result<Option<Checkpoint>> {
    let steps = steps(folder)?;
    let best = Some(folder.join(BEST)).filter(|path| path.exists());
    let paths = steps.into_iter().rev().map(|step| folder.join(name(step))).chain(best);
    let mut first = None;
    for path in paths {
        match Checkpoint::load(path) {
            Ok(checkpoint) => return Ok(Some(checkpoint)),
            Err(error) => first = first.or(Some(error)),
        }
    }
    first.map_or(Ok(None), |error| Err(none_whole(error)))
}

/// What is wrong with the newest checkpoint, where no other can take its place.
fn none_whole(error: Error) -> Error {
    match error {
        Error::Format { path, problem } => Error::Format { path, problem: format!("{problem}{NONE_WHOLE}") },
        other => other,
    }
}

const NONE_WHOLE: &str =
    "; none of the folder's checkpoints can be read, so begin afresh without resuming, or in another folder";

/// The checkpoint that `path` means: a file whose name ends in `.safetensors`, or else the newest of a folder, which may
/// be empty or not there yet.
pub(super) fn find(path: &Path) -> Result<Option<Checkpoint>> {
    match path.extension() {
        Some(extension) if extension == "safetensors" && !path.is_dir() => Checkpoint::load(path).map(Some),
        _ => newest(path),
    }
}
