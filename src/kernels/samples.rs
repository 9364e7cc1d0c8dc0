//! Values for the tests of kernels.

use crate::Key;
/// Every instruction set of this processor, to compare their bits.
pub(crate) use crate::kernels::simd::available_levels as levels;

/// `count` random bit patterns.
pub(crate) fn bits(seed: u64, count: usize) -> Vec<u32> {
    let mut words = vec![0; count];
    Key::from_seed(seed).draws(0).fill(&mut words);
    words
}

/// `count` numbers in −1 ≤ x < 1.
pub(crate) fn values(seed: u64, count: usize) -> Vec<f32> {
    bits(seed, count).into_iter().map(|word| (word >> 8) as f32 / (1 << 23) as f32 - 1.0).collect()
}

/// `count` NaNs, the contents of an output before a kernel overwrites it.
pub(crate) fn unset(count: usize) -> Vec<f32> {
    vec![f32::NAN; count]
}

/// Runs `work` in pools of one to four threads.
pub(crate) fn in_pools(work: impl Fn() + Sync) {
    for threads in 1..=4 {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool");
        pool.install(&work);
    }
}

/// Fails at the first element whose bits differ; NaNs count as equal.
pub(crate) fn assert_same_bits(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!(f.to_bits() == e.to_bits() || (f.is_nan() && e.is_nan()), "{what}: element {i} is {f:e}, not {e:e}");
    }
}
