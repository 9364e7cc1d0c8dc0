//! Statistics of columns over the rows of a batch, and normalization by them.
//!
//! Rows are samples times pixels, columns are channels. A sum over rows consists of chunks with a constant number of
//! rows, each an ascending chain, which are added in ascending order. The sums of a block of columns are in registers.

use crate::kernels::parallel;
use crate::kernels::simd::{self, Fma, vectorized};

/// Rows in a chunk of a sum.
const CHUNK: usize = 256;

/// Columns whose sums are in registers together.
const WIDE: usize = 64;
const MEDIUM: usize = 32;
const NARROW: usize = 16;

/// Nanoseconds per thousand elements on one thread.
const FORWARD: usize = 150;
const BACKWARD: usize = 400;

/// mean = Σ x / n and variance = Σ (x − mean)² / n of each column (the biased variance, as in Keras).
pub(crate) fn statistics(x: &[f32], mean: &mut [f32], variance: &mut [f32]) {
    column_statistics(simd::current(), x, mean, variance);
}

/// y = gamma · (x − mean) · scale + beta, with scale = 1 / √(variance + epsilon).
pub(crate) fn forward(
    x: &[f32],
    mean: &[f32],
    scale: &[f32],
    gamma: &[f32],
    beta: &[f32],
    y: &mut [f32],
) {
    let (level, block) = (simd::current(), mean.len() * CHUNK);
    parallel::for_each_pair((x, block), (y, block), block * FORWARD / 1000, |_, x, y| {
        forward_rows(level, x, [mean, scale, gamma, beta], y);
    });
}

/// dgamma = Σ dy · (x − mean) · scale and dbeta = Σ dy, over rows.
pub(crate) fn backward_columns(
    x: &[f32],
    dy: &[f32],
    [mean, scale]: [&[f32]; 2],
    dgamma: &mut [f32],
    dbeta: &mut [f32],
) {
    sum_gradients(simd::current(), x, dy, [mean, scale], dgamma, dbeta);
}

/// The gradient of [`forward`] with respect to x if mean and scale are computed from the batch (Ioffe and Szegedy 2015):
///
/// dx = gamma · scale / n · (n · dy − dbeta − x̂ · dgamma), with x̂ = (x − mean) · scale.
pub(crate) fn backward_input(
    x: &[f32],
    dy: &[f32],
    [mean, scale, gamma]: [&[f32]; 3],
    [dgamma, dbeta]: [&[f32]; 2],
    dx: &mut [f32],
) {
    let (level, columns) = (simd::current(), mean.len());
    let (rows, block) = ((x.len() / columns) as f32, columns * CHUNK);
    parallel::for_each_pair(
        (x, block),
        (dx, block),
        block * BACKWARD / 1000,
        |i, x, dx| {
            let dy = &dy[i * block..][..dx.len()];
            backward_rows(level, x, dy, rows, [mean, scale, gamma, dgamma, dbeta], dx);
        },
    );
}

/// The terms of `N` sums over rows, for `L` columns. Closures would not always be inlined, and then be compiled for the
/// baseline.
trait Terms<const L: usize, const N: usize> {
    fn of(&self, row: usize) -> [[f32; L]; N];
}

/// The values of `width` columns, at most as many as lanes.
#[derive(Clone, Copy)]
struct Columns<'a> {
    values: &'a [f32],
    columns: usize,
    at: usize,
    width: usize,
}

impl<const L: usize> Terms<L, 1> for Columns<'_> {
    #[inline(always)]
    fn of(&self, row: usize) -> [[f32; L]; 1] {
        [lanes(
            &self.values[row * self.columns + self.at..][..self.width],
        )]
    }
}

/// (x − mean)².
struct Squares<'a, const L: usize> {
    x: Columns<'a>,
    mean: [f32; L],
}

impl<const L: usize> Terms<L, 1> for Squares<'_, L> {
    #[inline(always)]
    fn of(&self, row: usize) -> [[f32; L]; 1] {
        let [mut term]: [[f32; L]; 1] = self.x.of(row);
        for l in 0..L {
            term[l] = (term[l] - self.mean[l]) * (term[l] - self.mean[l]);
        }
        [term]
    }
}

