//! Products of matrices: C = A · B with either operand transposed, and with a bias and an activation while C is in cache.
//!
//! Every element of C is one chain of fused multiply-adds over ascending k, started at 0; where k is cut into blocks the
//! partial sum is stored and taken up again. So neither the blocks nor the threads change a bit, and a row of C does not
//! depend on its neighbours.
//!
//! B is packed into panels of sixteen columns; A is read where it lies. C is cut into parts by shape, and a part goes to
//! another thread where that is worth a fork.

use super::activation::{self, Elementwise};
use super::block::Block;
use super::parallel;
use super::simd::{self, Aligned, Fma, vectorized};
use super::sparse;
use super::tile::{self, LANES, for_tiles};
use std::cell::RefCell;
use std::ops::Range;

/// A matrix over a slice, as it lies or transposed.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    transposed: bool,
}

impl<'a> Matrix<'a> {
    /// A row-major matrix.
    ///
    /// # Panics
    /// When the slice has another length.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Matrix<'a> {
        assert_eq!(data.len(), rows * columns, "a matrix of {rows} × {columns} elements");
        Matrix { data, rows, columns, transposed: false }
    }

    /// The same elements, rows as columns; nothing is copied.
    pub fn t(self) -> Matrix<'a> {
        Matrix { rows: self.columns, columns: self.rows, transposed: !self.transposed, ..self }
    }

    /// How far apart two rows lie, or two columns where it is transposed.
    pub(super) fn stride(&self) -> usize {
        if self.transposed { self.rows } else { self.columns }
    }

    pub(super) fn data(&self) -> &'a [f32] {
        self.data
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn is_transposed(&self) -> bool {
        self.transposed
    }
}

/// What is done to C while it is in cache.
#[derive(Clone, Copy, Debug)]
pub enum Epilogue<'a> {
    /// Nothing.
    None,
    /// A value for each column is added, then the activation is applied.
    Affine {
        /// One value for each column of C.
        bias: Option<&'a [f32]>,
        /// Applied to each sum.
        activation: Elementwise,
    },
}

/// Rows in a chunk of a sum over the batch.
pub const ROWS_PER_CHUNK: usize = 256;

/// Elements of k that a packed panel holds: 16 KiB of it stay in the first cache.
const DEPTH: usize = 256;

/// C = A · B, then the epilogue. C may hold anything before.
///
/// # Panics
/// When the sizes do not fit.
pub fn matmul(a: Matrix<'_>, b: Matrix<'_>, c: &mut [f32], epilogue: Epilogue<'_>) {
    if let Epilogue::Affine { bias: Some(bias), .. } = epilogue {
        assert_eq!(bias.len(), b.columns, "a bias has one value for each column");
    }
    let c = Block::new(c, a.rows, b.columns);
    // Packing a transposed B costs most where A has few rows; then B is read where it lies and A is packed instead.
    let turned = b.transposed && !a.transposed && a.rows < b.columns && matches!(epilogue, Epilogue::None);
    let level = simd::current();
    let skip = !b.transposed && !a.transposed && sparse::worthwhile(level, a, b.columns);
    let product = Product { a, b, sum: Sum::Chain, epilogue, level, skip };
    if turned {
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
/// When the sizes do not fit.
pub fn matmul_over_rows(x: &[f32], dy: &[f32], [rows, columns_x, columns_dy]: [usize; 3], dw: &mut [f32]) {
    let (a, b) = (Matrix::new(x, rows, columns_x).t(), Matrix::new(dy, rows, columns_dy));
    let level = simd::current();
    let skip = sparse::worthwhile(level, a, columns_dy);
    let product = Product { a, b, sum: Sum::Chunks, epilogue: Epilogue::None, level, skip };
    product.run(Block::new(dw, columns_x, columns_dy));
}

/// `total[j] = Σᵢ x[i][j]` over rows, in chunks of `rows_per_chunk`, each an ascending chain, added in ascending order.
///
/// # Panics
/// When there are no columns, or no rows in a chunk.
pub fn sum_rows(x: &[f32], columns: usize, rows_per_chunk: usize, total: &mut [f32]) {
    assert_eq!(total.len(), columns, "a sum for each column");
    sum_columns(simd::current(), x, columns, rows_per_chunk, total);
}

vectorized! {
    /// What [`sum_rows`] does: eight columns at a time in a vector.
    fn sum_columns<F: Fma>(x: &[f32], columns: usize, rows_per_chunk: usize, total: &mut [f32]) {
        total.fill(0.0);
        for (block, total) in total.chunks_mut(8).enumerate() {
            for chunk in (0..x.len()).step_by(columns * rows_per_chunk) {
                let end = x.len().min(chunk + columns * rows_per_chunk);
                let mut sums = [0.0; 8];
                for row in (chunk..end).step_by(columns) {
                    let row = &x[row + 8 * block..];
                    // Where fewer than eight columns are left, the next row's come along and are not used.
                    match row.first_chunk::<8>() {
                        Some(row) => sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x),
                        None => sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x),
                    }
                }
                total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
            }
        }
    }
}

