//! Statistics of columns over the rows of a batch, and normalization by them.
//!
//! Rows are samples times pixels, columns are channels. A sum over rows consists of chunks with a constant number of
//! rows, each an ascending chain, which are added in ascending order. The sums of a block of columns are in registers.

use crate::error::Result;
use crate::kernels::activation::{self, Elementwise};
use crate::kernels::parallel;
use crate::kernels::simd::{self, Fma, SimdLevel, copy_lanes, vectorized};
use crate::sizes;

/// Rows in a chunk of a sum.
const CHUNK: usize = 256;

/// Chunks that are summed together, and their rows.
const CHUNKS_PER_PART: usize = 4;
const PART: usize = CHUNKS_PER_PART * CHUNK;

/// Columns whose sums are in registers together.
const WIDE: usize = 64;
const MEDIUM: usize = 32;
const NARROW: usize = 16;

/// Nanoseconds per thousand elements on one thread.
const STATISTICS: usize = 50;
const FORWARD: usize = 150;
const BACKWARD: usize = 400;

/// Reusable sums of chunks of rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChunkSums(Vec<f32>);

impl ChunkSums {
    /// Sums for arrays of this shape.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) if they exceed memory.
    pub(crate) fn new(rows: usize, columns: usize) -> Result<ChunkSums> {
        Ok(ChunkSums(sizes::zeros(&[rows.div_ceil(CHUNK), 2, columns])?))
    }

    /// The sums of `N` terms of each chunk in each column.
    fn of<const N: usize>(&mut self, rows: usize, columns: usize) -> &mut [f32] {
        &mut self.0[..rows.div_ceil(CHUNK) * N * columns]
    }
}

/// Adds the sums of all chunks in ascending order.
fn add_chunks<const N: usize>(chunks: &[f32], totals: [&mut [f32]; N]) {
    for (n, total) in totals.into_iter().enumerate() {
        total.fill(0.0);
        for chunk in chunks.chunks_exact(total.len()).skip(n).step_by(N) {
            total.iter_mut().zip(chunk).for_each(|(total, chunk)| *total += chunk);
        }
    }
}

/// mean = Σ x / n and variance = Σ (x − mean)² / n of each column (the biased variance, as in Keras).
pub(crate) fn statistics(x: &[f32], mean: &mut [f32], variance: &mut [f32], chunks: &mut ChunkSums) {
    column_statistics(simd::current(), x, mean, variance, chunks);
}

fn column_statistics(level: SimdLevel, x: &[f32], mean: &mut [f32], variance: &mut [f32], chunks: &mut ChunkSums) {
    let columns = mean.len();
    let rows = x.len() / columns;
    let (values, of_part) = ((x, PART * columns), CHUNKS_PER_PART * columns);
    let nanoseconds = PART * columns * STATISTICS / 1000;
    let chunks = chunks.of::<1>(rows, columns);
    parallel::for_each_pair(values, (&mut *chunks, of_part), nanoseconds, |_, x, sums| {
        sum_values(level, x, columns, sums);
    });
    add_chunks(chunks, [&mut *mean]);
    mean.iter_mut().for_each(|mean| *mean /= rows as f32);
    parallel::for_each_pair(values, (&mut *chunks, of_part), nanoseconds, |_, x, sums| {
        sum_squares(level, x, mean, sums);
    });
    add_chunks(chunks, [&mut *variance]);
    variance.iter_mut().for_each(|variance| *variance /= rows as f32);
}

/// y = activation(gamma · (x − mean) · scale + beta), with scale = 1 / √(variance + epsilon). `given` are mean, scale, gamma and
/// beta.
pub(crate) fn forward(x: &[f32], given: [&[f32]; 4], activation: Elementwise, y: &mut [f32]) {
    let (level, block) = (simd::current(), given[0].len() * CHUNK);
    parallel::for_each_pair((x, block), (y, block), block * FORWARD / 1000, |_, x, y| {
        forward_rows(level, x, given, y);
        activation::finish_row(level, activation, &[], y);
    });
}

/// An activation and its output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Activated<'a> {
    pub(crate) activation: Elementwise,
    pub(crate) y: &'a [f32],
}

