//! Blocks of a matrix that several threads write in parallel, each to a disjoint part.
//!
//! Columns of a row-major matrix cannot be split off as slices, so this module needs `unsafe`.
//!
//! # Safety
//!
//! A block covers rows × columns elements of one borrowed slice. [`Block::new`] checks that the slice has them, and parts of a
//! block cover only its elements. Splitting consumes a block and returns two disjoint blocks, and [`Block::some_rows`] borrows it,
//! so no element is accessible through two blocks at a time. The arrays to update have the length of the slice and are
//! borrowed like it.

use super::update::{MAX_STATE_ARRAYS, Update, UpdateRule};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

/// Part of a row-major matrix, or of its transpose.
pub(super) struct Block<'a> {
    start: *mut f32,
    /// The arrays to update once the elements are complete.
    updated_arrays: Option<UpdatedArrays<'a>>,
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
    slice: PhantomData<&'a mut [f32]>,
}

/// Arrays with the layout of the matrix, some of which may be missing, and the update that uses them.
#[derive(Clone, Copy)]
struct UpdatedArrays<'a> {
    arrays: [Option<*mut f32>; 1 + MAX_STATE_ARRAYS],
    /// The offset of the block in the arrays.
    offset: usize,
    rule: &'a UpdateRule<'a>,
}

// SAFETY: a block is an exclusive borrow of its elements and of the corresponding ones of the other arrays, like
// `&mut [f32]`, which can be sent to another thread.
#[allow(unsafe_code)]
unsafe impl Send for Block<'_> {}

impl<'a> Block<'a> {
    /// Creates a block of a whole row-major matrix.
    ///
    /// # Panics
    /// If the slice has the wrong length.
    pub(super) fn new(data: &'a mut [f32], rows: usize, columns: usize) -> Block<'a> {
        assert_eq!(data.len(), rows * columns, "a matrix of {rows} × {columns} elements");
        let start = data.as_mut_ptr();
        Block { start, updated_arrays: None, rows, columns, row_stride: columns, column_stride: 1, slice: PhantomData }
    }

    /// Creates a block of the gradient of weights, which are updated when their gradient is complete.
    ///
    /// # Panics
    /// If the slice or the weights have the wrong length.
    pub(super) fn with_update(data: &'a mut [f32], rows: usize, columns: usize, update: Update<'a>) -> Block<'a> {
        let Update { arrays, rule } = update;
        assert_eq!(arrays[0].len(), data.len(), "a gradient has an element for each weight");
        let kept = |array: &'a mut [f32]| (array.len() == data.len()).then_some(array.as_mut_ptr());
        let updated_arrays = UpdatedArrays { arrays: arrays.map(kept), offset: 0, rule };
        Block { updated_arrays: Some(updated_arrays), ..Block::new(data, rows, columns) }
    }

    /// Transposes the block without copying.
    pub(super) fn t(self) -> Block<'a> {
        let (rows, columns) = (self.columns, self.rows);
        Block { rows, columns, row_stride: self.column_stride, column_stride: self.row_stride, ..self }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Splits the block after the first `at` rows.
    pub(super) fn split_rows(self, at: usize) -> (Block<'a>, Block<'a>) {
        assert!(at < self.rows, "a split leaves rows on both sides");
        let updated_arrays = self.arrays_from(at * self.row_stride);
        let below = Block { start: self.element(at, 0), updated_arrays, rows: self.rows - at, ..self };
        (Block { rows: at, ..self }, below)
    }

    /// Splits the block after the first `at` columns.
    pub(super) fn split_columns(self, at: usize) -> (Block<'a>, Block<'a>) {
        assert!(at < self.columns, "a split leaves columns on both sides");
        let updated_arrays = self.arrays_from(at * self.column_stride);
        let right = Block { start: self.element(0, at), updated_arrays, columns: self.columns - at, ..self };
        (Block { columns: at, ..self }, right)
    }