/// What becomes of the partial sums over blocks of k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sum {
    /// They are taken up again: one chain.
    Chain,
    /// They are added.
    Chunks,
}

const _: () = assert!(DEPTH == ROWS_PER_CHUNK, "a block of k is a chunk of rows");

#[derive(Clone, Copy)]
pub(super) struct Product<'a> {
    pub(super) a: Matrix<'a>,
    pub(super) b: Matrix<'a>,
    pub(super) sum: Sum,
    pub(super) epilogue: Epilogue<'a>,
    pub(super) level: simd::SimdLevel,
    /// Whether the zeros of A are skipped.
    skip: bool,
}

impl Product<'_> {
    /// Fills C.
    fn run(self, c: Block<'_>) {
        self.run_part(c, 0, 0, rayon::current_num_threads());
    }

    /// Fills the part of C that begins at this row and column, in at most so many parts.
    fn run_part(self, c: Block<'_>, row: usize, column: usize, most_parts: usize) {
        assert_eq!(self.a.columns, self.b.rows, "the inner sizes of a product agree");
        // Multiply-adds a nanosecond on one thread, counted in the dense form.
        let rate = if self.skip { 100 } else { 60 };
        let nanoseconds = c.rows() * c.columns().max(LANES) * self.a.columns / rate;
        let fork = most_parts > 1 && parallel::worth_a_fork(nanoseconds);
        let cut = if fork { self.cut(c.rows(), c.columns()) } else { Cut::None };
        let most_parts = most_parts.div_ceil(2);
        match cut {
            Cut::Rows(half) => {
                let (top, bottom) = c.split_rows(half);
                parallel::join(
                    nanoseconds,
                    || self.run_part(top, row, column, most_parts),
                    || self.run_part(bottom, row + half, column, most_parts),
                );
            }
            Cut::Columns(half) => {
                let (left, right) = c.split_columns(half);
                parallel::join(
                    nanoseconds,
                    || self.run_part(left, row, column, most_parts),
                    || self.run_part(right, row, column + half, most_parts),
                );
            }
            Cut::None if self.skip => sparse::fill(&self, c, row, column),
            Cut::None => fill(&self, c, row, column),
        }
    }

    /// Where a part of C of this size is cut in two: so that the larger half has least to do. Each half has its columns of B
    /// to pack, or its rows of A to search for zeros.
    fn cut(&self, rows: usize, columns: usize) -> Cut {
        let [row_unit, column_unit] = [tile::ROWS, LANES];
        let [top, left] =
            [(rows, row_unit), (columns, column_unit)].map(|(size, unit)| (size / 2).next_multiple_of(unit));
        let work =
            |rows: usize, columns: usize| rows * columns + if self.skip { rows * SEARCHED } else { columns * PACKED };
        match (top < rows, left < columns) {
            (true, true) if work(top, columns) < work(rows, left) => Cut::Rows(top),
            (_, true) => Cut::Columns(left),
            (true, false) => Cut::Rows(top),
            (false, false) => Cut::None,
        }
    }
}