/// Converts `dy`, the gradient of the activation's output, to dz, that of its input, and computes dgamma = Σ dz · (x − mean) ·
/// scale and dbeta = Σ dz, over rows. `given` are mean and scale.
pub(crate) fn backward_columns(
    x: &[f32],
    given: [&[f32]; 2],
    activated: Activated<'_>,
    dy: &mut [f32],
    gradients: [&mut [f32]; 2],
    chunks: &mut ChunkSums,
) {
    column_gradients(simd::current(), x, given, activated, dy, gradients, chunks);
}

fn column_gradients(
    level: SimdLevel,
    x: &[f32],
    given: [&[f32]; 2],
    activated: Activated<'_>,
    dy: &mut [f32],
    gradients: [&mut [f32]; 2],
    chunks: &mut ChunkSums,
) {
    let columns = given[0].len();
    let chunks = chunks.of::<2>(x.len() / columns, columns);
    let (part, of_part) = (PART * columns, 2 * CHUNKS_PER_PART * columns);
    parallel::for_each_two((dy, part), (&mut *chunks, of_part), part * BACKWARD / 1000, |number, dz, sums| {
        let place = number * part..number * part + dz.len();
        activation::backward_piece(level, activated.activation, &activated.y[place.clone()], dz);
        sum_gradients(level, &x[place], dz, given, sums);
    });
    add_chunks(chunks, gradients);
}

