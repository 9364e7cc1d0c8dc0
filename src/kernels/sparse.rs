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
use super::simd::{Aligned, SimdLevel, vectorized};
use std::cell::RefCell;
use steps::{Part, Steps};

/// The largest share of nonzero elements at which skipping is faster than the dense product; measured, see
/// benches/README.md.
const WORTHWHILE: f64 = 0.45;

/// With fewer rows it is packing B that takes the time, and with fewer columns a step is too short.
const LEAST_ROWS: usize = 8;
const LEAST_COLUMNS: usize = 16;

/// Columns of C that stand in registers.
pub(super) const WIDTH: usize = 64;

/// Elements of k in a block: a chunk of a sum over rows. Their places in it fit a byte.
const DEPTH: usize = super::matmul::ROWS_PER_CHUNK;

/// Rows of C whose steps are listed at once.
pub(super) const ROWS: usize = 128;

/// A block of B.
type Panel = Aligned<[[f32; WIDTH]; DEPTH]>;

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
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = const { RefCell::new(Scratch { steps: Steps::NONE, panel: Aligned([[0.0; WIDTH]; DEPTH]) }) };
}

/// Fills a part of C on this thread, as the dense product does.
pub(super) fn fill(product: &Product<'_>, c: Block<'_>, row: usize, column: usize) {
    SCRATCH.with_borrow_mut(|scratch| fill_with(scratch, product, c, row, column));
}

fn fill_with(scratch: &mut Scratch, product: &Product<'_>, mut c: Block<'_>, row: usize, column: usize) {
    let (a, b, level) = (product.a, product.b, product.level);
    let Scratch { steps, panel } = scratch;
    for group in (0..c.rows()).step_by(ROWS) {
        let rows = ROWS.min(c.rows() - group);
        for start in (0..b.rows()).step_by(DEPTH) {
            let depth = DEPTH.min(b.rows() - start);
            let part = Part::new(a, row + group, rows, start, depth);
            steps.list(level, part);
            for j in (0..c.columns()).step_by(WIDTH) {
                let width = WIDTH.min(c.columns() - j);
                let b = &b.data()[start * b.stride() + column + j..];
                let finite = pack(level, b, product.b.stride(), width, &mut panel.0[..depth]);
                let steps = if finite { &*steps } else { &Steps::every(part) };
                let at = Place { row: group, column: j, width, begin: Begin::new(start, product.sum) };
                walk(level, steps, panel, &mut c, at);
            }
        }
        (group..group + rows).for_each(|r| finish(product, c.row(r, 0, c.columns()), column));
    }
}

vectorized! {
    /// Copies `width` columns of B into a panel. Returns whether all are finite.
    fn pack<F: Fma>(b: &[f32], stride: usize, width: usize, panel: &mut [[f32; WIDTH]]) -> bool {
        let mut largest = [0.0f32; WIDTH];
        for (panel, row) in panel.iter_mut().zip(b.chunks(stride)) {
            match row.first_chunk() {
                Some(row) if width == WIDTH => *panel = *row,
                _ => panel[..width].copy_from_slice(&row[..width]),
            }
            // 0 · x is 0 for every finite x, and NaN stays in a sum.
            for l in 0..WIDTH {
                largest[l] += 0.0 * panel[l];
            }
        }
        largest[..width].iter().all(|sum| *sum == 0.0)
    }
}

/// The end of all chains of a row.
fn finish(product: &Product<'_>, row: &mut [f32], column: usize) {
    row.iter_mut().for_each(|sum| *sum += 0.0);
    if let Epilogue::Affine { bias, activation } = product.epilogue {
        let bias = bias.map_or(&[][..], |bias| &bias[column..]);
        activation::finish_row(product.level, activation, bias, row);
    }
}

/// What a chain of a block begins with.
#[derive(Clone, Copy, PartialEq)]
enum Begin {
    Zero,
    /// The sum so far.
    GoOn,
    /// Zero, and the sum so far is added at the end.
    AddTo,
}

impl Begin {
    fn new(start: usize, sum: Sum) -> Begin {
        match (start, sum) {
            (0, _) => Begin::Zero,
            (_, Sum::Chain) => Begin::GoOn,
            (_, Sum::Chunks) => Begin::AddTo,
        }
    }
}

/// Where a strip stands in its part of C, and what its chains begin with.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    column: usize,
    width: usize,
    begin: Begin,
}

/// Takes the steps of all rows for the columns of a panel.
fn walk(level: SimdLevel, steps: &Steps, panel: &Panel, c: &mut Block<'_>, at: Place) {
    match at.width {
        33.. => walk_rows::<64>(level, steps, panel, c, at),
        17..=32 => walk_rows::<32>(level, steps, panel, c, at),
        _ => walk_rows::<16>(level, steps, panel, c, at),
    }
}

/// The same for the first `L` columns of the panel.
fn walk_rows<const L: usize>(level: SimdLevel, steps: &Steps, panel: &Panel, c: &mut Block<'_>, at: Place) {
    for (r, (places, values)) in steps.rows().enumerate() {
        let row = c.row(at.row + r, at.column, at.width);
        if let Some(row) = row.first_chunk_mut() {
            walk_row::<L>(level, places, values, panel, at.begin, row);
        } else {
            let mut wider = [0.0; L];
            wider[..at.width].copy_from_slice(row);
            walk_row::<L>(level, places, values, panel, at.begin, &mut wider);
            row.copy_from_slice(&wider[..at.width]);
        }
    }
}

vectorized! {
    /// `sums[l] ← sums[l] + Σ value · panel[place][l]` over the steps of a row.
    #[inline(always)]
    fn walk_row<F: Fma, const L: usize>(
        places: &[u8],
        values: &[f32],
        panel: &Panel,
        begin: Begin,
        c: &mut [f32; L],
    ) {
        let mut sums = if begin == Begin::GoOn { *c } else { [0.0; L] };
        for (place, value) in places.iter().zip(values) {
            if let Some(b) = panel.0[usize::from(*place)].first_chunk() {
                F::add_scaled(*value, b, &mut sums);
            }
        }
        if begin == Begin::AddTo {
            (0..L).for_each(|l| c[l] += sums[l]);
        } else {
            *c = sums;
        }
    }
}
