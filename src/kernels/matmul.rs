//! Matrix products: C = A · B, where either operand may be transposed, with a bias and an activation applied while C is
//! in cache.
//!
//! Every element of C is one chain of fused multiply-adds over ascending k, started at 0. Between blocks of k, the
//! partial sum is stored and continued. So neither blocks nor threads change a bit, and a row of C does not depend on
//! other rows.
//!
//! B is packed into strips with the width of a tile; A is read in place. C is split into parts by shape, and a part
//! runs on another thread if that is worth a fork.

mod dense;
mod few_rows;

use super::block::Block;
use super::parallel;
pub use super::product::{Epilogue, Matrix, ROWS_PER_CHUNK};
use super::product::{Product, Sum, finish};
use super::simd::{self, Fma, copy_lanes, vectorized};
use super::sparse;
use super::tile::{self, LANES};
use super::update::Update;
use crate::sizes;

/// Whether a product with this number of rows is faster if B is known to be finite.
pub fn skips_if_finite(rows: usize) -> bool {
    rows <= few_rows::MAX_ROWS
}

/// Rows of A below which a transposed B is not packed.
const MIN_ROWS_TO_PACK_TRANSPOSED: usize = 64;

/// Elements of k in a block, for which B is packed.
const DEPTH: usize = 256;

/// C = A · B, then the epilogue. C is overwritten.
///
/// # Panics
/// If the sizes do not match.
pub fn matmul(a: Matrix<'_>, b: Matrix<'_>, c: &mut [f32], epilogue: Epilogue<'_>) {
    if let Epilogue::Affine { bias: Some(bias), .. } = epilogue {
        assert_eq!(bias.len(), b.columns, "a bias has one value for each column");
    }
    let c = Block::new(c, a.rows, b.columns);
    let level = simd::current();
    let skip = !a.transposed && sparse::is_worthwhile(level, a, b);
    // Packing a transposed B is expensive relative to the product if A has few rows. Then B is read in place and A is
    // packed.
    let swapped = b.transposed
        && !a.transposed
        && !skip
        && a.rows < MIN_ROWS_TO_PACK_TRANSPOSED
        && matches!(epilogue, Epilogue::None);
    let product = Product { a, b, sum: Sum::Chain, epilogue, level, skip };
    if swapped {
        Product { a: b.t(), b: a.t(), ..product }.run(c.t());
    } else {
        product.run(c);
    }
}

/// dW = Xᵀ · dY: a sum over rows, in chunks of [`ROWS_PER_CHUNK`], each an ascending chain, added in ascending order.
///
/// X is rows × `columns_x`, dY rows × `columns_dy`, dW `columns_x` × `columns_dy`.
///
/// # Panics
/// If the sizes do not match.
pub fn matmul_over_rows(x: &[f32], dy: &[f32], sizes: [usize; 3], dw: &mut [f32]) {
    over_rows(x, dy, sizes, Block::new(dw, sizes[1], sizes[2]));
}

fn over_rows(x: &[f32], dy: &[f32], [rows, columns_x, columns_dy]: [usize; 3], dw: Block<'_>) {
    let (x, dy) = (Matrix::new(x, rows, columns_x), Matrix::new(dy, rows, columns_dy));
    let level = simd::current();
    let product = |a, b, skip| Product { a, b, sum: Sum::Chunks, epilogue: Epilogue::None, level, skip };
    if sparse::is_worthwhile(level, x.t(), dy) {
        product(x.t(), dy, true).run(dw);
    } else if sparse::is_worthwhile(level, dy.t(), x) {
        // The zeros are those of dY, because A is dYᵀ in dWᵀ = dYᵀ · X.
        product(dy.t(), x, true).run(dw.t());
    } else {
        product(x.t(), dy, false).run(dw);
    }
}

