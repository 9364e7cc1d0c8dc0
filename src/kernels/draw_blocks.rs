//! Random numbers by position: elements in blocks of a fixed length, each drawn from a separate stream, so that threads and
//! the parts of a batch draw in parallel.

use super::parallel;

/// Calls `draw(block, values)` for the blocks of `BLOCK` elements that contain the positions from `first`. `draw` writes the
/// first elements of a block. `nanoseconds` is the time of a block on one thread.
pub(crate) fn from_position<const BLOCK: usize>(
    first: usize,
    values: &mut [f32],
    nanoseconds: usize,
    draw: impl Fn(usize, &mut [f32]) + Sync,
) {
    let (block, skipped) = (first / BLOCK, first % BLOCK);
    let head = if skipped == 0 { 0 } else { values.len().min(BLOCK - skipped) };
    let (head, rest) = values.split_at_mut(head);
    if !head.is_empty() {
        let mut whole = [0.0; BLOCK];
        draw(block, &mut whole[..skipped + head.len()]);
        head.copy_from_slice(&whole[skipped..][..head.len()]);
    }
    let next = first.div_ceil(BLOCK);
    parallel::for_each_chunk(rest, BLOCK, nanoseconds, |number, values| draw(next + number, values));
}
