//! The logarithm of softmax over rows, without overflow and without loss of small probabilities.

use crate::kernels::simd::{self, vectorized};
use crate::kernels::{double, math, parallel};

/// Minimum number of elements for one thread.
const CHUNK: usize = 4096;

/// yᵢ = xᵢ − max x − ln Σⱼ exp(xⱼ − max x) in each row of `columns`; the sum is an ascending chain.
pub(crate) fn forward(x: &[f32], columns: usize, y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "log-softmax keeps the number of elements");
    let (level, block) = (simd::current(), columns * (CHUNK / columns).max(1));
    parallel::for_each_pair((x, block), (y, block), 2 * block, |_, x, y| rows(level, x, columns, y));
}

vectorized! {
    fn rows<F: Fma>(x: &[f32], columns: usize, y: &mut [f32]) {
        for (x, y) in x.chunks_exact(columns).zip(y.chunks_exact_mut(columns)) {
            let most = x.iter().fold(f32::NEG_INFINITY, |most, &x| if x > most { x } else { most });
            y.iter_mut().zip(x).for_each(|(y, x)| *y = math::exp::<F>(x - most));
            let sum = y.iter().fold(0.0, |sum, y| sum + y);
            let log_sum = double::ln(f64::from(sum)) as f32;
            y.iter_mut().zip(x).for_each(|(y, x)| *y = (x - most) - log_sum);
        }
    }
}

/// dxᵢ = dyᵢ − exp(yᵢ) · Σⱼ dyⱼ in each row; the sum is an ascending chain.
pub(crate) fn backward(y: &[f32], columns: usize, dy: &[f32], dx: &mut [f32]) {
    assert!(y.len() == dx.len() && dy.len() == dx.len(), "log-softmax keeps the number of elements");
    let (level, block) = (simd::current(), columns * (CHUNK / columns).max(1));
    parallel::for_each_chunk(dx, block, 2 * block, |i, dx| {
        let [y, dy] = [y, dy].map(|all| &all[i * block..][..dx.len()]);
        rows_backward(level, y, columns, dy, dx);
    });
}

vectorized! {
    fn rows_backward<F: Fma>(y: &[f32], columns: usize, dy: &[f32], dx: &mut [f32]) {
        let rows = y.chunks_exact(columns).zip(dy.chunks_exact(columns)).zip(dx.chunks_exact_mut(columns));
        for ((y, dy), dx) in rows {
            let sum = dy.iter().fold(0.0, |sum, dy| sum + dy);
            dx.iter_mut().zip(y).zip(dy).for_each(|((dx, y), dy)| *dx = dy - math::exp::<F>(*y) * sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    #[test]
    fn agrees_with_f64_over_odd_sizes() {
        for columns in [1, 2, 7, 8, 9, 31] {
            let x: Vec<f32> = samples::values(columns as u64, 5 * columns).iter().map(|x| 50.0 * x).collect();
            let mut y = samples::unset(x.len());
            forward(&x, columns, &mut y);
            for (x, y) in x.chunks(columns).zip(y.chunks(columns)) {
                let log_sum = x.iter().map(|x| f64::from(*x).exp()).sum::<f64>().ln();
                for (x, y) in x.iter().zip(y) {
                    let right = f64::from(*x) - log_sum;
                    assert!((f64::from(*y) - right).abs() <= 4e-7 * right.abs().max(1.0), "{y} is not {right}");
                }
            }
        }
    }

    #[test]
    fn large_logits_neither_overflow_nor_vanish() {
        let mut y = [f32::NAN; 2];
        forward(&[1000.0, -1000.0], 2, &mut y);
        assert_eq!(y, [0.0, -2000.0]);
        forward(&[f32::NAN, 1.0], 2, &mut y);
        assert!(y.iter().all(|y| y.is_nan()));
    }

    #[test]
    fn bits_do_not_depend_on_threads_or_instructions() {
        let (x, dy) = (samples::values(7, 30_007), samples::values(8, 30_007));
        let columns = 37;
        let run = || {
            let [mut y, mut dx] = [samples::unset(x.len()), samples::unset(x.len())];
            forward(&x, columns, &mut y);
            backward(&y, columns, &dy, &mut dx);
            [y, dx]
        };
        let [y, dx] = run();
        samples::in_pools(|| {
            run().iter().zip([&y, &dx]).for_each(|(found, right)| samples::assert_same_bits(found, right, "threads"))
        });
        for level in samples::levels() {
            let [mut found_y, mut found_dx] = [samples::unset(x.len()), samples::unset(x.len())];
            rows(level, &x, columns, &mut found_y);
            rows_backward(level, &y, columns, &dy, &mut found_dx);
            samples::assert_same_bits(&found_y, &y, "log-softmax");
            samples::assert_same_bits(&found_dx, &dx, "its gradient");
        }
    }
}
