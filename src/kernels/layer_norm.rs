//! Normalization of rows by their mean and variance (Ba, Kiros and Hinton 2016).
//!
//! A sum along a row is eight interleaved chains, added pairwise. A sum over rows consists of chunks with a constant
//! number of rows, each an ascending chain, which are added in ascending order.

use crate::kernels::matmul::ROWS_PER_CHUNK;
use crate::kernels::parallel;
use crate::kernels::simd::{self, vectorized};

/// Minimum number of elements for one thread.
const CHUNK: usize = 8192;

/// Mean and 1 / √(variance + epsilon) of a row.
pub(crate) type Statistics = [f32; 2];

/// The statistics of each row of `columns`.
pub(crate) fn statistics(x: &[f32], columns: usize, epsilon: f32, statistics: &mut [Statistics]) {
    assert_eq!(x.len(), columns * statistics.len(), "statistics of every row");
    let (level, rows) = (simd::current(), (CHUNK / columns).max(1));
    parallel::for_each_pair((x, rows * columns), (statistics, rows), rows * columns, |_, x, statistics| {
        row_statistics(level, x, columns, epsilon, statistics);
    });
}

vectorized! {
    fn row_statistics<F: Fma>(x: &[f32], columns: usize, epsilon: f32, statistics: &mut [Statistics]) {
        for (x, statistics) in x.chunks_exact(columns).zip(statistics) {
            let mean = sum(columns, |j| x[j]) / columns as f32;
            let variance = sum(columns, |j| (x[j] - mean) * (x[j] - mean)) / columns as f32;
            *statistics = [mean, 1.0 / (variance + epsilon).sqrt()];
        }
    }
}

/// Σ term(j) over the columns of a row.
#[inline(always)]
fn sum(columns: usize, term: impl Fn(usize) -> f32) -> f32 {
    let mut chains = [0.0; 8];
    let whole = columns / 8 * 8;
    for start in (0..whole).step_by(8) {
        (0..8).for_each(|lane| chains[lane] += term(start + lane));
    }
    let [a, b, c, d, e, f, g, h] = chains;
    (whole..columns).fold(((a + b) + (c + d)) + ((e + f) + (g + h)), |sum, j| sum + term(j))
}

/// y = gamma · x̂ + beta with x̂ = (x − mean) · scale. A missing gamma is 1, and a missing beta is 0.
pub(crate) fn forward(
    x: &[f32],
    columns: usize,
    statistics: &[Statistics],
    [gamma, beta]: [Option<&[f32]>; 2],
    y: &mut [f32],
) {
    let (level, rows) = (simd::current(), (CHUNK / columns).max(1));
    let affine = [gamma.unwrap_or_default(), beta.unwrap_or_default()];
    parallel::for_each_chunk(y, rows * columns, rows * columns / 2, |i, y| {
        let x = &x[i * rows * columns..][..y.len()];
        forward_rows(level, x, columns, &statistics[i * rows..], affine, y);
    });
}

vectorized! {
    fn forward_rows<F: Fma>(x: &[f32], columns: usize, statistics: &[Statistics], affine: [&[f32]; 2], y: &mut [f32]) {
        let [gamma, beta] = affine;
        for ((x, y), [mean, scale]) in x.chunks_exact(columns).zip(y.chunks_exact_mut(columns)).zip(statistics) {
            y.iter_mut().zip(x).for_each(|(y, x)| *y = (x - mean) * scale);
            y.iter_mut().zip(gamma).for_each(|(y, gamma)| *y *= gamma);
            y.iter_mut().zip(beta).for_each(|(y, beta)| *y += beta);
        }
    }
}

/// dx = scale · (g − mean(g) − x̂ · mean(g · x̂)) with g = dy · gamma and means over a row.
pub(crate) fn backward_input(
    [x, dy]: [&[f32]; 2],
    columns: usize,
    statistics: &[Statistics],
    gamma: Option<&[f32]>,
    dx: &mut [f32],
) {
    let (level, rows) = (simd::current(), (CHUNK / columns).max(1));
    parallel::for_each_chunk(dx, rows * columns, rows * columns, |i, dx| {
        let [x, dy] = [x, dy].map(|all| &all[i * rows * columns..][..dx.len()]);
        backward_rows(level, [x, dy], columns, &statistics[i * rows..], gamma.unwrap_or_default(), dx);
    });
}