    /// Elements of row `row`: `width` elements starting at `column`. They are contiguous because the block is not
    /// transposed.
    #[inline(always)]
    pub(super) fn row(&mut self, row: usize, column: usize, width: usize) -> &mut [f32] {
        assert!(self.column_stride == 1 && row < self.rows);
        assert!(width <= self.columns && column <= self.columns - width, "elements of a row");
        // SAFETY: the elements are inside the block, contiguous, and borrowed with it.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts_mut(self.start.add(row * self.row_stride + column), width)
        }
    }

    /// Elements of column `column`: `height` elements starting at `row`. They are contiguous because the block is
    /// transposed.
    #[inline(always)]
    pub(super) fn column(&mut self, row: usize, column: usize, height: usize) -> &mut [f32] {
        assert!(self.row_stride == 1 && column < self.columns);
        assert!(height <= self.rows && row <= self.rows - height, "elements of a column");
        // SAFETY: the elements are inside the block, contiguous, and borrowed with it.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts_mut(self.start.add(row + column * self.column_stride), height)
        }
    }

    /// Whether columns instead of rows are contiguous.
    pub(super) fn transposed(&self) -> bool {
        self.column_stride != 1
    }

    /// Whether its rows continue in other blocks.
    pub(super) fn shares_rows(&self) -> bool {
        self.columns < self.row_stride
    }

    /// Whether weights are updated from the elements.
    pub(super) fn is_updated(&self) -> bool {
        self.updated_arrays.is_some()
    }

    /// A range of rows. If weights are updated from the rows and `finished` is set, the elements are not read again, so
    /// all ranges are written to the same memory, which stays in cache.
    pub(super) fn some_rows(&mut self, rows: Range<usize>, finished: bool) -> Block<'_> {
        assert!(rows.start < rows.end && rows.end <= self.rows, "some rows of a block");
        let updated_arrays = self.arrays_from(rows.start * self.row_stride);
        let first = if finished && updated_arrays.is_some() { 0 } else { rows.start };
        Block { start: self.element(first, 0), updated_arrays, rows: rows.len(), ..*self }
    }

    /// Updates the weights from the elements, one contiguous range at a time.
    pub(super) fn update_weights(&mut self) {
        let Some(updated_arrays) = self.updated_arrays else { return };
        let (lines, stride, length) = match self.transposed() {
            false => (self.rows, self.row_stride, self.columns),
            true => (self.columns, self.column_stride, self.rows),
        };
        let (lines, length) = if length == stride { (1, lines * length) } else { (lines, length) };
        for line in 0..lines {
            let stretch = |array: *mut f32, offset: usize| {
                // SAFETY: the elements are inside the block, or correspond to such elements, and are borrowed with it. The
                // arrays are disjoint, as each was borrowed separately.
                #[allow(unsafe_code)]
                unsafe {
                    std::slice::from_raw_parts_mut(array.add(offset + line * stride), length)
                }
            };
            let beside =
                |array: Option<*mut f32>| array.map_or(&mut [][..], |array| stretch(array, updated_arrays.offset));
            (updated_arrays.rule)(stretch(self.start, 0), updated_arrays.arrays.map(beside));
        }
    }

    fn arrays_from(&self, further: usize) -> Option<UpdatedArrays<'a>> {
        self.updated_arrays
            .map(|updated_arrays| UpdatedArrays { offset: updated_arrays.offset + further, ..updated_arrays })
    }

    /// Address of an element of the block.
    fn element(&self, row: usize, column: usize) -> *mut f32 {
        debug_assert!(row < self.rows && column < self.columns);
        self.start.wrapping_add(row * self.row_stride + column * self.column_stride)
    }
}

