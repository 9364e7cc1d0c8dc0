//! A folder of checkpoints: when to write one, which to keep, and which to resume from.

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

/// A folder with the checkpoints of one training run. `fit` writes one at the end of each epoch, and more often if
/// configured.
///
/// ```
/// use gradus::{Checkpoints, Fit};
/// use std::time::Duration;
/// let folder = "runs/digits/checkpoints";
/// let checkpoints = Checkpoints::new(folder).every(Duration::from_secs(10)).keep(3).best("val_loss");
/// // When the program is started again, it continues from the newest checkpoint.
/// let settings = Fit::new().epochs(50).checkpoints(checkpoints).resume(folder);
/// ```
///
/// Files are named by the number of steps, as in `step-000000001234.safetensors`; the best checkpoint is
/// `best.safetensors`. Each file is written to a temporary file and renamed, and contains a checksum. A run
/// that does not resume, in a folder with checkpoints of an earlier run, removes those after it has written its first
/// checkpoint.
#[derive(Clone, Debug)]
#[must_use]
pub struct Checkpoints {
    folder: PathBuf,
    steps: Option<u64>,
    interval: Option<Duration>,
    keep: usize,
    best: Option<Monitor>,
    /// Whether lower or higher scores are better, once it is known.
    direction: Option<Direction>,
    /// The steps of the checkpoints of this run, in ascending order.
    kept: Vec<u64>,
    /// When the last checkpoint was written, or training began.
    last: Instant,
    /// Number of epochs compared to find the best.
    compared: usize,
}

/// File name of the best checkpoint.
const BEST: &str = "best.safetensors";

/// The setting of the monitored score, for messages.
const BEST_SETTING: &str = "Checkpoints::best";

impl Checkpoints {
    /// Uses this folder, which is created if it does not exist. By default the last two checkpoints are kept.
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

    /// Also writes a checkpoint every `steps` steps, counted from the first step of the model.
    pub fn every_steps(mut self, steps: u64) -> Checkpoints {
        self.steps = Some(steps);
        self
    }

    /// Also writes a checkpoint after the first step that ends `interval` or more after the last checkpoint.
    pub fn every(mut self, interval: Duration) -> Checkpoints {
        self.interval = Some(interval);
        self
    }

    /// Sets the number of most recent checkpoints to keep. Default: 2, so that an intact one remains if the last is
    /// damaged.
    pub fn keep(mut self, keep: usize) -> Checkpoints {
        self.keep = keep;
        self
    }

    /// Also keeps the checkpoint with the best score as `best.safetensors`, as in `best("val_loss")`. In a training
    /// loop on the tape, scores other than `loss` and `val_loss` need a direction:
    /// `best(Monitor::new("val_accuracy").higher())`.
    pub fn best(mut self, monitor: impl Into<Monitor>) -> Checkpoints {
        self.best = Some(monitor.into());
        self
    }

    /// Checks the settings against the scores that epochs report, and that the folder is writable, so that errors occur
    /// before the first step.
    pub(super) fn check(&mut self, scores: &[ReportedScore]) -> Result<()> {
        check_setting(self.keep > 0, "Checkpoints", "keep", 0, "at least 1")?;
        check_setting(self.steps != Some(0), "Checkpoints", "every_steps", 0, "at least 1")?;
        self.direction = self.best.as_ref().map(|monitor| monitor.direction(BEST_SETTING, scores)).transpose()?;
        self.check_folder()
    }

    /// Creates the folder and checks that it is writable by writing and removing a file. `fit` calls this before its
    /// first step; a training loop on the tape may call it.
    ///
    /// # Errors
    /// The folder cannot be created or written to.
    pub fn check_folder(&self) -> Result<()> {
        let probe = self.folder.join("probe");
        let written = write_whole(&probe, &[]).and_then(|()| {
            let removed = fs::remove_file(&probe);
            removed.map_err(|source| Error::Io { path: probe, source })
        });
        written.map_err(|error| match error {
            Error::Io { source, .. } => {
                let message = format!("checkpoints cannot be written to this folder ({source}); choose another one");
                Error::Io { path: self.folder.clone(), source: io::Error::new(source.kind(), message) }
            }
            other => other,
        })
    }

