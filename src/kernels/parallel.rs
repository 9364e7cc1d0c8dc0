//! Distribution of the chunks of a loop over threads.
//!
//! The caller splits work into chunks by shape. This module decides which of them run on another thread, which never
//! changes a result. Waking a thread costs 5–70 µs, and passing work to a spinning one about 2 µs; shorter chunks are
//! not split. No function allocates on a thread of a pool.

use super::spin_wait;
use std::cell::Cell;

/// Minimum work in nanoseconds on one thread for a fork if other threads may be asleep.
///
/// Measured on two cores: splitting 20 µs in two gains nothing, and splitting 40 µs gains a third.
const MIN_WORK_SLEEPING: usize = 20_000;

/// Minimum work in nanoseconds on one thread for a fork if other threads spin.
///
/// Measured on two cores: with 7 µs an epoch of `lenet5` takes 0.85 of the time with 20 µs, and one of `deep_sigmoid`
/// 0.8; with 4 µs, masks of `dropout_mlp` move between the cores.
const MIN_WORK_SPINNING: usize = 7_000;

/// Multiply-adds per nanosecond of a dense product or a convolution on one thread.
pub(crate) const MULTIPLY_ADDS_PER_NANOSECOND: usize = 60;

/// Runs `work` on the calling thread, without forks.
pub(crate) fn without_forks<T>(work: impl FnOnce() -> T) -> T {
    /// Restores the flag, even if `work` panics.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            ALONE.set(self.0);
        }
    }
    let _before = Before(ALONE.replace(true));
    work()
}