impl fmt::Debug for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {} elements", self.rows, self.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn parts_cover_the_whole_without_overlap() {
        let mut data = vec![0.0; 5 * 7];
        let (top, bottom) = Block::new(&mut data, 5, 7).split_rows(2);
        let (left, right) = top.split_columns(3);
        for (number, mut part) in [left, right, bottom].into_iter().enumerate() {
            for row in 0..part.rows() {
                let columns = part.columns();
                part.row(row, 0, columns).iter_mut().for_each(|v| *v += number as f32 + 1.0);
            }
        }
        let expected = |row: usize, column: usize| {
            if row >= 2 {
                3.0
            } else if column >= 3 {
                2.0
            } else {
                1.0
            }
        };
        assert!(data.iter().enumerate().all(|(at, v)| *v == expected(at / 7, at % 7)));
    }

    #[test]
    fn a_transposed_block_writes_columns() {
        let mut data = vec![0.0; 6];
        let mut block = Block::new(&mut data, 2, 3).t();
        assert!(block.transposed() && block.rows() == 3 && block.columns() == 2);
        block.column(1, 0, 2).copy_from_slice(&[1.0, 2.0]);
        assert_eq!(data, [0.0, 1.0, 2.0, 0.0, 0.0, 0.0]);
    }

    /// Splits matrices in all ways, and fills and updates each block.
    #[test]
    fn updates_see_every_element_once() {
        for transposed in [false, true] {
            let (mut gradient, mut value, mut state) = (vec![f32::NAN; 35], vec![0.0; 35], vec![0.0; 35]);
            let rule = |gradient: &[f32], [value, state, none, ..]: [&mut [f32]; 5]| {
                assert!(none.is_empty());
                value.iter_mut().zip(gradient).for_each(|(w, g)| *w += g);
                state.iter_mut().for_each(|m| *m += 1.0);
            };
            let update = Update::new(&mut value, [&mut state, &mut [], &mut [], &mut []], &rule);
            let block = Block::with_update(&mut gradient, 5, 7, update);
            let (left, right) = block.split_columns(3);
            let (top, bottom) = right.split_rows(2);
            for (mut part, row, column) in [(left, 0, 0), (top, 0, 3), (bottom, 2, 3)] {
                part = if transposed { part.t() } else { part };
                for first in (0..part.rows()).step_by(2) {
                    let rows = first..part.rows().min(first + 2);
                    let mut some = part.some_rows(rows.clone(), true);
                    for (inside, r) in rows.enumerate() {
                        for c in 0..some.columns() {
                            let number =
                                if transposed { (row + c) * 7 + column + r } else { (row + r) * 7 + column + c };
                            let element = if transposed { some.column(inside, c, 1) } else { some.row(inside, c, 1) };
                            element[0] = number as f32;
                        }
                    }
                    some.update_weights();
                }
            }
            assert!(value.iter().enumerate().all(|(at, value)| *value == at as f32), "{value:?}");
            assert_eq!(state, [1.0; 35]);
        }
    }

    /// Adds its number to each element of a part of a matrix, in random pieces on several threads, and updates the weights.
    fn fill(mut block: Block<'_>, corner: [usize; 2], width: usize, choice: u32) {
        let next = choice.wrapping_mul(0x9e37_79b9).rotate_left(11) ^ 0x2545_f491;
        let (rows, columns) = (block.rows(), block.columns());
        let at = choice as usize >> 8;
        if choice & 1 == 0 && rows > 1 {
            let at = 1 + at % (rows - 1);
            let (top, bottom) = block.split_rows(at);
            let below = [corner[0] + at, corner[1]];
            rayon::join(|| fill(top, corner, width, next), || fill(bottom, below, width, next ^ 7));
        } else if choice & 2 == 0 && columns > 1 {
            let at = 1 + at % (columns - 1);
            let (left, right) = block.split_columns(at);
            let beside = [corner[0], corner[1] + at];
            rayon::join(|| fill(left, corner, width, next), || fill(right, beside, width, next ^ 7));
        } else {
            let transposed = choice & 4 == 0;
            block = if transposed { block.t() } else { block };
            let first = at % block.rows();
            for range in [0..first, first..block.rows()].into_iter().filter(|range| !range.is_empty()) {
                let mut some = block.some_rows(range.clone(), false);
                for (inside, row) in range.enumerate() {
                    for column in 0..some.columns() {
                        let place = if transposed { [column, row] } else { [row, column] };
                        let number = (corner[0] + place[0]) * width + corner[1] + place[1];
                        let element =
                            if transposed { some.column(inside, column, 1) } else { some.row(inside, column, 1) };
                        element[0] += number as f32;
                    }
                }
                some.update_weights();
            }
        }
    }

    #[test]
    fn pieces_on_several_threads_are_those_of_a_slice() {
        let rule = |gradient: &[f32], [value, ..]: [&mut [f32]; 5]| {
            value.iter_mut().zip(gradient).for_each(|(w, g)| *w += 2.0 * g);
        };
        samples::in_pools(|| {
            for (number, choice) in samples::bits(3, 200).into_iter().enumerate() {
                let (rows, columns) = (1 + number % 13, 1 + number * 7 % 19);
                let (mut gradient, mut value) = (vec![0.0; rows * columns], vec![1.0; rows * columns]);
                let update = Update::new(&mut value, [&mut [], &mut [], &mut [], &mut []], &rule);
                fill(Block::with_update(&mut gradient, rows, columns, update), [0, 0], columns, choice);
                let expected: Vec<f32> = (0..rows * columns).map(|at| at as f32).collect();
                assert_eq!(gradient, expected, "{rows} × {columns}");
                assert!(value.iter().zip(expected).all(|(value, at)| *value == 1.0 + 2.0 * at), "{rows} × {columns}");
            }
        });
    }

    #[test]
    fn elements_outside_a_block_are_rejected() {
        for (row, column, width) in [(1, 2, 2), (2, 0, 1), (0, 4, 0), (0, usize::MAX, 2), (0, 1, usize::MAX)] {
            let rejected = |transposed: bool| {
                let mut data = vec![0.0; 6];
                let read = || match transposed {
                    false => Block::new(&mut data, 2, 3).row(row, column, width).len(),
                    true => Block::new(&mut data, 2, 3).t().column(column, row, width).len(),
                };
                catch_unwind(AssertUnwindSafe(read)).is_err()
            };
            assert!(rejected(false) && rejected(true), "{row}, {column}, {width}");
        }
    }
}