    /// Returns the newest intact checkpoint to resume from, or `None` if the folder is empty or does not exist. The
    /// files up to this checkpoint then count as checkpoints of this run.
    ///
    /// # Errors
    /// The folder cannot be read, or it has checkpoints and all of them are damaged.
    pub fn resume(&mut self) -> Result<Option<Checkpoint>> {
        let found = newest(&self.folder)?;
        if let Some(checkpoint) = &found {
            self.adopt(checkpoint)?;
        }
        Ok(found)
    }

    /// Continues from a checkpoint that may come from another folder.
    pub(super) fn adopt(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        self.kept = steps(&self.folder)?;
        self.kept.retain(|step| *step <= checkpoint.step());
        self.compared = checkpoint.record.epochs.len();
        self.last = Instant::now();
        Ok(())
    }

    /// Whether a checkpoint is due after this step.
    pub fn is_due(&self, step: u64) -> bool {
        self.steps.is_some_and(|steps| step.is_multiple_of(steps))
            || self.interval.is_some_and(|interval| self.last.elapsed() >= interval)
    }

    /// Writes a checkpoint and removes those that are no longer kept.
    ///
    /// # Errors
    /// The file cannot be written; earlier checkpoints remain. [`Error::Undirected`] if the direction of
    /// the score of [`best`](Checkpoints::best) is unknown.
    pub fn save(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        if self.direction.is_none() {
            self.direction = self.best.as_ref().map(|monitor| monitor.direction_by_name(BEST_SETTING)).transpose()?;
        }
        let path = self.folder.join(name(checkpoint.step()));
        let bytes = checkpoint.encode(&path)?;
        // Written before the other file: if the process ends between them, the epoch is repeated.
        if self.is_best(checkpoint) {
            write_whole(&self.folder.join(BEST), &bytes)?;
        }
        write_whole(&path, &bytes)?;
        if self.kept.last() != Some(&checkpoint.step()) {
            self.kept.push(checkpoint.step());
        }
        self.kept.drain(..self.kept.len().saturating_sub(self.keep));
        self.compared = checkpoint.record.epochs.len();
        self.remove_old_files();
        self.last = Instant::now();
        Ok(())
    }

    /// Whether an epoch has ended since the last checkpoint and is the best so far.
    fn is_best(&self, checkpoint: &Checkpoint) -> bool {
        let (Some(monitor), Some(direction)) = (&self.best, self.direction) else { return false };
        let epochs = checkpoint.epochs();
        let score = |at: usize| epochs[at].get(monitor.name()).unwrap_or(f64::NAN);
        let last = epochs.len().checked_sub(1).filter(|last| *last >= self.compared);
        last.is_some_and(|last| (0..last).all(|at| direction.is_better(score(last), score(at))))
    }

    /// Removes checkpoints that are no longer kept, and temporary files of killed processes. Failures to remove are
    /// ignored.
    fn remove_old_files(&self) {
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

/// The number of steps in a checkpoint's file name.
fn step(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse().ok()
}

/// The files of a folder, or none if the folder does not exist.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |source| Error::Io { path: folder.into(), source };
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed(error)),
    }
}

/// The steps of the checkpoints in a folder, in ascending order.
fn steps(folder: &Path) -> Result<Vec<u64>> {
    let mut steps: Vec<u64> = files(folder)?.iter().filter_map(|path| step(path)).collect();
    steps.sort_unstable();
    Ok(steps)
}

/// Returns the newest readable checkpoint of a folder, or the error of the newest if none is readable. The best
/// checkpoint is tried last.
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
    first.map_or(Ok(None), |error| Err(none_readable(error)))
}

/// Extends the error of the newest checkpoint when no other checkpoint is readable.
fn none_readable(error: Error) -> Error {
    match error {
        Error::Format { path, problem } => Error::Format { path, problem: format!("{problem}{NONE_READABLE}") },
        other => other,
    }
}

const NONE_READABLE: &str = "; no checkpoint in the folder is readable; start without resuming, or use another folder";

/// Reads the checkpoint at `path`: a file whose name ends in `.safetensors`, or the newest in a folder. Returns `None`
/// if the folder is empty or does not exist.
pub(super) fn find(path: &Path) -> Result<Option<Checkpoint>> {
    match path.extension() {
        Some(extension) if extension == "safetensors" && !path.is_dir() => Checkpoint::load(path).map(Some),
        _ => newest(path),
    }
}