/// dy · (x − mean) · scale, and dy.
struct Gradients<'a, const L: usize> {
    x: Columns<'a>,
    dy: Columns<'a>,
    mean: [f32; L],
    scale: [f32; L],
}

impl<const L: usize> Terms<L, 2> for Gradients<'_, L> {
    #[inline(always)]
    fn of(&self, row: usize) -> [[f32; L]; 2] {
        let ([x], [dy]): ([[f32; L]; 1], [[f32; L]; 1]) = (self.x.of(row), self.dy.of(row));
        let mut term = [0.0; L];
        for l in 0..L {
            term[l] = dy[l] * ((x[l] - self.mean[l]) * self.scale[l]);
        }
        [term, dy]
    }
}

/// Σ term(row) over rows, for `L` columns and `N` sums of each. The chains of `K` chunks are computed side by side, because
/// few chains would wait for the latency of their additions.
#[inline(always)]
fn sums<F: Fma, const L: usize, const N: usize, const K: usize>(
    rows: usize,
    terms: &impl Terms<L, N>,
) -> [[f32; L]; N] {
    let (mut total, mut start) = ([[0.0; L]; N], 0);
    while K > 1 && rows - start >= K * CHUNK {
        let parts = chunks::<F, L, N, K>(start, CHUNK, terms);
        for k in 0..K {
            add::<F, L, N>(&mut total, &parts[k]);
        }
        start += K * CHUNK;
    }
    while start < rows {
        let length = CHUNK.min(rows - start);
        let [part] = chunks::<F, L, N, 1>(start, length, terms);
        add::<F, L, N>(&mut total, &part);
        start += length;
    }
    total
}

/// The sums of `K` chunks of `length` rows, of which the first starts at row `start`.
#[inline(always)]
fn chunks<F: Fma, const L: usize, const N: usize, const K: usize>(
    start: usize,
    length: usize,
    terms: &impl Terms<L, N>,
) -> [[[f32; L]; N]; K] {
    let mut parts = [[[0.0; L]; N]; K];
    for row in start..start + length {
        for k in 0..K {
            add::<F, L, N>(&mut parts[k], &terms.of(row + k * CHUNK));
        }
    }
    parts
}

#[inline(always)]
fn add<F: Fma, const L: usize, const N: usize>(sums: &mut [[f32; L]; N], terms: &[[f32; L]; N]) {
    for n in 0..N {
        F::add(&terms[n], &mut sums[n]);
    }
}

/// The first `L` values, or all of them if there are fewer, padded with zeros.
#[inline(always)]
fn lanes<const L: usize>(values: &[f32]) -> [f32; L] {
    match values.first_chunk() {
        Some(lanes) => *lanes,
        None => padded_lanes(values),
    }
}

/// Fewer than `L` values, padded with zeros. Not inlined, so that the sums of the caller stay in registers.
#[inline(never)]
fn padded_lanes<const L: usize>(values: &[f32]) -> [f32; L] {
    let mut lanes = [0.0; L];
    lanes[..values.len()].copy_from_slice(values);
    lanes
}

/// Calls `$block::<F, L, K>(first column, number of columns)` for blocks that cover all columns, with the largest possible
/// `L`, and more chunks `K` side by side if `L` is smaller.
macro_rules! in_blocks {
    ($columns:expr, $block:ident($($argument:expr),*)) => {
        let mut at = 0;
        while $columns - at >= WIDE {
            $block::<F, WIDE, 1>(at, WIDE, $($argument),*);
            at += WIDE;
        }
        if $columns - at >= MEDIUM {
            $block::<F, MEDIUM, 1>(at, MEDIUM, $($argument),*);
            at += MEDIUM;
        }
        while at < $columns && $columns >= NARROW {
            // If columns are missing, the last block overlaps the one before and computes the same values again.
            let first = at.min($columns - NARROW);
            $block::<F, NARROW, 4>(first, NARROW, $($argument),*);
            at = first + NARROW;
        }
        if at < $columns {
            $block::<F, NARROW, 1>(at, $columns - at, $($argument),*);
        }
    };
}

vectorized! {
    fn column_statistics<F: Fma>(x: &[f32], mean: &mut [f32], variance: &mut [f32]) {
        in_blocks!(mean.len(), block_statistics(x, mean, variance));
    }
}