thread_local! {
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// Runs both closures, on two threads if each is worth a fork. `nanoseconds` is the time of both on one thread.
#[inline]
pub(crate) fn join(nanoseconds: usize, left: impl FnOnce() + Send, right: impl FnOnce() + Send) {
    if worth_a_fork(nanoseconds) {
        spin_wait::fork(left, right);
    } else {
        left();
        right();
    }
}

/// Whether work of this duration on one thread should be split in two.
pub(crate) fn worth_a_fork(nanoseconds: usize) -> bool {
    let least = if spin_wait::engaged() { MIN_WORK_SPINNING } else { MIN_WORK_SLEEPING };
    nanoseconds >= 2 * least && !ALONE.get() && threads() > 1
}

/// Number of threads of the current pool. It may change the assignment of work to threads, but never the result.
pub(crate) fn threads() -> usize {
    rayon::current_num_threads()
}

/// Whether there are enough parts for all threads, so that parts need not be split. It may change the assignment of
/// work to threads, but never the result.
pub(crate) fn enough_for_all_threads(pieces: usize) -> bool {
    pieces >= 2 * threads()
}

/// Number of parts of each of `pieces` pieces, so that there are enough for all threads. It may change the assignment of work
/// to threads, but never the result.
pub(crate) fn parts_of_each(pieces: usize) -> usize {
    if enough_for_all_threads(pieces) { 1 } else { (4 * threads()).div_ceil(pieces.max(1)) }
}

/// Calls `work(i, chunk)` for chunk `i` of `chunk` elements of `data`; the last may be shorter. `nanoseconds` is the
/// time of one whole chunk.
pub(crate) fn for_each_chunk<T: Send>(
    data: &mut [T],
    chunk: usize,
    nanoseconds: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    from_chunk(0, data, chunk.max(1), nanoseconds, &work);
}

/// Implements [`for_each_chunk`] starting at chunk number `first`. It is compiled once per element type.
fn from_chunk<T: Send>(
    first: usize,
    data: &mut [T],
    chunk: usize,
    nanoseconds: usize,
    work: &(dyn Fn(usize, &mut [T]) + Sync),
) {
    let chunks = data.len().div_ceil(chunk);
    if chunks < 2 || !worth_a_fork(chunks.saturating_mul(nanoseconds)) {
        for (i, piece) in data.chunks_mut(chunk).enumerate() {
            work(first + i, piece);
        }
        return;
    }
    let half = chunks / 2;
    let (left, right) = data.split_at_mut(half * chunk);
    spin_wait::fork(
        || from_chunk(first, left, chunk, nanoseconds, work),
        || from_chunk(first + half, right, chunk, nanoseconds, work),
    );
}

/// Calls `work(i, a, b)` for corresponding chunks of two arrays with the same number of chunks. The second one is written.
pub(crate) fn for_each_pair<A: Sync, B: Send>(
    (a, chunk_a): (&[A], usize),
    (b, chunk_b): (&mut [B], usize),
    nanoseconds: usize,
    work: impl Fn(usize, &[A], &mut [B]) + Sync,
) {
    for_each_chunk(b, chunk_b, nanoseconds, |i, piece| {
        let end = a.len().min((i + 1) * chunk_a);
        work(i, &a[i * chunk_a..end], piece);
    });
}

/// Calls `work(i, a, b)` for corresponding chunks of two arrays with the same number of chunks. Both are written.
pub(crate) fn for_each_two<A: Send, B: Send>(
    a: (&mut [A], usize),
    b: (&mut [B], usize),
    nanoseconds: usize,
    work: impl Fn(usize, &mut [A], &mut [B]) + Sync,
) {
    from_two(0, a, b, nanoseconds, &work);
}

/// An operation on corresponding chunks of two arrays.
type WorkOnTwo<'a, A, B> = dyn Fn(usize, &mut [A], &mut [B]) + Sync + 'a;

/// Implements [`for_each_two`] starting at chunk number `first`.
fn from_two<A: Send, B: Send>(
    first: usize,
    (a, chunk_a): (&mut [A], usize),
    (b, chunk_b): (&mut [B], usize),
    nanoseconds: usize,
    work: &WorkOnTwo<'_, A, B>,
) {
    let chunks = a.len().div_ceil(chunk_a);
    if chunks < 2 || !worth_a_fork(chunks.saturating_mul(nanoseconds)) {
        for (i, (a, b)) in a.chunks_mut(chunk_a).zip(b.chunks_mut(chunk_b)).enumerate() {
            work(first + i, a, b);
        }
        return;
    }
    let half = chunks / 2;
    let ((left_a, right_a), (left_b, right_b)) = (a.split_at_mut(half * chunk_a), b.split_at_mut(half * chunk_b));
    spin_wait::fork(
        || from_two(first, (left_a, chunk_a), (left_b, chunk_b), nanoseconds, work),
        || from_two(first + half, (right_a, chunk_a), (right_b, chunk_b), nanoseconds, work),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    #[test]
    fn every_chunk_is_visited_once_with_its_number() {
        samples::in_pools(|| {
            let mut data = vec![0; 1003];
            for_each_chunk(&mut data, 10, 1_000_000, |i, piece| piece.iter_mut().for_each(|v| *v += i + 1));
            assert!(data.iter().enumerate().all(|(at, &v)| v == at / 10 + 1));
        });
    }

    #[test]
    fn without_forks_applies_until_it_returns_or_panics() {
        samples::in_pools(|| {
            let forks = || worth_a_fork(1_000_000_000);
            let several = rayon::current_num_threads() > 1;
            assert_eq!(
                (forks(), without_forks(|| (without_forks(forks), forks())), forks()),
                (several, (false, false), several)
            );
            assert!(std::panic::catch_unwind(|| without_forks(|| panic!("a kernel's mistake"))).is_err());
            assert_eq!(forks(), several);
        });
    }

    #[test]
    fn two_arrays_are_written_chunk_by_chunk() {
        samples::in_pools(|| {
            let (mut a, mut b) = (vec![0; 1003], vec![0; 101]);
            for_each_two((&mut a, 10), (&mut b, 1), 1_000_000, |i, a, b| {
                a.fill(i);
                b[0] = i;
            });
            assert!(a.iter().enumerate().all(|(at, &v)| v == at / 10));
            assert!(b.iter().enumerate().all(|(at, &v)| v == at));
        });
    }

    #[test]
    fn corresponding_chunks_are_processed_together() {
        samples::in_pools(|| {
            let source: Vec<usize> = (0..21).collect();
            let mut sums = vec![0; 7];
            for_each_pair((&source, 3), (&mut sums, 1), 1_000_000, |_, three, sum| sum[0] = three.iter().sum());
            assert!(sums.iter().enumerate().all(|(i, &sum)| sum == 9 * i + 3));
        });
    }
}
