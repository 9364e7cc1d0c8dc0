//! y += x, elementwise, for long arrays.

use super::parallel;

/// Elements per chunk.
const CHUNK: usize = 1 << 14;

/// Nanoseconds per chunk on one thread.
const NANOSECONDS: usize = 4_000;

/// Adds `x` to `y`, which must have equal lengths.
pub(crate) fn accumulate(x: &[f32], y: &mut [f32]) {
    parallel::for_each_pair((x, CHUNK), (y, CHUNK), NANOSECONDS, |_, x, y| {
        y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
    });
}
