//! Masks of inverted dropout (Srivastava et al. 2014): each element is 0 with probability `rate`, otherwise 1 / (1 − rate).
//!
//! A multiplier depends on its position, so that the parts of a batch can draw their parts of a mask.

use super::chacha::{BLOCKS, Stream, WORDS};
use super::transposed::SIDE;
use crate::kernels::draw_blocks;
use crate::kernels::simd::{self, Square, vectorized};
use crate::random::Key;

/// Elements drawn from one stream.
const BLOCK: usize = 4096;

/// Nanoseconds per block on one thread.
const NANOSECONDS: usize = 2_000;

/// Overwrites `mask` with the multipliers drawn from `key` for the positions from `first`.
pub fn mask(key: Key, rate: f32, first: usize, mask: &mut [f32]) {
    let level = simd::current();
    draw_blocks::from_position::<BLOCK>(first, mask, NANOSECONDS, |block, mask| {
        multipliers(level, Stream::new(key, block as u64), rate, mask);
    });
}

const _: () = assert!(WORDS == SIDE && BLOCKS.is_multiple_of(SIDE), "the words of blocks are squares");

vectorized! {
    /// Draws a multiplier with each word of a stream, starting with its second block, as `Key::draws` does.
    fn multipliers<F: Fma>(stream: Stream, rate: f32, mask: &mut [f32]) {
        let (dropped, kept) = (threshold(rate), 1.0 / (1.0 - rate));
        for (number, mask) in mask.chunks_mut(BLOCKS * WORDS).enumerate() {
            let words = stream.blocks((1 + number * BLOCKS) as u64);
            let mut multipliers = [[0.0; BLOCKS]; WORDS];
            for (multiplier, word) in multipliers.as_flattened_mut().iter_mut().zip(words.as_flattened()) {
                *multiplier = if *word < dropped { 0.0 } else { kept };
            }
            for (first, mask) in (0..BLOCKS).step_by(SIDE).zip(mask.chunks_mut(SIDE * WORDS)) {
                let mut square: Square = [[0.0; SIDE]; SIDE];
                for (row, multipliers) in square.iter_mut().zip(&multipliers) {
                    row.copy_from_slice(&multipliers[first..first + SIDE]);
                }
                F::transpose(&mut square);
                mask.copy_from_slice(&square.as_flattened()[..mask.len()]);
            }
        }
    }
}

/// y = x · mask, elementwise, for values and for gradients.
pub(crate) fn apply(mask: &[f32], x: &[f32], y: &mut [f32]) {
    multiply(simd::current(), mask, x, y);
}

vectorized! {
    fn multiply<F: Fma>(mask: &[f32], x: &[f32], y: &mut [f32]) {
        y.iter_mut().zip(x).zip(mask).for_each(|((y, x), mask)| *y = x * mask);
    }
}

/// The bound below which a uniform 32-bit number is with probability `rate`.
fn threshold(rate: f32) -> u32 {
    (f64::from(rate) * 4_294_967_296.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    #[test]
    fn masks_have_the_given_rate_and_mean_1() {
        let mut found = vec![f32::NAN; 100_003];
        mask(Key::from_seed(1), 0.2, 0, &mut found);
        let dropped = found.iter().filter(|value| **value == 0.0).count();
        assert!((19_500..20_500).contains(&dropped), "{dropped}");
        assert!(found.iter().all(|value| *value == 0.0 || *value == 1.25));
    }

    #[test]
    fn each_element_is_one_draw() {
        let (key, rate, length) = (Key::from_seed(3), 0.3, BLOCK + 1000);
        let mut words = vec![0; 2 * BLOCK];
        words.chunks_mut(BLOCK).zip(0..).for_each(|(words, block)| key.draws(block).fill(words));
        let multiplier = |word: &u32| if *word < threshold(rate) { 0.0 } else { 1.0 / (1.0 - rate) };
        let expected: Vec<f32> = words[..length].iter().map(multiplier).collect();
        for level in samples::levels() {
            let mut found = vec![f32::NAN; length];
            let blocks = found.chunks_mut(BLOCK).zip(0..);
            blocks.for_each(|(mask, block)| multipliers(level, Stream::new(key, block), rate, mask));
            samples::assert_same_bits(&found, &expected, "mask");
        }
    }

    #[test]
    fn parts_of_a_mask_are_those_of_the_whole() {
        let (key, mut whole) = (Key::from_seed(4), vec![f32::NAN; 3 * BLOCK]);
        mask(key, 0.5, 0, &mut whole);
        for first in [1, 17, BLOCK - 1, BLOCK, BLOCK + 300] {
            for length in [0, 5, BLOCK + 7] {
                let mut part = vec![f32::NAN; length];
                mask(key, 0.5, first, &mut part);
                samples::assert_same_bits(&part, &whole[first..first + length], "part of a mask");
            }
        }
    }

    #[test]
    fn draws_do_not_depend_on_threads() {
        let mut expected = vec![f32::NAN; 50_001];
        mask(Key::from_seed(2), 0.5, 0, &mut expected);
        samples::in_pools(|| {
            let mut found = vec![f32::NAN; expected.len()];
            mask(Key::from_seed(2), 0.5, 0, &mut found);
            samples::assert_same_bits(&found, &expected, "mask");
        });
    }
}