/// The gradient of [`forward`] with respect to x if mean and scale are computed from the batch (Ioffe and Szegedy 2015):
///
/// dx = gamma · scale · (dy − (dbeta / n + x̂ · (dgamma / n))), with x̂ = (x − mean) · scale.
pub(crate) fn backward_input(
    x: &[f32],
    dy: &[f32],
    [mean, scale, gamma]: [&[f32]; 3],
    [dgamma, dbeta]: [&[f32]; 2],
    chunks: &mut ChunkSums,
    dx: &mut [f32],
) {
    let (level, columns) = (simd::current(), mean.len());
    let (rows, block) = ((x.len() / columns) as f32, columns * CHUNK);
    let (dgamma_means, dbeta_means) = chunks.0[..2 * columns].split_at_mut(columns);
    for (means, gradients) in [(&mut *dgamma_means, dgamma), (&mut *dbeta_means, dbeta)] {
        means.iter_mut().zip(gradients).for_each(|(mean, gradient)| *mean = gradient / rows);
    }
    let given = [mean, scale, gamma, dgamma_means, dbeta_means];
    parallel::for_each_pair((x, block), (dx, block), block * BACKWARD / 1000, |i, x, dx| {
        let dy = &dy[i * block..][..dx.len()];
        backward_rows(level, x, dy, given, dx);
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

/// Writes the sums of each chunk of `rows` rows, for `L` columns and `N` terms. The chains of `K` chunks are computed side by
/// side, because few chains would wait for the latency of their additions.
#[inline(always)]
fn sum_chunks<F: Fma, const L: usize, const N: usize, const K: usize>(
    rows: usize,
    terms: &impl Terms<L, N>,
    (at, width, columns): (usize, usize, usize),
    sums: &mut [f32],
) {
    let (mut start, mut sums) = (0, sums.chunks_exact_mut(columns));
    let mut store = |part: &[[f32; L]; N]| {
        for (sums, part) in sums.by_ref().take(N).zip(part) {
            sums[at..at + width].copy_from_slice(&part[..width]);
        }
    };
    while K > 1 && rows - start >= K * CHUNK {
        chunks::<F, L, N, K>(start, CHUNK, terms).iter().for_each(&mut store);
        start += K * CHUNK;
    }
    while start < rows {
        let length = CHUNK.min(rows - start);
        chunks::<F, L, N, 1>(start, length, terms).iter().for_each(&mut store);
        start += length;
    }
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
    /// The sums of x over each chunk of rows.
    fn sum_values<F: Fma>(x: &[f32], columns: usize, sums: &mut [f32]) {
        in_blocks!(columns, block_values(x, columns, sums));
    }
}

#[inline(always)]
fn block_values<F: Fma, const L: usize, const K: usize>(
    at: usize,
    width: usize,
    x: &[f32],
    columns: usize,
    sums: &mut [f32],
) {
    let values = Columns { values: x, columns, at, width };
    sum_chunks::<F, L, 1, K>(x.len() / columns, &values, (at, width, columns), sums);
}

vectorized! {
    /// The sums of (x − mean)² over each chunk of rows.
    fn sum_squares<F: Fma>(x: &[f32], mean: &[f32], sums: &mut [f32]) {
        in_blocks!(mean.len(), block_squares(x, mean, sums));
    }
}

#[inline(always)]
fn block_squares<F: Fma, const L: usize, const K: usize>(
    at: usize,
    width: usize,
    x: &[f32],
    mean: &[f32],
    sums: &mut [f32],
) {
    let columns = mean.len();
    let squares = Squares { x: Columns { values: x, columns, at, width }, mean: lanes::<L>(&mean[at..at + width]) };
    sum_chunks::<F, L, 1, K>(x.len() / columns, &squares, (at, width, columns), sums);
}

/// `$to[$j] = $value` for each column `$j`, where `$value` is an expression of elements `$j` of the rows `$row`. Sixteen
/// columns at a time, because the compiler would vectorize a loop over all columns for more columns than many layers have. The
/// last sixteen may overlap those before.
macro_rules! for_columns {
    ($columns:expr, [$($row:ident),*], $j:ident => $value:expr, $to:expr) => {{
        let mut at = 0;
        while at < $columns && $columns >= NARROW {
            let first = at.min($columns - NARROW);
            $(let $row = lanes::<NARROW>(&$row[first..first + NARROW]);)*
            let mut values = [0.0; NARROW];
            for $j in 0..NARROW {
                values[$j] = $value;
            }
            copy_lanes(&values, $to[first..].first_chunk_mut::<NARROW>().expect("as many columns"));
            at = first + NARROW;
        }
        if $columns < NARROW {
            $(let $row = &$row[..$columns];)*
            for $j in 0..$columns {
                $to[$j] = $value;
            }
        }
    }};
}

vectorized! {
    fn forward_rows<F: Fma>(x: &[f32], given: [&[f32]; 4], y: &mut [f32]) {
        let columns = given[0].len();
        let [mean, scale, gamma, beta] = given;
        for (x, y) in x.chunks_exact(columns).zip(y.chunks_exact_mut(columns)) {
            for_columns!(
                columns,
                [x, mean, scale, gamma, beta],
                j => gamma[j] * ((x[j] - mean[j]) * scale[j]) + beta[j],
                y
            );
        }
    }
}

vectorized! {
    /// The sums of dy · (x − mean) · scale and dy over each chunk of rows.
    fn sum_gradients<F: Fma>(x: &[f32], dy: &[f32], given: [&[f32]; 2], sums: &mut [f32]) {
        in_blocks!(given[0].len(), block_gradients(x, dy, given, sums));
    }
}

#[inline(always)]
fn block_gradients<F: Fma, const L: usize, const K: usize>(
    at: usize,
    width: usize,
    x: &[f32],
    dy: &[f32],
    given: [&[f32]; 2],
    sums: &mut [f32],
) {
    let columns = given[0].len();
    let rows = x.len() / columns;
    let (x, dy) = (Columns { values: x, columns, at, width }, Columns { values: dy, columns, at, width });
    let (mean, scale) = (lanes::<L>(&given[0][at..at + width]), lanes::<L>(&given[1][at..at + width]));
    sum_chunks::<F, L, 2, K>(rows, &Gradients { x, dy, mean, scale }, (at, width, columns), sums);
}

vectorized! {
    fn backward_rows<F: Fma>(x: &[f32], dy: &[f32], given: [&[f32]; 5], dx: &mut [f32]) {
        let columns = given[0].len();
        let [mean, scale, gamma, dgamma, dbeta] = given;
        let all = x.chunks_exact(columns).zip(dy.chunks_exact(columns)).zip(dx.chunks_exact_mut(columns));
        for ((x, dy), dx) in all {
            for_columns!(
                columns,
                [x, dy, mean, scale, gamma, dgamma, dbeta],
                j => gamma[j] * scale[j] * (dy[j] - (dbeta[j] + (x[j] - mean[j]) * scale[j] * dgamma[j])),
                dx
            );
        }
    }
}

#[cfg(test)]
mod tests;
