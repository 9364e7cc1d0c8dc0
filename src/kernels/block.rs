//! A block of a matrix that several threads write at once, each its own part.
//!
//! Columns of a row-major matrix cannot be split off as slices, so this is the one place besides instruction sets where
//! `unsafe` is used. A block covers rows × columns elements of one borrowed slice; splitting consumes it and gives two
//! blocks without a common element, so no element is ever reached through two of them.

use std::marker::PhantomData;

/// Part of a row-major matrix, or of one seen transposed.
#[derive(Debug)]
pub(super) struct Block<'a> {
    start: *mut f32,
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
    slice: PhantomData<&'a mut [f32]>,
}

// SAFETY: a block is an exclusive borrow of its elements, as `&mut [f32]` is, and that may go to another thread.
#[allow(unsafe_code)]
unsafe impl Send for Block<'_> {}

impl<'a> Block<'a> {
    /// A whole row-major matrix.
    ///
    /// # Panics
    /// When the slice has another length.
    pub(super) fn new(data: &'a mut [f32], rows: usize, columns: usize) -> Block<'a> {
        assert_eq!(data.len(), rows * columns, "a matrix of {rows} × {columns} elements");
        Block { start: data.as_mut_ptr(), rows, columns, row_stride: columns, column_stride: 1, slice: PhantomData }
    }

    /// The same elements, rows as columns.
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

    /// The first `at` rows, and the others.
    pub(super) fn split_rows(self, at: usize) -> (Block<'a>, Block<'a>) {
        assert!(at < self.rows, "a split leaves rows on both sides");
        let below = Block { start: self.element(at, 0), rows: self.rows - at, ..self };
        (Block { rows: at, ..self }, below)
    }

    /// The first `at` columns, and the others.
    pub(super) fn split_columns(self, at: usize) -> (Block<'a>, Block<'a>) {
        assert!(at < self.columns, "a split leaves columns on both sides");
        let right = Block { start: self.element(0, at), columns: self.columns - at, ..self };
        (Block { columns: at, ..self }, right)
    }

    /// `width` elements of row `row` from column `column` on, where they lie side by side: not in a transposed block.
    #[inline(always)]
    pub(super) fn row(&mut self, row: usize, column: usize, width: usize) -> &mut [f32] {
        assert!(self.column_stride == 1 && row < self.rows && column + width <= self.columns);
        // SAFETY: the elements are inside the block, side by side, and borrowed with it.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts_mut(self.start.add(row * self.row_stride + column), width)
        }
    }

    /// `height` elements of column `column` from row `row` on, where they lie side by side: in a transposed block.
    #[inline(always)]
    pub(super) fn column(&mut self, row: usize, column: usize, height: usize) -> &mut [f32] {
        assert!(self.row_stride == 1 && row + height <= self.rows && column < self.columns);
        // SAFETY: the elements are inside the block, side by side, and borrowed with it.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts_mut(self.start.add(row + column * self.column_stride), height)
        }
    }

    /// Whether columns lie side by side and not rows.
    pub(super) fn transposed(&self) -> bool {
        self.column_stride != 1
    }

    /// Whether its rows go on in other blocks.
    pub(super) fn shares_rows(&self) -> bool {
        self.columns < self.row_stride
    }

    /// The address of an element of the block.
    fn element(&self, row: usize, column: usize) -> *mut f32 {
        debug_assert!(row < self.rows && column < self.columns);
        // SAFETY: the element is inside the slice that the block was made from.
        #[allow(unsafe_code)]
        unsafe {
            self.start.add(row * self.row_stride + column * self.column_stride)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    #[should_panic]
    fn a_row_outside_is_refused() {
        let mut data = vec![0.0; 6];
        Block::new(&mut data, 2, 3).row(1, 2, 2);
    }
}