/// Computes the requested gradients of Z = X · W + b: dX = dZ · Wᵀ, dW = Xᵀ · dZ and db = Σ dZ over rows.
///
/// X is rows × inner, W inner × columns, dZ rows × columns.
///
/// # Panics
/// If the sizes do not match.
pub fn affine_gradients(
    x: &[f32],
    w: &[f32],
    dz: &[f32],
    [rows, inner, columns]: [usize; 3],
    [dx, dw, db]: [Option<&mut [f32]>; 3],
) {
    if let Some(db) = db {
        sum_rows(dz, columns, ROWS_PER_CHUNK, db);
    }
    if let Some(dx) = dx {
        matmul(Matrix::new(dz, rows, columns), Matrix::new(w, inner, columns).t(), dx, Epilogue::None);
    }
    if let Some(dw) = dw {
        matmul_over_rows(x, dz, [rows, inner, columns], dw);
    }
}

/// Computes the gradients of [`affine_gradients`] and updates W. Each part of W is updated on the thread that computed
/// its gradient.
///
/// # Panics
/// If the sizes do not match.
pub fn affine_update(x: &[f32], w: Update<'_>, dz: &[f32], sizes: [usize; 3], [dx, dw, db]: [Option<&mut [f32]>; 3]) {
    affine_gradients(x, w.value(), dz, sizes, [dx, None, db]);
    if let Some(dw) = dw {
        over_rows(x, dz, sizes, Block::with_update(dw, sizes[1], sizes[2], w));
    }
}

/// `total[j] = Σᵢ x[i][j]` over rows, in chunks of `rows_per_chunk`, each an ascending chain, added in ascending order.
///
/// # Panics
/// If `columns` or `rows_per_chunk` is 0.
pub fn sum_rows(x: &[f32], columns: usize, rows_per_chunk: usize, total: &mut [f32]) {
    assert_eq!(total.len(), columns, "a sum for each column");
    sum_columns(simd::current(), x, columns, rows_per_chunk, total);
}

vectorized! {
    /// Implements [`sum_rows`] for a few columns at a time, whose sums are in registers.
    fn sum_columns<F: Fma>(x: &[f32], columns: usize, rows_per_chunk: usize, total: &mut [f32]) {
        let mut at = 0;
        while columns - at >= 64 {
            sum_block::<F, 64>(x, columns, rows_per_chunk, at, &mut total[at..]);
            at += 64;
        }
        while at < columns {
            sum_block::<F, 16>(x, columns, rows_per_chunk, at, &mut total[at..]);
            at += 16;
        }
    }
}

/// Computes the first `L` of the remaining totals, or all of them.
#[inline(always)]
fn sum_block<F: Fma, const L: usize>(x: &[f32], columns: usize, rows_per_chunk: usize, at: usize, total: &mut [f32]) {
    let mut totals = [0.0; L];
    for chunk in x.chunks(columns * rows_per_chunk) {
        let mut sums = [0.0; L];
        for row in (at..chunk.len()).step_by(columns) {
            // With fewer columns than lanes, the lanes also read the next row, whose sums are not used.
            let row = &chunk[row..];
            match row.first_chunk::<L>() {
                Some(row) => F::add(row, &mut sums),
                None => F::add(&padded_lanes(row), &mut sums),
            }
        }
        F::add(&sums, &mut totals);
    }
    match total.first_chunk_mut::<L>() {
        Some(total) => copy_lanes(&totals, total),
        None => total.copy_from_slice(&totals[..total.len()]),
    }
}

/// Fewer than `L` values, padded with zeros. Not inlined, so that the sums of the caller stay in registers.
#[inline(never)]
fn padded_lanes<const L: usize>(values: &[f32]) -> [f32; L] {
    let mut lanes = [0.0; L];
    lanes[..values.len()].copy_from_slice(values);
    lanes
}

const _: () = assert!(DEPTH == ROWS_PER_CHUNK, "a block of k is a chunk of rows");

