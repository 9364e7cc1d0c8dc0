//! Products that skip zeros: 81 % of MNIST's pixels are exactly 0, and relu and dropout produce more zeros.
//!
//! A chain of fused multiply-adds skips the steps whose factor from A is 0. Such a step adds ±0, which changes a sum at
//! most in the sign of a zero, and the `+ 0.0` at the end of every chain makes all zeros +0. The bits are therefore
//! those of the dense product if the other factor is finite. Since 0 · ∞ is NaN, no step is skipped for a panel of B
//! that is not finite.
//!
//! The nonzero steps are found once for a chunk of k, as bit sets. While a set is processed, up to 128 columns of C are
//! in registers, and a packed panel of B stays in cache for all rows.

mod steps;

use super::block::Block;
use super::product::{Matrix, Product, ROWS_PER_CHUNK, Sum, finish};
use super::simd::{Aligned, Fma, SimdLevel, Square, copy_lanes, vectorized};
use super::transposed::{SIDE, read_transposed};
use std::cell::RefCell;
use steps::{Part, Places, Steps};

/// Maximum fraction of nonzero elements for which zeros are skipped. At 0.44, a product of 32 × 512 × 512 took 0.65 of
/// the time of the dense one with AVX-512, and its time grows with the fraction; the benchmark `kernels zeros`
/// measures it. Training of the notebooks' models takes equal times with 0.45 and 0.75.
const MAX_NONZERO: f64 = 0.6;

/// Minimum numbers of rows and columns. With fewer rows, packing B dominates, especially a transposed B; with fewer
/// columns, a step is too short.
const MIN_ROWS: usize = 8;
const LEAST_ROWS_ACROSS: usize = 64;
const LEAST_COLUMNS: usize = 16;

/// Maximum number of columns of C in registers.
const WIDTH: usize = 128;

/// Elements of k whose steps are found together: a chunk of a sum over rows.
const DEPTH: usize = ROWS_PER_CHUNK;

/// Elements of k in a panel, which fits the L1 cache.
const BLOCK: usize = 64;
const BLOCKS: usize = DEPTH / BLOCK;

/// Rows of C whose steps are found together.
const ROWS: usize = 256;

/// Some columns of B in a block of k.
type Panel = Aligned<[[f32; WIDTH]; BLOCK]>;

/// Sums of a chunk that are added to those of earlier chunks.
type Sums = Aligned<[[f32; WIDTH]; ROWS]>;

/// Elements of A that are counted together, and maximum number of such groups, which are spread evenly over A.
const COUNTED: usize = 256;
const GROUPS: usize = 32;

/// Whether A has so few nonzero elements that skipping zeros is faster. It depends only on the elements, never on
/// threads or time.
pub(super) fn is_worthwhile(level: SimdLevel, a: Matrix<'_>, b: Matrix<'_>) -> bool {
    let least_rows = if b.is_transposed() { LEAST_ROWS_ACROSS } else { MIN_ROWS };
    let large = a.rows() >= least_rows && b.columns() >= LEAST_COLUMNS;
    large && share_of_nonzero(level, a.data()) < MAX_NONZERO
}

vectorized! {
    /// The fraction of nonzero values, estimated from a sample of long arrays.
    fn share_of_nonzero<F: Fma>(values: &[f32]) -> f64 {
        let apart = values.len().div_ceil(COUNTED).div_ceil(GROUPS);
        let (mut nonzero, mut counted) = (0, 0);
        for group in values.chunks(COUNTED).step_by(apart.max(1)) {
            nonzero += group.iter().map(|value| u32::from(*value != 0.0)).sum::<u32>();
            counted += group.len();
        }
        f64::from(nonzero) / counted.max(1) as f64
    }
}

/// Buffers of a thread, which are too large to be zeroed each time.
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

/// Computes a part of C on this thread, like the dense product. A transposed C is a sum in chunks.
pub(super) fn fill(product: &Product<'_>, mut c: Block<'_>, row: usize, column: usize) {
    SCRATCH.with_borrow_mut(|scratch| {
        for group in (0..c.rows()).step_by(ROWS) {
            let rows = ROWS.min(c.rows() - group);
            let mut c = c.some_rows(group..group + rows, !c.transposed());
            for start in (0..product.b.rows()).step_by(DEPTH) {
                let depth = DEPTH.min(product.b.rows() - start);
                let part = Part::new(product.a, row + group, rows, start, depth);
                scratch.steps.find(product.level, part);
                let mut j = 0;
                while j < c.columns() {
                    let width = strip(c.columns() - j);
                    let at = Place { j, column: column + j, width, start };
                    fill_chunk(product, part, scratch, &mut c, at);
                    j += width;
                }
            }
            if !c.transposed() {
                finish(product, &mut c, column);
            }
        }
        // Columns of C are contiguous in the updated arrays, so whole columns are updated as one range.
        if c.transposed() {
            finish(product, &mut c, column);
        }
    });
}

