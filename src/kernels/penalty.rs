//! The penalty on weights, Σ |x| · (l1 + l2 · |x|), and its derivative ±(l1 + 2 · l2 · |x|), which is 0 at 0.

use crate::kernels::parallel;
use crate::kernels::simd::{self, SimdLevel, vectorized};

/// Elements per chunk, each of which has a separate sum. Halves of the array consist of whole chunks.
const CHUNK: usize = 4096;

/// Chains in a chunk, added up in ascending order.
const LANES: usize = 16;

/// Nanoseconds per thousand elements on one thread.
const COST: usize = 200;

/// The two factors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Penalty {
    pub(crate) l1: f32,
    pub(crate) l2: f32,
}

impl Penalty {
    /// Σ |x| · (l1 + l2 · |x|), by recursive halves down to chunks.
    pub(crate) fn sum(self, x: &[f32]) -> f64 {
        self.sum_at(simd::current(), x)
    }

    fn sum_at(self, level: SimdLevel, x: &[f32]) -> f64 {
        if x.len() <= CHUNK {
            return f64::from(chunk(level, self, x));
        }
        let (left, right) = x.split_at((x.len() / 2).next_multiple_of(CHUNK));
        let (mut sum_left, mut sum_right) = (0.0, 0.0);
        let nanoseconds = x.len() * COST / 1000;
        parallel::join(nanoseconds, || sum_left = self.sum_at(level, left), || sum_right = self.sum_at(level, right));
        sum_left + sum_right
    }

    /// dx = dy · ±(l1 + 2 · l2 · |x|).
    pub(crate) fn backward(self, x: &[f32], dy: f32, dx: &mut [f32]) {
        let level = simd::current();
        let nanoseconds = CHUNK * COST / 1000;
        parallel::for_each_pair((x, CHUNK), (dx, CHUNK), nanoseconds, |_, x, dx| slopes(level, self, x, dy, dx));
    }
}

vectorized! {
    fn chunk<F: Fma>(penalty: Penalty, x: &[f32]) -> f32 {
        let Penalty { l1, l2 } = penalty;
        let (whole, rest) = x.as_chunks::<LANES>();
        let mut chains = [0.0f32; LANES];
        for lanes in whole {
            chains.iter_mut().zip(lanes).for_each(|(chain, x)| *chain += x.abs() * (l1 + l2 * x.abs()));
        }
        chains.iter_mut().zip(rest).for_each(|(chain, x)| *chain += x.abs() * (l1 + l2 * x.abs()));
        chains.iter().fold(0.0, |sum, chain| sum + chain)
    }
}

vectorized! {
    fn slopes<F: Fma>(penalty: Penalty, x: &[f32], dy: f32, dx: &mut [f32]) {
        let Penalty { l1, l2 } = penalty;
        for (dx, x) in dx.iter_mut().zip(x) {
            let slope = (l1 + 2.0 * l2 * x.abs()) * dy;
            *dx = if *x == 0.0 { 0.0 } else { slope * 1f32.copysign(*x) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    const BOTH: Penalty = Penalty { l1: 0.03, l2: 0.7 };

    #[test]
    fn sums_over_odd_lengths_are_those_in_double_precision() {
        for length in [0, 1, 15, 16, 17, 4095, 4097, 50_003] {
            let x = samples::values(1, length);
            let expected = x.iter().map(|x| f64::from(x.abs())).map(|x| x * (0.03 + 0.7 * x)).sum::<f64>();
            let found = BOTH.sum(&x);
            assert!((found - expected).abs() <= 1e-6 * (1.0 + expected), "{length}: {found}, not {expected}");
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads_or_instructions() {
        let x = samples::values(2, 1_000_003);
        let run = |level| {
            let mut dx = samples::unset(x.len());
            slopes(level, BOTH, &x, 0.3, &mut dx);
            (BOTH.sum_at(level, &x).to_bits(), dx)
        };
        let (sum, slopes) = run(simd::current());
        for level in samples::levels() {
            let (found, dx) = run(level);
            assert_eq!(found, sum);
            samples::assert_same_bits(&dx, &slopes, "slopes");
        }
        samples::in_pools(|| {
            let mut dx = samples::unset(x.len());
            BOTH.backward(&x, 0.3, &mut dx);
            assert_eq!(BOTH.sum(&x).to_bits(), sum);
            samples::assert_same_bits(&dx, &slopes, "slopes in pieces");
        });
    }

    #[test]
    fn zeros_have_gradient_0_and_nan_is_propagated() {
        let mut dx = [9.0; 4];
        BOTH.backward(&[0.0, -0.0, -1.0, f32::NAN], 2.0, &mut dx);
        assert_eq!(dx[..3], [0.0, 0.0, -2.0 * (0.03 + 2.0 * 0.7)]);
        assert!(dx[3].is_nan() && BOTH.sum(&[1.0, f32::NAN]).is_nan());
    }
}