vectorized! {
    fn backward_rows<F: Fma>(
        arrays: [&[f32]; 2],
        columns: usize,
        statistics: &[Statistics],
        gamma: &[f32],
        dx: &mut [f32],
    ) {
        let [x, dy] = arrays.map(|array| array.chunks_exact(columns));
        for (((x, dy), dx), [mean, scale]) in x.zip(dy).zip(dx.chunks_exact_mut(columns)).zip(statistics) {
            dx.copy_from_slice(dy);
            dx.iter_mut().zip(gamma).for_each(|(g, gamma)| *g *= gamma);
            let mean_g = sum(columns, |j| dx[j]) / columns as f32;
            let mean_along = sum(columns, |j| dx[j] * ((x[j] - mean) * scale)) / columns as f32;
            for (dx, x) in dx.iter_mut().zip(x) {
                *dx = scale * ((*dx - mean_g) - ((x - mean) * scale) * mean_along);
            }
        }
    }
}

/// dgamma = Σ dy · x̂ over rows. `part` is a buffer of one row.
pub(crate) fn backward_gamma(
    [x, dy]: [&[f32]; 2],
    columns: usize,
    statistics: &[Statistics],
    dgamma: &mut [f32],
    part: &mut [f32],
) {
    sum_gamma(simd::current(), [x, dy], columns, statistics, dgamma, part);
}

vectorized! {
    fn sum_gamma<F: Fma>(
        arrays: [&[f32]; 2],
        columns: usize,
        statistics: &[Statistics],
        dgamma: &mut [f32],
        part: &mut [f32],
    ) {
        dgamma.fill(0.0);
        let block = columns * ROWS_PER_CHUNK;
        let [x, dy] = arrays.map(|array| array.chunks(block));
        for ((x, dy), statistics) in x.zip(dy).zip(statistics.chunks(ROWS_PER_CHUNK)) {
            part.fill(0.0);
            for ((x, dy), [mean, scale]) in x.chunks_exact(columns).zip(dy.chunks_exact(columns)).zip(statistics) {
                let terms = x.iter().zip(dy).map(|(x, dy)| dy * ((x - mean) * scale));
                part.iter_mut().zip(terms).for_each(|(part, term)| *part += term);
            }
            dgamma.iter_mut().zip(&*part).for_each(|(sum, part)| *sum += part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    #[test]
    fn rows_have_mean_0_and_variance_1() {
        for columns in [2, 7, 8, 19, 64] {
            let x: Vec<f32> = samples::values(1, 3 * columns).iter().map(|x| 5.0 * x + 3.0).collect();
            let (mut found, mut y) = ([[f32::NAN; 2]; 3], samples::unset(x.len()));
            statistics(&x, columns, 0.0, &mut found);
            forward(&x, columns, &found, [None, None], &mut y);
            for y in y.chunks(columns) {
                let mean: f32 = y.iter().sum::<f32>() / columns as f32;
                let variance: f32 = y.iter().map(|y| (y - mean) * (y - mean)).sum::<f32>() / columns as f32;
                assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4, "{mean} {variance}");
            }
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads_or_instructions() {
        let (columns, rows) = (37, 900);
        let [x, dy] = [5, 6].map(|seed| samples::values(seed, columns * rows));
        let [gamma, beta] = [7, 8].map(|seed| samples::values(seed, columns));
        let run = |level: Option<simd::SimdLevel>| {
            let mut found = vec![[f32::NAN; 2]; rows];
            let [mut y, mut dx] = [samples::unset(x.len()), samples::unset(x.len())];
            let [mut dgamma, mut part] = [samples::unset(columns), samples::unset(columns)];
            match level {
                None => {
                    statistics(&x, columns, 1e-3, &mut found);
                    forward(&x, columns, &found, [Some(&gamma), Some(&beta)], &mut y);
                    backward_input([&x, &dy], columns, &found, Some(&gamma), &mut dx);
                    backward_gamma([&x, &dy], columns, &found, &mut dgamma, &mut part);
                }
                Some(level) => {
                    row_statistics(level, &x, columns, 1e-3, &mut found);
                    forward_rows(level, &x, columns, &found, [&gamma, &beta], &mut y);
                    backward_rows(level, [&x, &dy], columns, &found, &gamma, &mut dx);
                    sum_gamma(level, [&x, &dy], columns, &found, &mut dgamma, &mut part);
                }
            }
            [y, dx, dgamma].concat()
        };
        let expected = run(None);
        samples::in_pools(|| samples::assert_same_bits(&run(None), &expected, "threads"));
        samples::levels().for_each(|level| samples::assert_same_bits(&run(Some(level)), &expected, "instructions"));
    }
}
