//! The dense product of a part of C: strips of B packed for tiles in registers, A read in place.

use super::super::block::Block;
use super::super::simd::{Aligned, Fma, vectorized};
use super::super::tile::{self, LANES, Panel, for_tiles};
use super::super::transposed::read_transposed;
use super::{DEPTH, Matrix, Product, Sum, finish};
use std::cell::RefCell;

/// Columns of a strip, as many as in the widest tile.
const STRIP: usize = 2 * LANES;

/// A strip of B in a block of k, row by row: 32 KiB, which fit the L1 cache.
type Packed = [f32; STRIP * DEPTH];

/// Number of strips of full depth that are packed at once, and rows of A per pass. Both fit the L2 cache.
const STRIPS: usize = 10;
const ROWS_IN_CACHE: usize = 120;

/// Maximum number of rows of a part of C for which B is not packed: three tiles.
const ROWS_IN_PLACE: usize = 3 * tile::ROWS;

thread_local! {
    static PANELS: RefCell<Aligned<[Packed; STRIPS]>> = const { RefCell::new(Aligned([[0.0; STRIP * DEPTH]; STRIPS])) };
}

/// Computes a part of C on this thread.
pub(super) fn fill(product: &Product<'_>, mut c: Block<'_>, row: usize, column: usize) {
    PANELS.with_borrow_mut(|panels| {
        for start in (0..product.a.columns).step_by(DEPTH) {
            let depth = DEPTH.min(product.a.columns - start);
            // If k is short, more strips fit the same memory.
            let group = STRIPS * DEPTH / depth * STRIP;
            for j in (0..c.columns()).step_by(group) {
                let width = group.min(c.columns() - j);
                let at = Place { i: 0, j, width, start, depth, row, column: column + j };
                fill_group(product.level, product, &mut c, at, &mut panels.0);
            }
        }
    });
}

/// The position of a tile, a strip or a group of strips in its part of C and in the whole product, and its columns.
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
    /// The columns starting at `first`, at most `width`.
    #[inline(always)]
    fn columns(self, first: usize, width: usize) -> Place {
        Place { j: self.j + first, column: self.column + first, width: width.min(self.width - first), ..self }
    }
}

vectorized! {
    /// Adds a block of k to all rows of a group of strips. After the last block, finishes them.
    fn fill_group<F: Fma>(product: &Product<'_>, c: &mut Block<'_>, at: Place, panels: &mut [Packed; STRIPS]) {
        // Strips have the width of tiles. A last strip of at most half that width is narrow.
        let strip = |first: usize| if F::COLUMNS == STRIP && at.width - first > LANES { STRIP } else { LANES };
        let panels = panels.as_flattened_mut();
        // Rows of B are read in place if they are reused too rarely to be packed.
        let in_place = !product.b.transposed && c.rows() <= ROWS_IN_PLACE;
        let mut first = 0;
        while first < at.width {
            let (width, panel) = (strip(first), &mut panels[first * at.depth..]);
            match width {
                _ if in_place && width <= at.width - first => {}
                STRIP if const { F::COLUMNS == STRIP } => {
                    pack::<F, _>(product.b, at.columns(first, STRIP), panel.as_chunks_mut::<STRIP>().0);
                }
                _ => pack::<F, _>(product.b, at.columns(first, LANES), panel.as_chunks_mut::<LANES>().0),
            }
            first += width;
        }
        for top in (0..c.rows()).step_by(ROWS_IN_CACHE) {
            let rows = top..c.rows().min(top + ROWS_IN_CACHE);
            let mut c = c.some_rows(rows, at.depth == product.a.columns && at.width == c.columns());
            let at = Place { row: at.row + top, ..at };
            let mut first = 0;
            while first < at.width {
                let width = strip(first);
                let panel = if in_place && width <= at.width - first {
                    let from = &product.b.data[at.start * product.b.stride() + at.column + first..];
                    Panel { rows: from, stride: product.b.stride() }
                } else {
                    Panel { rows: &panels[first * at.depth..], stride: width }
                };
                match width {
                    STRIP if const { F::COLUMNS == STRIP } => {
                        fill_strip::<F, STRIP>(product, &mut c, at.columns(first, STRIP), panel);
                    }
                    _ => fill_strip::<F, LANES>(product, &mut c, at.columns(first, LANES), panel),
                }
                first += width;
            }
            if at.start + at.depth == product.a.columns && at.j + at.width == c.columns() {
                finish(product, &mut c, at.column - at.j);
            }
        }
    }
}

