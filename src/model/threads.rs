//! The threads that a model uses.

use crate::error::{Error, Result};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::Arc;

/// The environment variable that sets the number of threads unless the program does.
const VARIABLE: &str = "GRADUS_THREADS";

/// Maximum number of threads: more than any processor has, and few enough to start quickly.
const MAX_THREADS: usize = 4096;

/// A dedicated pool, or the current one.
#[derive(Clone, Debug)]
pub(super) struct Threads(Option<Arc<ThreadPool>>);

impl Threads {
    /// Creates a pool with the number of threads of the program or of the environment variable. Without both, the
    /// current pool is used.
    pub(super) fn new(threads: Option<usize>) -> Result<Threads> {
        let threads = match threads {
            Some(threads) => Some(threads),
            None => from_environment(std::env::var(VARIABLE).ok())?,
        };
        Ok(Threads(threads.map(pool).transpose()?.map(Arc::new)))
    }

    /// The current pool.
    pub(super) fn ambient() -> Threads {
        Threads(None)
    }

    /// Runs `work` in the pool after each thread has started and searched for work once. A thread that starts later
    /// would make its first allocations during training.
    pub(super) fn run_long<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.run(|| {
            rayon::broadcast(|_| rayon::yield_now());
            work()
        })
    }

    /// Runs `work` inside the pool, so that forks in it do not enter the pool again.
    pub(super) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.0 {
            Some(pool) => pool.install(work),
            None => rayon::scope(|_| work()),
        }
    }
}

fn from_environment(value: Option<String>) -> Result<Option<usize>> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
    let threads =
        value.parse().map_err(|_| Error::Threads(format!("{VARIABLE} is \"{value}\", expected an integer ≥ 1")))?;
    Ok(Some(threads))
}

fn pool(threads: usize) -> Result<ThreadPool> {
    if threads == 0 {
        return Err(Error::Threads("must be at least 1, got 0".into()));
    }
    if threads > MAX_THREADS {
        return Err(Error::Threads(format!("must be at most {MAX_THREADS}, got {threads}")));
    }
    ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| Error::Threads(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dedicated_pool_has_the_requested_number_of_threads() {
        assert_eq!(Threads::new(Some(3)).unwrap().run(rayon::current_num_threads), 3);
        let message = Threads::new(Some(0)).unwrap_err().to_string();
        assert_eq!(message, "threads: must be at least 1, got 0");
        let message = Threads::new(Some(usize::MAX)).unwrap_err().to_string();
        assert!(message.starts_with("threads: must be at most 4096, got "), "{message}");
    }

    #[test]
    fn the_environment_must_hold_a_number() {
        assert_eq!(from_environment(Some("2".into())).unwrap(), Some(2));
        assert_eq!(from_environment(Some(String::new())).unwrap(), None);
        let message = from_environment(Some("two".into())).unwrap_err().to_string();
        assert_eq!(message, "threads: GRADUS_THREADS is \"two\", expected an integer ≥ 1");
    }
}
