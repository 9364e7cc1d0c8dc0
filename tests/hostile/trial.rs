//! A trial of files: reading each must end in time, with little memory, and with its contents or a typed error.

use super::changes::changed;
use super::memory::{MOST, NOW};
use gradus::{Error, Key, Result};
use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tempfile::{TempDir, tempdir};

/// The most that a file may have, so that it is no feat to take long over it.
pub(crate) const SMALL: usize = 64 << 10;

/// The most memory that reading a file may take.
const MEMORY: usize = 64 << 20;

/// The longest that reading a file may take, at the best of a few tries: others may use the machine.
const TIME: Duration = Duration::from_millis(100);
const TRIES: usize = 20;

/// The results of the files so far.
pub(crate) struct Trial {
    folder: TempDir,
    read: usize,
    refused: usize,
    most: usize,
    longest: Duration,
    /// Memory is counted for the whole program.
    _alone: MutexGuard<'static, ()>,
}

/// The seed of the changes: fixed, so that every run tests the same files. `tests/hostile/run` sets others.
fn random_seed() -> u64 {
    match std::env::var("GRADUS_HOSTILE_SEED") {
        Ok(seed) => seed.parse().expect("GRADUS_HOSTILE_SEED is an integer"),
        Err(_) => 7,
    }
}

impl Trial {
    pub(crate) fn new() -> Trial {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        Trial { folder: tempdir().unwrap(), read: 0, refused: 0, most: 0, longest: Duration::ZERO, _alone: alone }
    }

    /// Reads a file of these bytes.
    pub(crate) fn read(&mut self, bytes: &[u8], what: &str, read: &mut Reader<'_>) -> Result<()> {
        let path = self.folder.path().join("file");
        fs::write(&path, bytes).unwrap();
        let before = NOW.load(Ordering::SeqCst);
        MOST.store(before, Ordering::SeqCst);
        let (mut result, mut took) = timed(|| read(&path));
        for _ in 1..TRIES {
            if took > TIME {
                let (again, time) = timed(|| read(&path));
                (result, took) = (again, took.min(time));
            }
        }
        let most = MOST.load(Ordering::SeqCst) - before;
        (self.most, self.longest) = (self.most.max(most), self.longest.max(took));
        assert!(most <= MEMORY, "{what}: {most} bytes");
        assert!(took <= TIME, "{what}: {took:?}");
        check_told(&result, what);
        *if result.is_ok() { &mut self.read } else { &mut self.refused } += 1;
        result
    }

    /// Reads a file as often with something changed, as the key of its number has it.
    pub(crate) fn read_changed(&mut self, seed: &[u8], name: &str, number: u64, times: usize, read: &mut Reader<'_>) {
        assert!(seed.len() <= SMALL, "{name} is small");
        let mut draws = Key::from_seed(random_seed()).split(number).draws(0);
        for change in 0..times {
            let bytes = changed(seed, &mut draws, change % 2 == 0);
            let _ = self.read(&bytes, &format!("{name}, change {change}"), read); // what becomes of it is counted
        }
    }

    /// There were enough files, of both kinds.
    pub(crate) fn finish(self) {
        let Trial { read, refused, most, longest, .. } = self;
        println!("{} files: {read} read, {refused} refused, at most {most} bytes and {longest:?}", read + refused);
        assert!(read + refused >= 10_000 && read >= 500 && refused >= 1000);
    }
}

/// The reader of a file in a trial.
pub(crate) type Reader<'a> = dyn FnMut(&Path) -> Result<()> + 'a;

/// Whether an error is about an invalid or unsupported file.
pub(crate) fn check_told(result: &Result<()>, what: &str) {
    let told = matches!(result, Ok(()) | Err(Error::Format { .. } | Error::Unsupported { .. }));
    assert!(told, "{what}: {result:?}");
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    (work(), began.elapsed())
}