/// Number of columns in the next strip: at most the columns that fit the registers, whole vectors except for the last
/// strip, and nearly equal numbers.
fn strip(columns_left: usize) -> usize {
    columns_left.div_ceil(columns_left.div_ceil(WIDTH)).next_multiple_of(SIDE).min(columns_left)
}

/// The position of some columns in their part of C and in the whole product, and the start of the chunk in k.
#[derive(Clone, Copy)]
struct Place {
    j: usize,
    column: usize,
    width: usize,
    start: usize,
}

impl Place {
    /// Calls `work` with each row of C and its buffered sums.
    fn for_rows(self, c: &mut Block<'_>, sums: &mut [[f32; WIDTH]], work: impl Fn(&mut [f32], &mut [f32])) {
        for (r, sums) in sums.iter_mut().enumerate() {
            work(c.row(r, self.j, self.width), &mut sums[..self.width]);
        }
    }

    /// Copies buffered sums to C, or adds them to it.
    fn store(self, level: SimdLevel, c: &mut Block<'_>, sums: &mut [[f32; WIDTH]], add: bool) {
        if c.transposed() {
            store_transposed(level, c, self, sums, add);
        } else {
            self.for_rows(c, sums, |c, sums| put(c, sums, add));
        }
    }
}

/// `c ← sums`, or `c ← c + sums` if they are added.
#[inline(always)]
fn put(c: &mut [f32], sums: &[f32], add: bool) {
    if add {
        // Converts −0 to 0, as at the end of every chain.
        c.iter_mut().zip(sums).for_each(|(c, sum)| *c = (*c + *sum) + 0.0);
    } else {
        c.copy_from_slice(sums);
    }
}

vectorized! {
    /// Implements [`Place::store`] for a transposed C, one square at a time.
    fn store_transposed<F: Fma>(c: &mut Block<'_>, at: Place, sums: &[[f32; WIDTH]], add: bool) {
        for l in (0..at.width).step_by(SIDE) {
            for (number, sums) in sums.chunks(SIDE).enumerate() {
                let mut square: Square = [[0.0; SIDE]; SIDE];
                for (row, sums) in square.iter_mut().zip(sums) {
                    row.copy_from_slice(&sums[l..l + SIDE]);
                }
                F::transpose(&mut square);
                for (column, values) in square.iter().enumerate().take(at.width - l) {
                    let c = c.column(number * SIDE, at.j + l + column, sums.len());
                    match c.first_chunk_mut::<SIDE>() {
                        Some(c) => put(c, values, add),
                        None => put(c, &values[..sums.len()], add),
                    }
                }
            }
        }
    }
}

/// Computes the steps of a chunk of k for a group of rows and some columns.
fn fill_chunk(product: &Product<'_>, part: Part<'_>, scratch: &mut Scratch, c: &mut Block<'_>, at: Place) {
    // Sums that do not fill whole vectors are buffered, as are those to be added. Half a vector more is common, in
    // layers of 200 and 600 units, and has a separate instance.
    match at.width {
        0..=16 => fill_lanes::<16, 16>(product, part, scratch, c, at),
        17..=32 => fill_lanes::<32, 32>(product, part, scratch, c, at),
        33..=64 => fill_lanes::<64, 64>(product, part, scratch, c, at),
        65..=80 => fill_lanes::<80, 80>(product, part, scratch, c, at),
        88 => fill_lanes::<96, 88>(product, part, scratch, c, at),
        81..=96 => fill_lanes::<96, 96>(product, part, scratch, c, at),
        104 => fill_lanes::<112, 104>(product, part, scratch, c, at),
        97..=112 => fill_lanes::<112, 112>(product, part, scratch, c, at),
        _ => fill_lanes::<WIDTH, WIDTH>(product, part, scratch, c, at),
    }
}

/// Computes the steps of a chunk with `L` columns in registers, of which `W` are columns of C unless sums are buffered.
fn fill_lanes<const L: usize, const W: usize>(
    product: &Product<'_>,
    part: Part<'_>,
    scratch: &mut Scratch,
    c: &mut Block<'_>,
    at: Place,
) {
    let Scratch { steps, panel, sums } = scratch;
    let (level, b, sums) = (product.level, product.b, &mut sums.0[..part.rows()]);
    let add = product.sum == Sum::Chunks && at.start > 0;
    // Sums next to those of another thread are buffered too, so that a cache line that both threads write is written
    // once instead of once per block.
    let buffered = add || at.width < W || c.transposed() || c.shares_rows();
    if buffered && !add && at.start > 0 {
        at.for_rows(c, sums, |c, sums| sums.copy_from_slice(c));
    }
    for (number, first) in (0..part.depth()).step_by(BLOCK).enumerate() {
        let depth = BLOCK.min(part.depth() - first);
        let finite = pack::<L>(level, b, at.start + first, at, &mut panel.0[..depth]);
        let pass = Pass {
            part,
            steps: finite.then_some(&*steps),
            number,
            depth,
            panel,
            continues: number > 0 || (at.start > 0 && !add),
            last: at.start + first + depth == b.rows(),
        };
        if buffered {
            process_rows::<L, L>(level, &pass, &mut Block::new(sums.as_flattened_mut(), part.rows(), WIDTH), 0);
        } else {
            process_rows::<L, W>(level, &pass, c, at.j);
        }
    }
    if buffered {
        at.store(level, c, sums, add);
    }
}

