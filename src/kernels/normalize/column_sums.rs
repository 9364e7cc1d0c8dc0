//! Sums over the rows of a batch in each column.
//!
//! A sum consists of chunks with a constant number of rows, each an ascending chain, which are added in ascending order. The sums
//! of a block of columns are in registers.

use crate::error::Result;
use crate::kernels::simd::{Fma, vectorized};
use crate::sizes;

/// Rows in a chunk of a sum.
pub(super) const CHUNK: usize = 256;

/// Chunks that are summed together, and their rows.
pub(super) const CHUNKS_PER_PART: usize = 4;
pub(super) const PART: usize = CHUNKS_PER_PART * CHUNK;

/// Columns whose sums are in registers together.
const WIDE: usize = 64;
const MEDIUM: usize = 32;
pub(super) const NARROW: usize = 16;

/// Reusable sums of chunks of rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChunkSums(pub(super) Vec<f32>);

impl ChunkSums {
    /// Sums for arrays of this shape.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) if they exceed memory.
    pub(crate) fn new(rows: usize, columns: usize) -> Result<ChunkSums> {
        Ok(ChunkSums(sizes::zeros(&[rows.div_ceil(CHUNK), 2, columns])?))
    }

    /// The sums of `N` terms of each chunk in each column.
    pub(super) fn of<const N: usize>(&mut self, rows: usize, columns: usize) -> &mut [f32] {
        &mut self.0[..rows.div_ceil(CHUNK) * N * columns]
    }
}

/// Adds the sums of all chunks in ascending order.
pub(super) fn add_chunks<const N: usize>(chunks: &[f32], totals: [&mut [f32]; N]) {
    for (n, total) in totals.into_iter().enumerate() {
        total.fill(0.0);
        for chunk in chunks.chunks_exact(total.len()).skip(n).step_by(N) {
            total.iter_mut().zip(chunk).for_each(|(total, chunk)| *total += chunk);
        }
    }
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
pub(super) fn lanes<const L: usize>(values: &[f32]) -> [f32; L] {
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
    pub(super) fn sum_values<F: Fma>(x: &[f32], columns: usize, sums: &mut [f32]) {
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
    pub(super) fn sum_squares<F: Fma>(x: &[f32], mean: &[f32], sums: &mut [f32]) {
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

vectorized! {
    /// The sums of dy · (x − mean) · scale and dy over each chunk of rows.
    pub(super) fn sum_gradients<F: Fma>(x: &[f32], dy: &[f32], given: [&[f32]; 2], sums: &mut [f32]) {
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