/// As many multiply-adds as packing an element of B costs, and searching an element of A.
const PACKED: usize = 8;
const SEARCHED: usize = 32;

/// Before which row or column a part is cut.
enum Cut {
    Rows(usize),
    Columns(usize),
    None,
}

/// Columns of a strip: as many as the widest tile has.
const STRIP: usize = 2 * LANES;

/// A strip of B in a block of k, row by row: 32 KiB, which stay in the first cache.
type Panel = [f32; STRIP * DEPTH];

/// Strips that are packed at once, and rows of A that pass by them in turn: both stay in the second cache.
const STRIPS: usize = 10;
const ROWS_IN_CACHE: usize = 120;

thread_local! {
    static PANELS: RefCell<Aligned<[Panel; STRIPS]>> = const { RefCell::new(Aligned([[0.0; STRIP * DEPTH]; STRIPS])) };
}

/// Fills a part of C on this thread.
fn fill(product: &Product<'_>, mut c: Block<'_>, row: usize, column: usize) {
    PANELS.with_borrow_mut(|panels| {
        for start in (0..product.a.columns).step_by(DEPTH) {
            let depth = DEPTH.min(product.a.columns - start);
            for j in (0..c.columns()).step_by(STRIPS * STRIP) {
                let width = (STRIPS * STRIP).min(c.columns() - j);
                let at = Place { i: 0, j, width, start, depth, row, column: column + j };
                fill_group(product.level, product, &mut c, at, &mut panels.0);
            }
        }
    });
    if let Epilogue::Affine { bias, activation } = product.epilogue {
        let bias = bias.map_or(&[][..], |bias| &bias[column..]);
        let columns = c.columns();
        (0..c.rows()).for_each(|r| activation::finish_row(product.level, activation, bias, c.row(r, 0, columns)));
    }
}

/// Where a tile, a strip or a group of strips stands, in its part of C and in the whole product, and how many columns count.
#[derive(Clone, Copy)]
struct Place {
    i: usize,
    j: usize,
    width: usize,
    start: usize,
    depth: usize,
    row: usize,
    column: usize,
}

impl Place {
    /// The columns from `first` on, at most `width`.
    #[inline(always)]
    fn columns(self, first: usize, width: usize) -> Place {
        Place { j: self.j + first, column: self.column + first, width: width.min(self.width - first), ..self }
    }
}

vectorized! {
    /// Adds a block of k to all rows of a group of strips.
    fn fill_group<F: Fma>(product: &Product<'_>, c: &mut Block<'_>, at: Place, panels: &mut [Panel; STRIPS]) {
        // Strips are as wide as tiles, and a last one that is half empty is narrow.
        let strip = |first: usize| if F::COLUMNS == STRIP && at.width - first > LANES { STRIP } else { LANES };
        let panels = panels.as_flattened_mut();
        let mut first = 0;
        while first < at.width {
            let (width, panel) = (strip(first), &mut panels[first * DEPTH..]);
            match width {
                STRIP => pack(product.b, at.columns(first, STRIP), panel.as_chunks_mut::<STRIP>().0),
                _ => pack(product.b, at.columns(first, LANES), panel.as_chunks_mut::<LANES>().0),
            }
            first += width;
        }
        for top in (0..c.rows()).step_by(ROWS_IN_CACHE) {
            let rows = top..c.rows().min(top + ROWS_IN_CACHE);
            let mut first = 0;
            while first < at.width {
                let (width, panel) = (strip(first), &panels[first * DEPTH..]);
                match width {
                    STRIP => fill_strip::<F, STRIP>(product, c, at.columns(first, STRIP), rows.clone(), panel),
                    _ => fill_strip::<F, LANES>(product, c, at.columns(first, LANES), rows.clone(), panel),
                }
                first += width;
            }
        }
    }
}

