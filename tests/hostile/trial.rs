//! Limits on the time and memory of reading malformed files, which must give the contents or a typed error.

use super::changes::changed;
use super::memory::{MOST, NOW};
use gradus::formats::MemoryLimit;
use gradus::{Error, Key, Result};
use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tempfile::{TempDir, tempdir};

/// Maximum size of a file in bytes, small enough that reading must be fast.
pub(crate) const SMALL: usize = 64 << 10;

/// Maximum memory of reading a file, in bytes.
const MEMORY: usize = 64 << 20;

/// The limit with which the files are read.
pub(crate) const LIMIT: MemoryLimit = MemoryLimit::bytes(48 << 20);

/// The number of times that a file is read if it takes too long. The fastest counts, as other programs may use the machine.
const TRIES: usize = 20;

/// Maximum time of reading a file. `tests/sanitizers/run` sets a longer one.
fn time_limit() -> Duration {
    let milliseconds = std::env::var("GRADUS_HOSTILE_MILLISECONDS");
    Duration::from_millis(
        milliseconds.map_or(100, |text| text.parse().expect("GRADUS_HOSTILE_MILLISECONDS is an integer")),
    )
}

/// The results of the files so far.
pub(crate) struct Trial {
    folder: TempDir,
    read: usize,
    rejected: usize,
    most: usize,
    longest: Duration,
    /// Serializes trials, as memory is counted for the whole process.
    _alone: MutexGuard<'static, ()>,
}

/// The seed of the changes: fixed, so that every run tests the same files. `tests/hostile/run` sets others.
fn random_seed() -> u64 {
    match std::env::var("GRADUS_HOSTILE_SEED") {
        Ok(seed) => seed.parse().expect("GRADUS_HOSTILE_SEED is an integer"),
        Err(_) => 7,
    }
}

/// Serializes tests that measure memory.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Trial {
    pub(crate) fn new() -> Trial {
        let alone = alone();
        Trial { folder: tempdir().unwrap(), read: 0, rejected: 0, most: 0, longest: Duration::ZERO, _alone: alone }
    }

    /// Reads a file with these contents and checks the limits.
    pub(crate) fn read(&mut self, bytes: &[u8], what: &str, read: &mut Reader<'_>) -> Result<()> {
        let path = self.folder.path().join("file");
        fs::write(&path, bytes).unwrap();
        let before = NOW.load(Ordering::SeqCst);
        MOST.store(before, Ordering::SeqCst);
        let limit = time_limit();
        let (mut result, mut took) = timed(|| read(&path));
        for _ in 1..TRIES {
            if took > limit {
                let (again, time) = timed(|| read(&path));
                (result, took) = (again, took.min(time));
            }
        }
        let most = MOST.load(Ordering::SeqCst) - before;
        (self.most, self.longest) = (self.most.max(most), self.longest.max(took));
        assert!(most <= MEMORY, "{what}: {most} bytes");
        assert!(took <= limit, "{what}: {took:?}");
        check_error_type(&result, what);
        *if result.is_ok() { &mut self.read } else { &mut self.rejected } += 1;
        result
    }

    /// Reads a file `times` times, each time with a random change that `number` determines.
    pub(crate) fn read_changed(&mut self, seed: &[u8], name: &str, number: u64, times: usize, read: &mut Reader<'_>) {
        assert!(seed.len() <= SMALL, "{name} is small");
        let mut draws = Key::from_seed(random_seed()).split(number).draws(0);
        for change in 0..times {
            let bytes = changed(seed, &mut draws, change % 2 == 0);
            let _ = self.read(&bytes, &format!("{name}, change {change}"), read); // the result is counted
        }
    }

    /// Prints the results and checks that enough files were read and rejected.
    pub(crate) fn finish(self) {
        let Trial { read, rejected, most, longest, .. } = self;
        println!("{} files: {read} read, {rejected} rejected, at most {most} bytes and {longest:?}", read + rejected);
        assert!(read + rejected >= 10_000 && read >= 500 && rejected >= 1000);
    }
}

/// The reader of a file in a trial.
pub(crate) type Reader<'a> = dyn FnMut(&Path) -> Result<()> + 'a;

/// Checks that an error is about an invalid or unsupported file.
pub(crate) fn check_error_type(result: &Result<()>, what: &str) {
    let error = matches!(result, Ok(()) | Err(Error::Format { .. } | Error::Unsupported { .. }));
    assert!(error, "{what}: {result:?}");
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    (work(), began.elapsed())
}
