//! The steps of a product to compute: the positions of nonzero elements of A, as bit sets for blocks of 64.

use super::super::product::Matrix;
use super::super::simd::{Fma, SimdLevel, vectorized};
use super::super::transposed::SIDE;
use super::{BLOCK, BLOCKS, ROWS};

/// Some rows of A in a chunk of k: element k of row r is `values[r · row_stride + k · step]`.
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

    #[inline(always)]
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Distance of the elements of a row.
    #[inline(always)]
    pub(super) fn step(&self) -> usize {
        self.step
    }

    /// Row `r`, starting at its element `k`.
    #[inline(always)]
    pub(super) fn row(&self, r: usize, k: usize) -> &'a [f32] {
        &self.values[r * self.row_stride + k * self.step..]
    }
}

/// The positions of nonzero elements in a block, with the first in the lowest bit.
pub(super) type Places = u64;

const _: () = assert!(BLOCK == Places::BITS as usize, "a place is a bit");

/// The first `count` positions.
#[inline(always)]
pub(super) fn first(count: usize) -> Places {
    Places::MAX >> (BLOCK - count)
}

/// The nonzero steps for each block of k and each row.
pub(super) struct Steps([[Places; ROWS]; BLOCKS]);

impl Steps {
    /// Empty sets.
    pub(super) const NONE: Steps = Steps([[0; ROWS]; BLOCKS]);

    /// The positions of row `r` in a block.
    #[inline(always)]
    pub(super) fn row(&self, r: usize, block: usize) -> Places {
        self.0[block][r]
    }

    /// Finds the steps of each row.
    pub(super) fn find(&mut self, level: SimdLevel, a: Part<'_>) {
        for (block, start) in (0..a.depth).step_by(BLOCK).enumerate() {
            let depth = BLOCK.min(a.depth - start);
            let rows = &mut self.0[block][..a.rows];
            if a.step == 1 {
                rows_in_block(level, a.row(0, start), a.row_stride, depth, rows);
            } else {
                columns_in_block(level, a.row(0, start), a.step, depth, rows);
            }
        }
    }
}

vectorized! {
    /// The nonzero positions among the first `depth` values of each row, with rows at a distance of `stride`.
    fn rows_in_block<F: Fma>(values: &[f32], stride: usize, depth: usize, rows: &mut [Places]) {
        for (row, values) in rows.iter_mut().zip(values.chunks(stride)) {
            *row = nonzero_ones::<F>(&values[..depth]);
        }
    }
}

vectorized! {
    /// The nonzero positions of columns of `depth` values, with columns at a distance of `step`.
    fn columns_in_block<F: Fma>(values: &[f32], step: usize, depth: usize, columns: &mut [Places]) {
        for (number, columns) in columns.chunks_mut(BLOCK).enumerate() {
            let mut bits = [0; BLOCK];
            for (row, bits) in values.chunks(step).take(depth).zip(&mut bits) {
                *bits = nonzero_ones::<F>(&row[number * BLOCK..][..columns.len()]);
            }
            transpose(&mut bits);
            columns.copy_from_slice(&bits[..columns.len()]);
        }
    }
}

/// The nonzero positions among up to 64 values.
#[inline(always)]
fn nonzero_ones<F: Fma>(values: &[f32]) -> Places {
    let (vectors, rest) = values.as_chunks::<SIDE>();
    let mut set = 0;
    for (number, values) in vectors.iter().enumerate() {
        set |= Places::from(F::nonzero(values)) << (SIDE * number);
    }
    if !rest.is_empty() {
        let mut filled_up = [0.0; SIDE];
        filled_up[..rest.len()].copy_from_slice(rest);
        set |= Places::from(F::nonzero(&filled_up)) << (SIDE * vectors.len());
    }
    set
}

/// Transposes a matrix of 64 × 64 bits: halves are swapped across the diagonal, then their halves, and so on (Warren,
/// Hacker's Delight, 7-3).
#[inline(always)]
fn transpose(bits: &mut [Places; BLOCK]) {
    let (mut half, mut mask) = (BLOCK / 2, Places::MAX >> (BLOCK / 2));
    while half > 0 {
        for pairs in bits.chunks_exact_mut(2 * half) {
            let (upper, lower) = pairs.split_at_mut(half);
            for (upper, lower) in upper.iter_mut().zip(lower) {
                let swapped = ((*upper >> half) ^ *lower) & mask;
                *upper ^= swapped << half;
                *lower ^= swapped;
            }
        }
        half /= 2;
        mask ^= mask << half;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    #[test]
    fn bits_are_transposed() {
        for (row, column) in [(0, 0), (0, 63), (63, 0), (5, 17), (17, 5), (33, 62)] {
            let mut bits = [0; BLOCK];
            bits[row] = 1 << column;
            transpose(&mut bits);
            let expected = |at: usize| if at == column { 1 << row } else { 0 };
            assert!((0..BLOCK).all(|at| bits[at] == expected(at)), "{row}, {column}");
        }
    }

    vectorized! {
        fn nonzero_on<F: Fma>(values: &[f32]) -> Places {
            nonzero_ones::<F>(values)
        }
    }

    #[test]
    fn sets_contain_the_nonzero_positions() {
        let mut values = [0.0; 37];
        (values[0], values[3], values[16], values[36]) = (1.0, -2.0, f32::NAN, f32::MIN_POSITIVE);
        values[4] = -0.0;
        for level in samples::levels() {
            assert_eq!(nonzero_on(level, &values), 1 | 1 << 3 | 1 << 16 | 1 << 36);
        }
        assert_eq!(first(1), 1);
        assert_eq!(first(64), u64::MAX);
    }
}