/// Adds a block of k to up to `L` columns.
#[inline(always)]
fn fill_strip<F: Fma, const L: usize>(product: &Product<'_>, c: &mut Block<'_>, at: Place, panel: Panel<'_>) {
    for_tiles!(F, 0..c.rows(), (i, R) => {
        fill_tile::<F, R, L>(product, c, Place { i, row: at.row + i, ..at }, panel);
    });
}

/// Adds a block of k to a tile of C.
#[inline(always)]
fn fill_tile<F: Fma, const R: usize, const L: usize>(
    product: &Product<'_>,
    c: &mut Block<'_>,
    at: Place,
    panel: Panel<'_>,
) {
    let a = product.a;
    let tile = if at.start > 0 && product.sum == Sum::Chain { load(c, at) } else { [[0.0; L]; R] };
    let sums = if a.transposed {
        let a_from = &a.data[at.start * a.stride() + at.row..][..(at.depth - 1) * a.stride() + R];
        tile::by_columns::<F, R, L>(tile, a_from, a.stride(), panel)
    } else {
        let row = |r: usize| &a.data[(at.row + r) * a.stride() + at.start..][..at.depth];
        tile::by_rows::<F, R, L>(tile, std::array::from_fn(row), panel)
    };
    store(F::LEVEL, product, c, at, &sums);
}

/// The sums of the tile from earlier blocks.
#[inline(always)]
fn load<const R: usize, const L: usize>(c: &mut Block<'_>, at: Place) -> [[f32; L]; R] {
    if c.transposed() || at.width < L {
        let mut tile = [[0.0; L]; R];
        load_partial(c, at, &mut tile);
        return tile;
    }
    std::array::from_fn(|r| *c.row(at.i + r, at.j, L).first_chunk().expect("a row has the tile's columns"))
}

/// Loads a tile that is wider than the rest of C, or whose rows are not contiguous.
#[inline(never)]
fn load_partial<const L: usize>(c: &mut Block<'_>, at: Place, tile: &mut [[f32; L]]) {
    if c.transposed() {
        for l in 0..at.width {
            let column = c.column(at.i, at.j + l, tile.len());
            tile.iter_mut().zip(column).for_each(|(row, value)| row[l] = *value);
        }
        return;
    }
    for (r, tile) in tile.iter_mut().enumerate() {
        tile[..at.width].copy_from_slice(c.row(at.i + r, at.j, at.width));
    }
}

vectorized! {
    /// Stores the sums of a tile. Separate from the computation, which is compiled for every number of rows.
    fn store<F: Fma, const L: usize>(product: &Product<'_>, c: &mut Block<'_>, at: Place, tile: &[[f32; L]]) {
        let (earlier, last) =
            (at.start > 0 && product.sum == Sum::Chunks, at.start + at.depth == product.a.columns);
        let put = |value: &mut f32, sum: f32| {
            let sum = if earlier { sum + *value } else { sum };
            // Converts −0 to 0, so that an empty sum is equal on every path.
            *value = if last { sum + 0.0 } else { sum };
        };
        if c.transposed() {
            for l in 0..at.width {
                let column = c.column(at.i, at.j + l, tile.len());
                column.iter_mut().zip(tile).for_each(|(value, row)| put(value, row[l]));
            }
            return;
        }
        for (r, tile) in tile.iter().enumerate() {
            c.row(at.i + r, at.j, at.width).iter_mut().zip(tile).for_each(|(value, sum)| put(value, *sum));
        }
    }
}

/// Copies the columns of B at this position to a panel. Its other columns are unused.
#[inline(always)]
fn pack<F: Fma, const L: usize>(b: Matrix<'_>, at: Place, panel: &mut [[f32; L]]) {
    let (Place { start, column, width, depth, .. }, stride) = (at, b.stride());
    let panel = &mut panel[..depth];
    if b.transposed {
        read_transposed::<F, L>(&b.data[column * stride + start..], stride, width, panel, |_| ());
    } else {
        for (panel, row) in panel.iter_mut().zip(b.data[start * stride..].chunks(stride)) {
            let row = &row[column..];
            match row.first_chunk::<L>() {
                // Lanes beyond these columns are unused.
                Some(row) => *panel = *row,
                None => panel[..width].copy_from_slice(&row[..width]),
            }
        }
    }
}