/// Copies the columns of B at this position, starting at row `k` of B, to a panel of `L` columns. Returns whether they are
/// finite.
fn pack<const L: usize>(level: SimdLevel, b: Matrix<'_>, k: usize, at: Place, panel: &mut [[f32; WIDTH]]) -> bool {
    if b.is_transposed() {
        let from = &b.data()[at.column * b.stride() + k..];
        pack_transposed(level, from, b.stride(), at.width, panel)
    } else {
        pack_rows::<L>(level, &b.data()[k * b.stride() + at.column..], b.stride(), at.width, panel)
    }
}

vectorized! {
    /// Packs columns of B from rows at a distance of `stride`.
    fn pack_rows<F: Fma, const L: usize>(b: &[f32], stride: usize, width: usize, panel: &mut [[f32; WIDTH]]) -> bool {
        let mut zeros = [0.0f32; L];
        for (k, panel) in panel.iter_mut().enumerate() {
            let (row, panel) = (&b[k * stride..], &mut panel[..L]);
            match row.first_chunk::<L>() {
                // Lanes beyond `width` read elements of the next row, which are not used.
                Some(row) => {
                    for ((to, zero), value) in panel.iter_mut().zip(&mut zeros).zip(row) {
                        *to = *value;
                        *zero += 0.0 * value; // 0 for every finite value, otherwise NaN, which stays in the sum
                    }
                }
                None => {
                    panel[..width].copy_from_slice(&row[..width]);
                    zeros.iter_mut().zip(&row[..width]).for_each(|(zero, value)| *zero += 0.0 * value);
                }
            }
        }
        zeros[..width].iter().all(|sum| *sum == 0.0)
    }
}

vectorized! {
    /// Packs columns of B that are contiguous, at a distance of `stride`.
    fn pack_transposed<F: Fma>(b: &[f32], stride: usize, width: usize, panel: &mut [[f32; WIDTH]]) -> bool {
        let mut zeros = [0.0f32; SIDE];
        read_transposed::<F, WIDTH>(b, stride, width, panel, |row| {
            zeros.iter_mut().zip(row).for_each(|(zero, value)| *zero += 0.0 * value);
        });
        zeros.iter().all(|sum| *sum == 0.0)
    }
}

/// A pass over rows of A in a block of k, for the columns of a panel.
struct Pass<'a> {
    part: Part<'a>,
    /// The steps to compute, or `None` for all steps.
    steps: Option<&'a Steps>,
    /// Index of the block in the chunk, and its length.
    number: usize,
    depth: usize,
    panel: &'a Panel,
    /// Whether chains continue the existing sums instead of starting at 0.
    continues: bool,
    /// Whether the chains end here.
    last: bool,
}

vectorized! {
    /// Processes all rows. Their sums are `W` columns of `c` starting at `column`, in `L` lanes of registers.
    fn process_rows<F: Fma, const L: usize, const W: usize>(pass: &Pass<'_>, c: &mut Block<'_>, column: usize) {
        for r in 0..pass.part.rows() {
            let places = pass.steps.map_or(steps::first(pass.depth), |steps| steps.row(r, pass.number));
            if places == 0 && pass.continues && !pass.last {
                continue;
            }
            if let Some(row) = c.row(r, column, W).first_chunk_mut() {
                walk_row::<F, L, W>(pass, r, places, row);
            }
        }
    }
}

/// `sums[l] ← sums[l] + Σ a · panel[place][l]` over the steps of row `r`.
#[inline(always)]
fn walk_row<F: Fma, const L: usize, const W: usize>(pass: &Pass<'_>, r: usize, places: Places, c: &mut [f32; W]) {
    let (values, step) = (pass.part.row(r, pass.number * BLOCK), pass.part.step());
    let mut sums = [0.0; L];
    if pass.continues {
        copy_lanes(c, &mut sums);
    }
    let mut left = places;
    while left != 0 {
        let place = left.trailing_zeros() as usize % BLOCK;
        left &= left - 1;
        if let Some(b) = pass.panel.0[place].first_chunk() {
            F::add_scaled(values[place * step], b, &mut sums);
        }
    }
    if pass.last {
        F::add_scaled(0.0, &[0.0; L], &mut sums); // converts −0 to 0, as in every product
    }
    copy_lanes(&sums, c);
}
