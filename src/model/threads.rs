//! Which threads a model works on.

use crate::error::{Error, Result};
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The environment variable that sets the number of threads where the program does not.
const VARIABLE: &str = "GRADUS_THREADS";

/// The most threads of a pool: more than processors have, and few enough to be started in a moment.
const MAX_THREADS: usize = 4096;

/// A pool of the model's own, or the ambient one.
#[derive(Debug)]
pub(super) struct Threads(Option<ThreadPool>);

impl Threads {
    /// As many threads as the program says, or else the environment; neither means the ambient pool.
    pub(super) fn new(threads: Option<usize>) -> Result<Threads> {
        let threads = match threads {
            Some(threads) => Some(threads),
            None => from_environment(std::env::var(VARIABLE).ok())?,
        };
        threads.map(pool).transpose().map(Threads)
    }

    /// The ambient pool.
    pub(super) fn ambient() -> Threads {
        Threads(None)
    }

    /// Runs `work` as [`run`](Threads::run) does, after every thread of the pool has started and looked for work once: a
    /// thread that comes later would make its own first allocations in the middle of training.
    pub(super) fn run_long<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.run(|| {
            rayon::broadcast(|_| rayon::yield_now());
            work()
        })
    }

    /// Runs `work` inside the pool, so that forks within need no way in.
    pub(super) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.0 {
            Some(pool) => pool.install(work),
            None => rayon::scope(|_| work()),
        }
    }
}

fn from_environment(value: Option<String>) -> Result<Option<usize>> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
    let threads = value.parse().map_err(|_| Error::Threads(format!("{VARIABLE} is \"{value}\", expected a number")))?;
    Ok(Some(threads))
}

fn pool(threads: usize) -> Result<ThreadPool> {
    if threads == 0 {
        return Err(Error::Threads("expected at least 1, got 0".into()));
    }
    if threads > MAX_THREADS {
        return Err(Error::Threads(format!("expected at most {MAX_THREADS}, got {threads}")));
    }
    ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| Error::Threads(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_of_its_own_has_as_many_threads_as_asked() {
        assert_eq!(Threads::new(Some(3)).unwrap().run(rayon::current_num_threads), 3);
        let message = Threads::new(Some(0)).unwrap_err().to_string();
        assert_eq!(message, "threads: expected at least 1, got 0");
        let message = Threads::new(Some(usize::MAX)).unwrap_err().to_string();
        assert!(message.starts_with("threads: expected at most 4096, got "), "{message}");
    }

    #[test]
    fn the_environment_must_hold_a_number() {
        assert_eq!(from_environment(Some("2".into())).unwrap(), Some(2));
        assert_eq!(from_environment(Some(String::new())).unwrap(), None);
        let message = from_environment(Some("two".into())).unwrap_err().to_string();
        assert_eq!(message, "threads: GRADUS_THREADS is \"two\", expected a number");
    }
}