/// Adds a block of k to some rows of up to `L` columns.
#[inline(always)]
fn fill_strip<F: Fma, const L: usize>(
    product: &Product<'_>,
    c: &mut Block<'_>,
    at: Place,
    rows: Range<usize>,
    panel: &[f32],
) {
    let panel = &panel.as_chunks::<L>().0[..at.depth];
    for_tiles!(F, rows, (i, R) => {
        fill_tile::<F, R, L>(product, c, Place { i, row: at.row + i, ..at }, panel);
    });
}

/// Adds a block of k to a tile of C.
#[inline(always)]
fn fill_tile<F: Fma, const R: usize, const L: usize>(
    product: &Product<'_>,
    c: &mut Block<'_>,
    at: Place,
    panel: &[[f32; L]],
) {
    let a = product.a;
    let first = at.start == 0;
    let mut tile = [[0.0; L]; R];
    if !first && product.sum == Sum::Chain {
        load(c, at, &mut tile);
    }
    if a.transposed {
        let a_from = &a.data[at.start * a.stride() + at.row..];
        tile::by_columns::<F, R, L>(&mut tile, a_from, a.stride(), panel);
    } else {
        let row = |r: usize| &a.data[(at.row + r) * a.stride() + at.start..][..panel.len()];
        tile::by_rows::<F, R, L>(&mut tile, std::array::from_fn(row), panel);
    }
    if !first && product.sum == Sum::Chunks {
        let mut earlier = [[0.0; L]; R];
        load(c, at, &mut earlier);
        tile.iter_mut().flatten().zip(earlier.iter().flatten()).for_each(|(sum, earlier)| *sum += earlier);
    }
    if at.start + panel.len() == a.columns {
        // Turns −0 into 0, so that a sum of nothing is the same on every path.
        tile.iter_mut().flatten().for_each(|sum| *sum += 0.0);
    }
    store(c, at, &tile);
}

#[inline(always)]
fn load<const R: usize, const L: usize>(c: &mut Block<'_>, at: Place, tile: &mut [[f32; L]; R]) {
    if c.transposed() {
        for l in 0..at.width {
            let column = c.column(at.i, at.j + l, R);
            tile.iter_mut().zip(column).for_each(|(row, value)| row[l] = *value);
        }
        return;
    }
    for (r, tile) in tile.iter_mut().enumerate() {
        let row = c.row(at.i + r, at.j, at.width);
        match row.first_chunk() {
            Some(row) => *tile = *row,
            None => tile[..at.width].copy_from_slice(row),
        }
    }
}

#[inline(always)]
fn store<const R: usize, const L: usize>(c: &mut Block<'_>, at: Place, tile: &[[f32; L]; R]) {
    if c.transposed() {
        for l in 0..at.width {
            let column = c.column(at.i, at.j + l, R);
            column.iter_mut().zip(tile).for_each(|(value, row)| *value = row[l]);
        }
        return;
    }
    for (r, tile) in tile.iter().enumerate() {
        let row = c.row(at.i + r, at.j, at.width);
        match row.first_chunk_mut() {
            Some(row) => *row = *tile,
            None => row.copy_from_slice(&tile[..at.width]),
        }
    }
}

/// Copies the columns of B at this place into a panel; its other columns become 0.
#[inline(always)]
fn pack<const L: usize>(b: Matrix<'_>, at: Place, panel: &mut [[f32; L]]) {
    let (Place { start, column, width, depth, .. }, stride) = (at, b.stride());
    let panel = &mut panel[..depth];
    if width < L {
        panel.fill([0.0; L]);
    }
    if b.transposed {
        for l in 0..width {
            let row = &b.data[(column + l) * stride + start..][..panel.len()];
            panel.iter_mut().zip(row).for_each(|(panel, b)| panel[l] = *b);
        }
    } else {
        let rows = b.data[start * stride..].chunks(stride);
        if width == L {
            panel.iter_mut().zip(rows).for_each(|(panel, row)| panel.copy_from_slice(&row[column..][..L]));
        } else {
            panel.iter_mut().zip(rows).for_each(|(panel, row)| panel[..width].copy_from_slice(&row[column..][..width]));
        }
    }
}

#[cfg(test)]
mod tests;
