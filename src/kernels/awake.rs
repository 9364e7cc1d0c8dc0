//! Threads that stay awake between the forks of one stretch of work, such as a training step.
//!
//! An idle thread of rayon's gives up after some twenty microseconds and sleeps; to wake it costs more than a small kernel
//! gains by a second thread. In a step forks follow each other faster than that, but for gaps. So while a step runs, the
//! other threads look for forks themselves, for [`PATIENCE`] at most without finding any.

use std::cell::Cell;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// How long a thread looks for work in vain before rayon may send it to sleep.
///
/// Longer than what a step of a small network does on one thread in one go, also on a slow core: a thread that has fallen
/// asleep by then is woken too late for the next fork, and for all others of the step.
const PATIENCE: Duration = Duration::from_micros(1000);

/// Pauses between two looks for work, some hundred nanoseconds: a look disturbs the threads that work.
const PAUSES: usize = 4;

thread_local! {
    /// Whether this thread is within a stretch of work, or keeps another awake: then it must not linger in one more.
    static ENGAGED: Cell<bool> = const { Cell::new(false) };
    /// How often this thread has forked.
    static FORKS: Cell<usize> = const { Cell::new(0) };
    /// How often the last stretch forked that began on this thread.
    static LAST: Cell<usize> = const { Cell::new(0) };
}

/// Runs both on two threads, if another one has time before this one is done with `left`.
pub(crate) fn fork(left: impl FnOnce() + Send, right: impl FnOnce() + Send) {
    let (mut left, mut right) = (Some(left), Some(right));
    fork_erased(&mut || once(&mut left), &mut || once(&mut right));
}

/// Calls what has not been called yet.
fn once(work: &mut Option<impl FnOnce()>) {
    if let Some(work) = work.take() {
        work();
    }
}

/// As [`fork`], without the types of what it runs: rayon's part takes a compiler longer than most kernels do, and would be
/// compiled for each of some hundred closures.
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

/// Whether this thread is within a stretch of work that others are awake for, or in a half of a fork.
pub(crate) fn engaged() -> bool {
    ENGAGED.get()
}

/// Runs `work`, which forks several times, while the other threads of the pool stay awake for it.
///
/// They do from the second time on that such work begins on this thread, and only if it has forked more than once the time
/// before. What is computed does not depend on it.
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

/// Runs `work` and lets others be taken by so many threads, all put forward from this one.
fn in_company<T: Send>(others: usize, over: &AtomicBool, work: impl FnOnce() -> T + Send) -> T {
    if others == 0 { work() } else { rayon::join(|| in_company(others - 1, over, work), || stay(over)).0 }
}

/// Keeps this thread awake until the work is over.
fn stay(over: &AtomicBool) {
    if ENGAGED.get() {
        return;
    }
    while_engaged(|| look_for_work_while(|| !over.load(Ordering::Acquire)));
}

/// Does what other threads of the pool have forked, until the condition fails or nothing has come for a while.
fn look_for_work_while(waiting: impl Fn() -> bool) {
    let mut found = Instant::now();
    while waiting() && found.elapsed() < PATIENCE {
        match rayon::yield_now() {
            Some(rayon::Yield::Executed) => found = Instant::now(),
            _ => (0..PAUSES).for_each(|_| spin_loop()),
        }
    }
}

/// Says that the work is over, also when it panics.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Runs `work` on this thread, which is engaged until then.
fn while_engaged<T>(work: impl FnOnce() -> T) -> T {
    /// Puts the flag back, also when `work` panics.
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

    /// The sum of the numbers from `from` up to `to`, by forks within forks.
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
