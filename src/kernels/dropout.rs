//! Masks of inverted dropout (Srivastava et al. 2014): each element is 0 with probability `rate`, otherwise 1 / (1 − rate).
//!
//! Long masks are drawn in blocks of a fixed length, each from a stream of its own, so that threads may share them.

use crate::kernels::parallel;
use crate::kernels::simd::{self, vectorized};
use crate::random::Key;

/// Elements drawn from one stream.
const BLOCK: usize = 4096;

/// What a block costs one thread.
const NANOSECONDS: usize = 10_000;

/// Overwrites `mask` with the multipliers that `key` draws.
pub fn mask(key: Key, rate: f32, mask: &mut [f32]) {
    let dropped = threshold(rate);
    let kept = 1.0 / (1.0 - rate);
    parallel::for_each_chunk(mask, BLOCK, NANOSECONDS, |block, mask| {
        let mut draws = key.draws(block as u64);
        let mut words = [0; 64];
        for mask in mask.chunks_mut(words.len()) {
            draws.fill(&mut words);
            mask.iter_mut().zip(&words).for_each(|(mask, &word)| *mask = if word < dropped { 0.0 } else { kept });
        }
    });
}

/// y = x · mask, element by element: the values themselves, and their gradients.
pub(crate) fn apply(mask: &[f32], x: &[f32], y: &mut [f32]) {
    multiply(simd::current(), mask, x, y);
}

vectorized! {
    fn multiply<F: Fma>(mask: &[f32], x: &[f32], y: &mut [f32]) {
        y.iter_mut().zip(x).zip(mask).for_each(|((y, x), mask)| *y = x * mask);
    }
}

/// A uniform 32-bit number is below this with probability `rate`.
fn threshold(rate: f32) -> u32 {
    (f64::from(rate) * 4_294_967_296.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    #[test]
    fn the_rate_is_kept_and_so_is_the_mean() {
        let mut found = vec![f32::NAN; 100_003];
        mask(Key::from_seed(1), 0.2, &mut found);
        let dropped = found.iter().filter(|value| **value == 0.0).count();
        assert!((19_500..20_500).contains(&dropped), "{dropped}");
        assert!(found.iter().all(|value| *value == 0.0 || *value == 1.25));
    }

    #[test]
    fn threads_draw_the_same() {
        let mut expected = vec![f32::NAN; 50_001];
        mask(Key::from_seed(2), 0.5, &mut expected);
        samples::in_pools(|| {
            let mut found = vec![f32::NAN; expected.len()];
            mask(Key::from_seed(2), 0.5, &mut found);
            samples::assert_same_bits(&found, &expected, "mask");
        });
    }
}