#[inline(always)]
fn block_statistics<F: Fma, const L: usize, const K: usize>(
    at: usize,
    width: usize,
    x: &[f32],
    mean: &mut [f32],
    variance: &mut [f32],
) {
    let columns = mean.len();
    let rows = x.len() / columns;
    let values = Columns {
        values: x,
        columns,
        at,
        width,
    };
    let [mut means] = sums::<F, L, 1, K>(rows, &values);
    for l in 0..L {
        means[l] /= rows as f32;
    }
    let [squares] = sums::<F, L, 1, K>(
        rows,
        &Squares {
            x: values,
            mean: means,
        },
    );
    mean[at..at + width].copy_from_slice(&means[..width]);
    variance[at..at + width]
        .iter_mut()
        .zip(squares)
        .for_each(|(variance, square)| *variance = square / rows as f32);
}

vectorized! {
    fn forward_rows<F: Fma>(x: &[f32], given: [&[f32]; 4], y: &mut [f32]) {
        let columns = given[0].len();
        let [mean, scale, gamma, beta] = given.map(|values| &values[..columns]);
        for (x, y) in x.chunks_exact(columns).zip(y.chunks_exact_mut(columns)) {
            for j in 0..columns {
                y[j] = gamma[j] * ((x[j] - mean[j]) * scale[j]) + beta[j];
            }
        }
    }
}

vectorized! {
    fn sum_gradients<F: Fma>(x: &[f32], dy: &[f32], given: [&[f32]; 2], dgamma: &mut [f32], dbeta: &mut [f32]) {
        in_blocks!(dbeta.len(), block_gradients(x, dy, given, dgamma, dbeta));
    }
}

#[inline(always)]
fn block_gradients<F: Fma, const L: usize, const K: usize>(
    at: usize,
    width: usize,
    x: &[f32],
    dy: &[f32],
    given: [&[f32]; 2],
    dgamma: &mut [f32],
    dbeta: &mut [f32],
) {
    let columns = dbeta.len();
    let rows = x.len() / columns;
    let (x, dy) = (
        Columns {
            values: x,
            columns,
            at,
            width,
        },
        Columns {
            values: dy,
            columns,
            at,
            width,
        },
    );
    let (mean, scale) = (
        lanes::<L>(&given[0][at..at + width]),
        lanes::<L>(&given[1][at..at + width]),
    );
    let [gamma, beta] = sums::<F, L, 2, K>(rows, &Gradients { x, dy, mean, scale });
    dgamma[at..at + width].copy_from_slice(&gamma[..width]);
    dbeta[at..at + width].copy_from_slice(&beta[..width]);
}

