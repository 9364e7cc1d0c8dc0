//! Normal random numbers, which depend on their positions.

use crate::kernels::draw_blocks;
use crate::kernels::math::normal_quantile;
use crate::random::Key;

/// Elements drawn from one stream.
const BLOCK: usize = 1024;

/// Nanoseconds per block on one thread.
const NANOSECONDS: usize = 40_000;

/// Overwrites `noise` with the normal numbers of mean 0 and this standard deviation for the positions from `first`.
pub(crate) fn normal(key: Key, deviation: f32, first: usize, noise: &mut [f32]) {
    draw_blocks::from_position::<BLOCK>(first, noise, NANOSECONDS, |block, noise| {
        let mut draws = key.draws(block as u64);
        for value in noise {
            let inside = draws.uniform() + 0.5 / (1u64 << 53) as f64;
            *value = (f64::from(deviation) * normal_quantile(inside)) as f32;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    #[test]
    fn numbers_are_normal_and_do_not_depend_on_threads() {
        let mut expected = samples::unset(100_003);
        normal(Key::from_seed(1), 2.0, 0, &mut expected);
        let count = expected.len() as f64;
        let mean = expected.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
        let variance = expected.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / count;
        assert!(mean.abs() < 0.03 && (variance - 4.0).abs() < 0.08, "{mean} {variance}");
        let above = expected.iter().filter(|x| **x > 2.0).count() as f64 / count;
        assert!((above - 0.1587).abs() < 0.005, "{above}");
        let mut part = samples::unset(3000);
        normal(Key::from_seed(1), 2.0, 1500, &mut part);
        samples::assert_same_bits(&part, &expected[1500..4500], "part of noise");
        samples::in_pools(|| {
            let mut found = samples::unset(expected.len());
            normal(Key::from_seed(1), 2.0, 0, &mut found);
            samples::assert_same_bits(&found, &expected, "noise");
        });
    }
}