impl Product<'_> {
    /// Computes C.
    fn run(self, c: Block<'_>) {
        self.run_part(c, 0, 0, rayon::current_num_threads());
    }

    /// Computes the part of C at this row and column, split into at most `max_parts` parts.
    fn run_part(self, c: Block<'_>, row: usize, column: usize, max_parts: usize) {
        assert_eq!(self.a.columns, self.b.rows, "the inner sizes of a product agree");
        // Multiply-adds a nanosecond on one thread, counted in the dense form.
        let rate = if self.skip { 100 } else { parallel::MULTIPLY_ADDS_PER_NANOSECOND };
        let following = if c.is_updated() { c.rows() * c.columns() / UPDATES_PER_NANOSECOND } else { 0 };
        let nanoseconds = sizes::work(&[c.rows(), c.columns().max(LANES), self.a.columns]) / rate + following;
        let fork = max_parts > 1 && parallel::worth_a_fork(nanoseconds);
        let cut = if fork { self.cut(&c) } else { Cut::None };
        let max_parts = max_parts.div_ceil(2);
        match cut {
            Cut::Rows(half) => {
                let (top, bottom) = c.split_rows(half);
                parallel::join(
                    nanoseconds,
                    || self.run_part(top, row, column, max_parts),
                    || self.run_part(bottom, row + half, column, max_parts),
                );
            }
            Cut::Columns(half) => {
                let (left, right) = c.split_columns(half);
                parallel::join(
                    nanoseconds,
                    || self.run_part(left, row, column, max_parts),
                    || self.run_part(right, row, column + half, max_parts),
                );
            }
            Cut::None if self.skip => sparse::fill(&self, c, row, column),
            Cut::None if few_rows::fits(&self) => few_rows::fill(&self, c, row, column),
            Cut::None => dense::fill(&self, c, row, column),
        }
    }

    /// The position at which a part of C is split, chosen to minimize the work of the larger half. Each half packs its
    /// columns of B and searches its rows of A for zeros, and a cache line that both halves write is transferred
    /// between their threads.
    fn cut(&self, c: &Block<'_>) -> Cut {
        let (rows, columns, inner) = (c.rows(), c.columns(), self.a.columns);
        let [top, left] = [(rows, tile::ROWS), (columns, 2 * LANES)].map(|(size, unit)| middle(size, unit));
        let (searched, packed) = if self.skip { (SEARCHED, PACKED_TO_SKIP) } else { (0, PACKED) };
        let passes = if self.skip { 1 } else { inner.div_ceil(DEPTH) };
        let work = |rows: usize, columns: usize, shared: usize| {
            (rows * columns + rows * searched + columns * packed) * inner + shared * passes * SHARED
        };
        let (of_rows, of_columns) = if c.transposed() { (columns, 0) } else { (0, rows) };
        let cut_rows = work(top.max(rows.saturating_sub(top)), columns, of_rows);
        let cut_columns = work(rows, left.max(columns.saturating_sub(left)), of_columns);
        match (top < rows, left < columns) {
            (true, true) if cut_rows < cut_columns => Cut::Rows(top),
            (_, true) => Cut::Columns(left),
            (true, false) => Cut::Rows(top),
            (false, false) => Cut::None,
        }
    }
}

/// The multiple of `unit` nearest to the middle, at least one unit.
fn middle(size: usize, unit: usize) -> usize {
    ((size / 2 + unit / 2) / unit * unit).max(unit)
}

/// Weights updated per nanosecond on one thread, which dominates small batches.
const UPDATES_PER_NANOSECOND: usize = 2;

/// Costs in multiply-adds, including skipped ones: packing an element of B, searching an element of A, and writing to a
/// cache line that another thread has just written.
const PACKED: usize = 16;
const PACKED_TO_SKIP: usize = 20;
const SEARCHED: usize = 32;
const SHARED: usize = 3000;

/// The row or column before which a part is split.
enum Cut {
    Rows(usize),
    Columns(usize),
    None,
}

#[cfg(test)]
mod tests;