vectorized! {
    fn backward_rows<F: Fma>(x: &[f32], dy: &[f32], rows: f32, given: [&[f32]; 5], dx: &mut [f32]) {
        let columns = given[0].len();
        let [mean, scale, gamma, dgamma, dbeta] = given.map(|values| &values[..columns]);
        let all = x.chunks_exact(columns).zip(dy.chunks_exact(columns)).zip(dx.chunks_exact_mut(columns));
        for ((x, dy), dx) in all {
            for j in 0..columns {
                let normal = (x[j] - mean[j]) * scale[j];
                dx[j] = gamma[j] * scale[j] * (dy[j] - (dbeta[j] + normal * dgamma[j]) / rows);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;
    use crate::kernels::simd::SimdLevel;

    #[test]
    fn statistics_of_many_rows() {
        let (rows, columns) = (600, 3);
        let x: Vec<f32> = (0..rows * columns)
            .map(|i| ((i * 31) % 97) as f32)
            .collect();
        let (mut mean, mut variance) = ([f32::NAN; 3], [f32::NAN; 3]);
        statistics(&x, &mut mean, &mut variance);
        for j in 0..columns {
            let column: Vec<f64> = x
                .iter()
                .skip(j)
                .step_by(columns)
                .map(|x| f64::from(*x))
                .collect();
            let expected = column.iter().sum::<f64>() / rows as f64;
            let spread = column.iter().map(|x| (x - expected).powi(2)).sum::<f64>() / rows as f64;
            approx::assert_relative_eq!(f64::from(mean[j]), expected, max_relative = 1e-6);
            approx::assert_relative_eq!(f64::from(variance[j]), spread, max_relative = 1e-5);
        }
    }

    #[test]
    fn normalized_columns_have_mean_beta_and_deviation_gamma() {
        let x = [1.0, 10.0, 3.0, 30.0, 5.0, 50.0];
        let (mut mean, mut variance) = ([0.0; 2], [0.0; 2]);
        statistics(&x, &mut mean, &mut variance);
        let scale = variance.map(|variance| 1.0 / variance.sqrt());
        let mut y = [f32::NAN; 6];
        forward(&x, &mean, &scale, &[2.0, 3.0], &[-1.0, 1.0], &mut y);
        statistics(&y, &mut mean, &mut variance);
        approx::assert_relative_eq!(mean.as_slice(), [-1.0, 1.0].as_slice(), epsilon = 1e-6);
        approx::assert_relative_eq!(
            variance.as_slice(),
            [4.0, 9.0].as_slice(),
            max_relative = 1e-5
        );
    }

    /// The sum computed by its definition.
    fn by_definition(rows: usize, term: impl Fn(usize) -> f32) -> f32 {
        let chunk =
            |start: usize| (start..rows.min(start + CHUNK)).fold(0.0, |sum, row| sum + term(row));
        (0..rows)
            .step_by(CHUNK)
            .map(chunk)
            .fold(0.0, |sum, chunk| sum + chunk)
    }

    #[test]
    fn bits_are_those_of_the_definition_on_all_threads_and_instructions() {
        for (rows, columns) in [
            (600, 6),
            (40, 100),
            (3, 784),
            (257, 16),
            (700, 150),
            (2100, 24),
            (1300, 55),
        ] {
            let (x, dy) = (
                samples::values(1, rows * columns),
                samples::values(2, rows * columns),
            );
            let given: Vec<Vec<f32>> = (3..6).map(|seed| samples::values(seed, columns)).collect();
            let [scale, gamma, beta] = [&given[0][..], &given[1], &given[2]];
            let column = |j: usize, row: usize| x[row * columns + j];
            let mean: Vec<f32> = (0..columns)
                .map(|j| by_definition(rows, |i| column(j, i)) / rows as f32)
                .collect();
            let spread = |j: usize, row: usize| column(j, row) - mean[j];
            let variance =
                |j: usize| by_definition(rows, |i| spread(j, i) * spread(j, i)) / rows as f32;
            let dgamma =
                |j: usize| by_definition(rows, |i| dy[i * columns + j] * (spread(j, i) * scale[j]));
            let dbeta = |j: usize| by_definition(rows, |i| dy[i * columns + j]);
            let [variance, dgamma, dbeta]: [Vec<f32>; 3] = [
                (0..columns).map(variance).collect(),
                (0..columns).map(dgamma).collect(),
                (0..columns).map(dbeta).collect(),
            ];
            let y = |i: usize| {
                gamma[i % columns] * (spread(i % columns, i / columns) * scale[i % columns])
                    + beta[i % columns]
            };
            let y: Vec<f32> = (0..x.len()).map(y).collect();
            for level in samples::levels() {
                let mut found = [samples::unset(columns), samples::unset(columns)];
                let [a, b] = &mut found;
                column_statistics(level, &x, a, b);
                samples::assert_same_bits(a, &mean, "mean");
                samples::assert_same_bits(b, &variance, "variance");
                sum_gradients(level, &x, &dy, [&mean, scale], a, b);
                samples::assert_same_bits(a, &dgamma, "dgamma");
                samples::assert_same_bits(b, &dbeta, "dbeta");
            }
            let mut dx = samples::unset(x.len());
            backward_rows(
                SimdLevel::Portable,
                &x,
                &dy,
                rows as f32,
                [&mean, scale, gamma, &dgamma, &dbeta],
                &mut dx,
            );
            samples::in_pools(|| {
                let mut found = samples::unset(x.len());
                forward(&x, &mean, scale, gamma, beta, &mut found);
                samples::assert_same_bits(&found, &y, "y");
                backward_input(
                    &x,
                    &dy,
                    [&mean, scale, gamma],
                    [&dgamma, &dbeta],
                    &mut found,
                );
                samples::assert_same_bits(&found, &dx, "dx");
            });
        }
    }
}
