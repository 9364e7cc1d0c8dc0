//! Spin-waiting of threads between the forks of one unit of work, such as a training step.
//!
//! An idle thread of rayon sleeps after about twenty microseconds, and waking it costs more than a small kernel gains from a
//! second thread. Most forks of a step follow each other faster, but there are gaps. While a step runs, the other threads
//! therefore spin for new forks, for at most [`PATIENCE`] without finding any.

use std::cell::Cell;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// Maximum time that a thread spins without finding work.
///
/// Longer than any serial section in a step of a small network, also on a slow core: a thread that fell asleep during it
/// would be woken too late for the next fork and all others of the step.
const PATIENCE: Duration = Duration::from_micros(1000);

/// Pauses between two checks for work, some hundred nanoseconds, as a check slows down the threads that work.
const PAUSES: usize = 4;

thread_local! {
    /// Whether this thread is within a unit of work or already spins, and must not spin again.
    static ENGAGED: Cell<bool> = const { Cell::new(false) };
    /// Number of forks of this thread.
    static FORKS: Cell<usize> = const { Cell::new(0) };
    /// Number of forks in the last unit of work that began on this thread.
    static LAST: Cell<usize> = const { Cell::new(0) };
}

/// Runs both closures, `right` on another thread if one is free before this thread finishes `left`.
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

/// [`fork`] with type-erased closures, as rayon's generic code would be compiled for each of some hundred closures, which
/// takes the compiler longer than most kernels.
fn fork_erased(left: &mut (dyn FnMut() + Send), right: &mut (dyn FnMut() + Send)) {
    const WAITING: u8 = 0;
    const TAKEN: u8 = 1;
    const DONE: u8 = 2;
    FORKS.set(FORKS.get() + 1);
    let stage = AtomicU8::new(WAITING);
    let left = || {
        left();
        // Left to rayon, this thread would fall asleep while the other half takes a little longer.
        look_for_work_while(|| stage.load(Ordering::Acquire) == TAKEN);
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

/// Runs `work`, which forks several times, while the other threads of the pool spin for its forks.
///
/// They spin only if the previous unit of work on this thread forked more than once. Results do not depend on it.
pub(crate) fn together<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let (before, last) = (FORKS.get(), LAST.get());
    let result = if last < 2 || ENGAGED.get() || rayon::current_thread_index().is_none() {
        work()
    } else {
        let others = last.min(rayon::current_num_threads() - 1);
        let over = AtomicBool::new(false);
        let work = || {
            let _over = Over(&over);
            while_engaged(work)
        };
        in_company(others, &over, work)
    };
    LAST.set(FORKS.get() - before);
    result
}

/// Runs `work` after spawning tasks for the other threads, which spin for its forks.
fn in_company<T: Send>(others: usize, over: &AtomicBool, work: impl FnOnce() -> T + Send) -> T {
    if others == 0 { work() } else { rayon::join(|| in_company(others - 1, over, work), || stay(over)).0 }
}

/// Spins until the work is finished.
fn stay(over: &AtomicBool) {
    if ENGAGED.get() {
        return;
    }
    while_engaged(|| look_for_work_while(|| !over.load(Ordering::Acquire)));
}

/// Runs forks of other threads of the pool, until the condition fails or no fork was found for a while.
fn look_for_work_while(waiting: impl Fn() -> bool) {
    let mut found = Instant::now();
    while waiting() && found.elapsed() < PATIENCE {
        match rayon::yield_now() {
            Some(rayon::Yield::Executed) => found = Instant::now(),
            _ => (0..PAUSES).for_each(|_| spin_loop()),
        }
    }
}

/// Marks the work as finished, also when it panics.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Runs `work` with this thread marked as engaged.
fn while_engaged<T>(work: impl FnOnce() -> T) -> T {
    /// Restores the flag, also when `work` panics.
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

    /// The sum of the numbers from `from` to `to`, by nested forks.
    fn sum(from: usize, to: usize) -> usize {
        if to - from < 2 {
            return from;
        }
        let (middle, mut left, mut right) = ((from + to) / 2, 0, 0);
        fork(|| left = sum(from, middle), || right = sum(middle, to));
        left + right
    }

    #[test]
    fn every_half_runs_once_with_and_without_company() {
        samples::in_pools(|| {
            (0..50).for_each(|_| assert_eq!(together(|| sum(0, 100) + together(|| sum(0, 10))), 4950 + 45));
        });
    }

    #[test]
    fn stretches_side_by_side_on_one_pool_do_not_wait_for_each_other() {
        samples::in_pools(|| {
            let stretches = || (0..50).for_each(|_| assert_eq!(together(|| sum(0, 200)), 19_900));
            rayon::scope(|scope| (0..6).for_each(|_| scope.spawn(|_| stretches())));
        });
    }

    #[test]
    fn a_panic_ends_the_stretch_and_is_passed_on() {
        samples::in_pools(|| {
            for _ in 0..4 {
                assert_eq!(together(|| sum(0, 100)), 4950);
                let fails = || together(|| fork(|| {}, || panic!("a kernel's mistake")));
                assert!(catch_unwind(AssertUnwindSafe(fails)).is_err());
                assert!(!ENGAGED.get());
            }
        });
    }
}
