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
pub(crate) fn forward(x: &[f32], mean: &[f32], scale: &[f32], gamma: &[f32], beta: &[f32], y: &mut [f32]) {
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
    parallel::for_each_pair((x, block), (dx, block), block * BACKWARD / 1000, |i, x, dx| {
        let dy = &dy[i * block..][..dx.len()];
        backward_rows(level, x, dy, rows, [mean, scale, gamma, dgamma, dbeta], dx);
    });
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
        [lanes(&self.values[row * self.columns + self.at..][..self.width])]
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
        let ([x], mut term): ([[f32; L]; 1], _) = (self.x.of(row), [0.0; L]);
        for l in 0..L {
            term[l] = (x[l] - self.mean[l]) * (x[l] - self.mean[l]);
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
        for part in &parts {
            add::<F, L, N>(&mut total, part);
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
        for (k, part) in parts.iter_mut().enumerate() {
            add::<F, L, N>(part, &terms.of(row + k * CHUNK));
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
    let values = Columns { values: x, columns, at, width };
    let [mut means] = sums::<F, L, 1, K>(rows, &values);
    means.iter_mut().for_each(|mean| *mean /= rows as f32);
    let [squares] = sums::<F, L, 1, K>(rows, &Squares { x: values, mean: means });
    mean[at..at + width].copy_from_slice(&means[..width]);
    variance[at..at + width].iter_mut().zip(squares).for_each(|(variance, square)| *variance = square / rows as f32);
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
    let (x, dy) = (Columns { values: x, columns, at, width }, Columns { values: dy, columns, at, width });
    let (mean, scale) = (lanes::<L>(&given[0][at..at + width]), lanes::<L>(&given[1][at..at + width]));
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
mod tests;
