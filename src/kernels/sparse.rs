//! Products that skip zeros: 81 % of MNIST's pixels are exactly 0, and relu and dropout make more.
//!
//! A chain of fused multiply-adds leaves out the steps whose factor from A is 0. Such a step adds ±0, which changes a sum
//! at most in the sign of a zero, and the `+ 0.0` at the end of every chain makes all zeros +0. So the bits are those of
//! the dense product as long as the other factor is finite. 0 · ∞ is NaN and has to stay so: where a panel of B is not
//! finite, no step of it is left out.
//!
//! The steps that count are listed once for a block of k; then sixty-four columns of C at a time stand in registers while
//! a list is walked, and a packed panel of B stays in cache from row to row.

mod steps;

use super::activation;
use super::block::Block;
use super::matmul::{Epilogue, Matrix, Product, Sum};
use super::simd::{Aligned, Fma, SimdLevel, vectorized};
use std::cell::RefCell;
use steps::{Part, Places, Steps};

/// The largest share of nonzero elements at which skipping is faster than the dense product; measured, see
/// benches/README.md.
const WORTHWHILE: f64 = 0.6;

/// With fewer rows it is packing B that takes the time, and with fewer columns a step is too short.
const LEAST_ROWS: usize = 8;
const LEAST_COLUMNS: usize = 16;

/// Columns of C that stand in registers, at most.
const WIDTH: usize = 128;

/// Elements of k whose steps are listed at once: a chunk of a sum over rows. Their places in it fit a byte.
const DEPTH: usize = super::matmul::ROWS_PER_CHUNK;

/// Elements of k in a panel, which stays in the first cache.
const BLOCK: usize = 64;
const BLOCKS: usize = DEPTH / BLOCK;

/// Rows of C whose steps are listed at once.
const ROWS: usize = 128;

/// Some columns of B in a block of k.
type Panel = Aligned<[[f32; WIDTH]; BLOCK]>;

/// Sums of a chunk that are added to those of the chunks before.
type Sums = Aligned<[[f32; WIDTH]; ROWS]>;

/// Whether so few elements of A are not 0 that skipping the others is worthwhile. It depends on numbers alone, never on
/// threads or time.
pub(super) fn worthwhile(level: SimdLevel, a: Matrix<'_>, columns: usize) -> bool {
    let large = a.rows() >= LEAST_ROWS && columns >= LEAST_COLUMNS;
    large && (nonzero(level, a.data()) as f64) < WORTHWHILE * a.data().len() as f64
}

vectorized! {
    fn nonzero<F: Fma>(values: &[f32]) -> usize {
        let count = |values: &[f32]| values.iter().map(|value| u32::from(*value != 0.0)).sum::<u32>();
        values.chunks(1 << 16).map(|values| count(values) as usize).sum()
    }
}

/// What a thread fills its parts with: too much to begin with zeros each time.
struct Scratch {
    steps: Steps,
    panel: Panel,
    sums: Sums,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = const {
        RefCell::new(Scratch {
            steps: Steps::NONE,
            panel: Aligned([[0.0; WIDTH]; BLOCK]),
            sums: Aligned([[0.0; WIDTH]; ROWS]),
        })
    };
}

/// Fills a part of C on this thread, as the dense product does.
pub(super) fn fill(product: &Product<'_>, mut c: Block<'_>, row: usize, column: usize) {
    SCRATCH.with_borrow_mut(|scratch| {
        for group in (0..c.rows()).step_by(ROWS) {
            let rows = ROWS.min(c.rows() - group);
            for start in (0..product.b.rows()).step_by(DEPTH) {
                let depth = DEPTH.min(product.b.rows() - start);
                let part = Part::new(product.a, row + group, rows, start, depth);
                scratch.steps.find(product.level, part);
                let strip = strip(c.columns());
                for j in (0..c.columns()).step_by(strip) {
                    let width = strip.min(c.columns() - j);
                    let at = Place { row: group, j, column: column + j, width, start };
                    fill_chunk(product, part, scratch, &mut c, at);
                }
            }
            finish(product, &mut c, group..group + rows, column);
        }
    });
}

/// Columns of a strip: as many as stand in registers at most, and nearly the same number in each.
fn strip(columns: usize) -> usize {
    columns.div_ceil(columns.div_ceil(WIDTH)).next_multiple_of(16)
}

/// Where some columns stand in their part of C and in the whole product, and where in k the chunk begins.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    j: usize,
    column: usize,
    width: usize,
    start: usize,
}

/// Takes the steps of a chunk of k for a group of rows and some columns.
fn fill_chunk(product: &Product<'_>, part: Part<'_>, scratch: &mut Scratch, c: &mut Block<'_>, at: Place) {
    let Scratch { steps, panel, sums } = scratch;
    let (level, b) = (product.level, product.b);
    let aside = product.sum == Sum::Chunks && at.start > 0;
    for (number, first) in (0..part.depth()).step_by(BLOCK).enumerate() {
        let depth = BLOCK.min(part.depth() - first);
        let from = &b.data()[(at.start + first) * b.stride() + at.column..];
        let finite = pack(level, from, b.stride(), at.width, &mut panel.0[..depth]);
        let walk = Walk {
            part,
            steps: finite.then_some(&*steps),
            number,
            depth,
            panel,
            go_on: number > 0 || (product.sum == Sum::Chain && at.start > 0),
            last: at.start + first + depth == b.rows(),
        };
        if aside {
            let mut sums = Block::new(sums.0.as_flattened_mut(), ROWS, WIDTH);
            walk.rows(level, &mut sums, 0, 0, at.width);
        } else {
            walk.rows(level, c, at.row, at.j, at.width);
        }
    }
    if aside {
        for (r, sums) in sums.0[..part.rows()].iter().enumerate() {
            // Turns −0 into 0, as at the end of every chain.
            c.row(at.row + r, at.j, at.width).iter_mut().zip(sums).for_each(|(c, sum)| *c = (*c + sum) + 0.0);
        }
    }
}

