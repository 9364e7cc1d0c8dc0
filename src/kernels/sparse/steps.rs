//! Which steps of a product count: the places of the nonzero elements in blocks of rows or columns.

use super::super::matmul::Matrix;
use super::super::simd::{SimdLevel, vectorized};
use super::{DEPTH, ROWS};

/// Some rows of A in a block of k: element k of row r is `values[r · row_stride + k · step]`.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    values: &'a [f32],
    rows: usize,
    depth: usize,
    row_stride: usize,
    step: usize,
}

impl<'a> Part<'a> {
    pub(super) fn new(a: Matrix<'a>, row: usize, rows: usize, start: usize, depth: usize) -> Part<'a> {
        let (row_stride, step) = if a.is_transposed() { (1, a.stride()) } else { (a.stride(), 1) };
        Part { values: &a.data()[row * row_stride + start * step..], rows, depth, row_stride, step }
    }

    /// Row `r`, from its element in the block on.
    #[inline(always)]
    fn row(&self, r: usize) -> &'a [f32] {
        &self.values[r * self.row_stride..]
    }
}

/// Places in a block, ascending, with room for eight to be written at once.
type Places = [u8; DEPTH + 8];

/// The steps that count.
pub(super) struct Steps {
    rows: usize,
    places: [Places; ROWS],
    values: [[f32; DEPTH]; ROWS],
    counts: [usize; ROWS],
}

impl Steps {
    /// Those of no rows.
    pub(super) const NONE: Steps =
        Steps { rows: 0, places: [[0; DEPTH + 8]; ROWS], values: [[0.0; DEPTH]; ROWS], counts: [0; ROWS] };

    /// All steps, for what may not be left out.
    pub(super) fn every(a: Part<'_>) -> Steps {
        let mut steps = Steps::NONE;
        steps.rows = a.rows;
        for r in 0..a.rows {
            steps.places[r].iter_mut().zip(0..=255).for_each(|(place, k)| *place = k);
            steps.counts[r] = a.depth;
            steps.take_values(a, r);
        }
        steps
    }

    /// The places and values of each row's steps.
    #[inline(always)]
    pub(super) fn rows(&self) -> impl Iterator<Item = (&[u8], &[f32])> {
        let rows = self.places.iter().zip(&self.values).zip(&self.counts).take(self.rows);
        rows.map(|((places, values), &count)| (&places[..count], &values[..count]))
    }

    /// Lists the steps of each row.
    pub(super) fn list(&mut self, level: SimdLevel, a: Part<'_>) {
        self.rows = a.rows;
        self.counts.fill(0);
        // Eight columns of a transposed A are looked at together, as they lie side by side.
        let together = if a.step == 1 { 1 } else { 8 };
        for first in (0..a.rows).step_by(together) {
            let rows = first..a.rows.min(first + together);
            let (places, counts) = (&mut self.places[rows.clone()], &mut self.counts[rows.clone()]);
            match a.step {
                1 => list_row(level, &a.row(first)[..a.depth], &mut places[0], &mut counts[0]),
                _ => list_columns(level, a.row(first), a.step, a.depth, places, counts),
            }
            rows.for_each(|r| self.take_values(a, r));
        }
    }

    fn take_values(&mut self, a: Part<'_>, r: usize) {
        let (from, places) = (a.row(r), &self.places[r][..self.counts[r]]);
        for (value, place) in self.values[r].iter_mut().zip(places) {
            *value = from[usize::from(*place) * a.step];
        }
    }
}

vectorized! {
    /// Lists the nonzero ones of at most [`DEPTH`] values that lie side by side.
    fn list_row<F: Fma>(values: &[f32], places: &mut Places, count: &mut usize) {
        let (chunks, rest) = values.as_chunks::<8>();
        for (i, chunk) in chunks.iter().enumerate() {
            append(nonzero_ones(chunk), 8 * i, places, count);
        }
        append(nonzero_ones(&filled_up(rest)), 8 * chunks.len(), places, count);
    }
}

vectorized! {
    /// Lists the nonzero ones of up to eight columns, whose k-th values lie side by side from `k · step` on.
    fn list_columns<F: Fma>(values: &[f32], step: usize, depth: usize, places: &mut [Places], counts: &mut [usize]) {
        for k in (0..depth).step_by(8) {
            let mut sets = [0; 8];
            for (set, k) in sets.iter_mut().zip(k..depth) {
                let row = &values[k * step..];
                *set = row.first_chunk().map_or_else(|| nonzero_ones(&filled_up(row)), nonzero_ones);
            }
            let sets = transposed(u64::from_le_bytes(sets)).to_le_bytes();
            for ((places, count), set) in places.iter_mut().zip(&mut *counts).zip(sets) {
                append(set, k, places, count);
            }
        }
    }
}

/// Fewer than eight values, and zeros.
#[inline(always)]
fn filled_up(values: &[f32]) -> [f32; 8] {
    let mut eight = [0.0; 8];
    eight[..values.len()].copy_from_slice(values);
    eight
}

/// Which of eight values are not 0, the first in the lowest bit.
#[inline(always)]
fn nonzero_ones(values: &[f32; 8]) -> u8 {
    let mut set = 0;
    for (bit, value) in values.iter().enumerate() {
        set |= u8::from(*value != 0.0) << bit;
    }
    set
}

/// A matrix of 8 × 8 bits, a row in a byte, rows as columns: 2 × 2 blocks are swapped, then 4 × 4, then 8 × 8 (Warren,
/// Hacker's Delight, 7-3).
#[inline(always)]
fn transposed(mut bits: u64) -> u64 {
    for (shift, mask) in [(7, 0x00aa_00aa_00aa_00aa), (14, 0x0000_cccc_0000_cccc), (28, 0x0000_0000_f0f0_f0f0)] {
        let swapped = (bits ^ (bits >> shift)) & mask;
        bits ^= swapped ^ (swapped << shift);
    }
    bits
}

/// Appends the members of a set, from `place` on: eight bytes at once, of which the next overwrite those too many.
#[inline(always)]
fn append(set: u8, place: usize, places: &mut Places, count: &mut usize) {
    // No byte overflows: places are multiples of eight below 256, but for the empty set behind a full block.
    let first = u64::from_le_bytes([place as u8; 8]);
    let (members, number) = MEMBERS[usize::from(set)];
    if let Some(places) = places.get_mut(*count..).and_then(|places| places.first_chunk_mut()) {
        *places = (members + first).to_le_bytes();
    }
    *count += usize::from(number);
}

/// The members of every set of bits, ascending, a byte each, the lowest first; and how many they are.
static MEMBERS: [(u64, u8); 256] = {
    let mut table = [(0, 0); 256];
    let mut set = 0;
    while set < 256 {
        let mut bit = 0;
        while bit < 8 {
            if set >> bit & 1 == 1 {
                table[set].0 |= bit << (8 * table[set].1);
                table[set].1 += 1;
            }
            bit += 1;
        }
        set += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_transposed() {
        for (row, column) in (0..64).map(|at| (at / 8, at % 8)) {
            assert_eq!(transposed(1 << (8 * row + column)), 1 << (8 * column + row));
        }
    }

    #[test]
    fn sets_have_their_members() {
        assert_eq!(MEMBERS[0], (0, 0));
        assert_eq!(MEMBERS[0b1001_0010], (0x07_04_01, 3));
        assert_eq!(MEMBERS[255], (0x0706_0504_0302_0100, 8));
    }
}
