//! Spin-waiting of threads between the forks of one unit of work, such as a training step.
//!
//! An idle thread of rayon sleeps after about 20 µs, and waking it costs more than a small kernel gains from a second
//! thread. Most forks of a step follow each other faster, but there are gaps. During a step, the other threads
//! therefore spin to find new forks, for at most [`MAX_SPIN`] without finding one.

use std::cell::Cell;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// Maximum time that a thread spins without finding work.
///
/// It is longer than any serial section in a step of a small network, even on a slow core. A thread that fell asleep
/// during the section would be woken too late for the remaining forks of the step.
const MAX_SPIN: Duration = Duration::from_micros(1000);

/// Pauses between two checks for work, a few hundred nanoseconds, because checks slow down the working threads.
const PAUSES: usize = 4;

thread_local! {
    /// Whether this thread is within a unit of work or already spins, and must not spin again.
    static ENGAGED: Cell<bool> = const { Cell::new(false) };
    /// Number of forks of this thread.
    static FORKS: Cell<usize> = const { Cell::new(0) };
    /// Number of forks in the last unit of work that began on this thread.
    static LAST: Cell<usize> = const { Cell::new(0) };
}

/// Runs both closures; `right` runs on another thread if one is free before this thread finishes `left`.
pub(crate) fn fork(left: impl FnOnce() + Send, right: impl FnOnce() + Send) {
    let (mut left, mut right) = (Some(left), Some(right));
    fork_erased(&mut || once(&mut left), &mut || once(&mut right));
}

/// Calls the closure unless it was already called.
fn once(work: &mut Option<impl FnOnce()>) {
    if let Some(work) = work.take() {
        work();
    }
}

/// Implements [`fork`] with type-erased closures. rayon's generic code would otherwise be compiled for each of about a
/// hundred closures, which takes longer than compiling most kernels.
fn fork_erased(left: &mut (dyn FnMut() + Send), right: &mut (dyn FnMut() + Send)) {
    const WAITING: u8 = 0;
    const TAKEN: u8 = 1;
    const DONE: u8 = 2;
    FORKS.set(FORKS.get() + 1);
    let stage = AtomicU8::new(WAITING);
    let left = || {
        left();
        // rayon would let this thread sleep while the other half takes slightly longer.
        run_forks_while(|| stage.load(Ordering::Acquire) == TAKEN);
    };
    let right = || {
        while_engaged(|| {
            stage.store(TAKEN, Ordering::Release);
            right();
            stage.store(DONE, Ordering::Release);
        });
    };
    while_engaged(|| rayon::join(left, right));
}

/// Whether this thread is within a unit of work for which others spin, or in a half of a fork.
pub(crate) fn engaged() -> bool {
    ENGAGED.get()
}

/// Runs `work`, which forks several times, while the other threads of the pool spin to find its forks.
///
/// They spin only if the previous unit of work on this thread forked more than once. Results do not depend on spinning.
pub(crate) fn with_spinning_threads<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let (before, last) = (FORKS.get(), LAST.get());
    let result = if last < 2 || ENGAGED.get() || rayon::current_thread_index().is_none() {
        work()
    } else {
        let others = last.min(rayon::current_num_threads() - 1);
        let over = AtomicBool::new(false);
        let work = || {
            let _over = Finished(&over);
            while_engaged(work)
        };
        spawn_spinning_and_run(others, &over, work)
    };
    LAST.set(FORKS.get() - before);
    result
}

/// Runs `work` after spawning tasks in which the other threads spin to find its forks.
fn spawn_spinning_and_run<T: Send>(others: usize, over: &AtomicBool, work: impl FnOnce() -> T + Send) -> T {
    if others == 0 {
        work()
    } else {
        rayon::join(|| spawn_spinning_and_run(others - 1, over, work), || spin_until_finished(over)).0
    }
}

/// Spins until the work is finished.
fn spin_until_finished(over: &AtomicBool) {
    if ENGAGED.get() {
        return;
    }
    while_engaged(|| run_forks_while(|| !over.load(Ordering::Acquire)));
}

/// Runs forks of other threads of the pool until the condition is false or no fork was found for [`MAX_SPIN`].
fn run_forks_while(waiting: impl Fn() -> bool) {
    // Targets without threads may have no clock.
    if !waiting() {
        return;
    }
    let mut found = Instant::now();
    while waiting() && found.elapsed() < MAX_SPIN {
        match rayon::yield_now() {
            Some(rayon::Yield::Executed) => found = Instant::now(),
            _ => (0..PAUSES).for_each(|_| spin_loop()),
        }
    }
}

/// Marks the work as finished, even if it panics.
struct Finished<'a>(&'a AtomicBool);

impl Drop for Finished<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Runs `work` with this thread marked as engaged.
fn while_engaged<T>(work: impl FnOnce() -> T) -> T {
    /// Restores the flag, even if `work` panics.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            ENGAGED.set(self.0);
        }
    }
    let _before = Before(ENGAGED.replace(true));
    work()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// The sum of the integers from `from` to `to`, by nested forks.
    fn sum(from: usize, to: usize) -> usize {
        if to - from < 2 {
            return from;
        }
        let (middle, mut left, mut right) = ((from + to) / 2, 0, 0);
        fork(|| left = sum(from, middle), || right = sum(middle, to));
        left + right
    }

    #[test]
    fn every_half_runs_once_with_and_without_spinning() {
        samples::in_pools(|| {
            (0..50).for_each(|_| {
                assert_eq!(with_spinning_threads(|| sum(0, 100) + with_spinning_threads(|| sum(0, 10))), 4950 + 45)
            });
        });
    }

    #[test]
    fn concurrent_units_of_work_on_one_pool_do_not_wait_for_each_other() {
        samples::in_pools(|| {
            let stretches = || (0..50).for_each(|_| assert_eq!(with_spinning_threads(|| sum(0, 200)), 19_900));
            rayon::scope(|scope| (0..6).for_each(|_| scope.spawn(|_| stretches())));
        });
    }

    #[test]
    fn a_panic_ends_the_unit_of_work_and_is_propagated() {
        samples::in_pools(|| {
            for _ in 0..4 {
                assert_eq!(with_spinning_threads(|| sum(0, 100)), 4950);
                let fails = || with_spinning_threads(|| fork(|| {}, || panic!("a kernel's mistake")));
                assert!(catch_unwind(AssertUnwindSafe(fails)).is_err());
                assert!(!ENGAGED.get());
            }
        });
    }
}