vectorized! {
    /// Copies `width` columns of B into a panel. Returns whether all are finite.
    fn pack<F: Fma>(b: &[f32], stride: usize, width: usize, panel: &mut [[f32; WIDTH]]) -> bool {
        let mut largest = [0.0f32; WIDTH];
        for (panel, row) in panel.iter_mut().zip(b.chunks(stride)) {
            match row.first_chunk() {
                Some(row) if width == WIDTH => *panel = *row,
                _ => copy(&row[..width], panel),
            }
            // 0 · x is 0 for every finite x, and NaN stays in a sum.
            for l in 0..WIDTH {
                largest[l] += 0.0 * panel[l];
            }
        }
        largest[..width].iter().all(|sum| *sum == 0.0)
    }
}

/// What is done to finished rows.
fn finish(product: &Product<'_>, c: &mut Block<'_>, rows: std::ops::Range<usize>, column: usize) {
    let Epilogue::Affine { bias, activation } = product.epilogue else { return };
    let (bias, columns) = (bias.map_or(&[][..], |bias| &bias[column..]), c.columns());
    rows.for_each(|r| activation::finish_row(product.level, activation, bias, c.row(r, 0, columns)));
}

/// Steps to take: those of some rows of A in a block of k, for the columns of a panel.
struct Walk<'a> {
    part: Part<'a>,
    /// The steps that count; all of them where one may not be left out.
    steps: Option<&'a Steps>,
    /// The block's number in the chunk, and its length.
    number: usize,
    depth: usize,
    panel: &'a Panel,
    /// Whether the chains begin with the sums so far, not with 0.
    go_on: bool,
    /// Whether the chains end here.
    last: bool,
}

impl Walk<'_> {
    /// Walks all rows. Their sums stand in `c` from this row and column on.
    fn rows(&self, level: SimdLevel, c: &mut Block<'_>, row: usize, column: usize, width: usize) {
        match width {
            113.. => walk_rows::<128>(level, self, c, row, column, width),
            97.. => walk_rows::<112>(level, self, c, row, column, width),
            81.. => walk_rows::<96>(level, self, c, row, column, width),
            65.. => walk_rows::<80>(level, self, c, row, column, width),
            33.. => walk_rows::<64>(level, self, c, row, column, width),
            17.. => walk_rows::<32>(level, self, c, row, column, width),
            _ => walk_rows::<16>(level, self, c, row, column, width),
        }
    }
}

vectorized! {
    /// The same for the first `L` columns of the panel, of which `width` count.
    fn walk_rows<F: Fma, const L: usize>(walk: &Walk<'_>, c: &mut Block<'_>, row: usize, column: usize, width: usize) {
        for r in 0..walk.part.rows() {
            let places = walk.steps.map_or(steps::first(walk.depth), |steps| steps.row(r, walk.number));
            if places == 0 && walk.go_on && !walk.last {
                continue;
            }
            let row = c.row(row + r, column, width);
            if let Some(row) = row.first_chunk_mut() {
                walk_row::<F, L>(walk, r, places, row);
            } else {
                let mut wider = [0.0; L];
                copy(row, &mut wider);
                walk_row::<F, L>(walk, r, places, &mut wider);
                copy(&wider[..width], row);
            }
        }
    }
}

/// `sums[l] ← sums[l] + Σ a · panel[place][l]` over the steps of row `r`.
#[inline(always)]
fn walk_row<F: Fma, const L: usize>(walk: &Walk<'_>, r: usize, places: Places, c: &mut [f32; L]) {
    let (values, step) = (walk.part.row(r, walk.number * BLOCK), walk.part.step());
    let mut sums = if walk.go_on { *c } else { [0.0; L] };
    let mut left = places;
    while left != 0 {
        let place = left.trailing_zeros() as usize % BLOCK;
        left &= left - 1;
        if let Some(b) = walk.panel.0[place].first_chunk() {
            F::add_scaled(values[place * step], b, &mut sums);
        }
    }
    if walk.last {
        // Turns −0 into 0, as in every product.
        sums.iter_mut().for_each(|sum| *sum += 0.0);
    }
    *c = sums;
}

/// Copies a few values, eight at a time: for so few a call costs more.
#[inline(always)]
fn copy(from: &[f32], to: &mut [f32]) {
    let ((from, from_rest), (to, to_rest)) = (from.as_chunks::<8>(), to.as_chunks_mut::<8>());
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    match to.get_mut(from.len()) {
        Some(to) => to.iter_mut().zip(from_rest).for_each(|(to, from)| *to = *from),
        None => to_rest.iter_mut().zip(from_rest).for_each(|(to, from)| *to = *from),
    }
}
