//! What the dense and the sparse form of a product of matrices share: its operands, its sums and its epilogue.

use super::activation::{self, Elementwise};
use super::block::Block;
use super::simd;

/// A matrix over a slice, row-major or transposed.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    pub(super) data: &'a [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) transposed: bool,
    /// Whether all elements are known to be finite.
    pub(super) finite: bool,
}

impl<'a> Matrix<'a> {
    /// A row-major matrix.
    ///
    /// # Panics
    /// When the slice has another length.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Matrix<'a> {
        assert_eq!(data.len(), rows * columns, "a matrix of {rows} × {columns} elements");
        Matrix { data, rows, columns, transposed: false, finite: false }
    }

    /// The transposed matrix, without copying.
    #[must_use]
    pub fn t(self) -> Matrix<'a> {
        Matrix { rows: self.columns, columns: self.rows, transposed: !self.transposed, ..self }
    }

    /// Declares that no element is infinite or NaN, so that elements that are multiplied by zero need not be read.
    #[must_use]
    pub fn known_finite(self) -> Matrix<'a> {
        Matrix { finite: true, ..self }
    }

    /// The distance of two rows, or of two columns if it is transposed.
    pub(super) fn stride(&self) -> usize {
        if self.transposed { self.rows } else { self.columns }
    }

    pub(super) fn data(&self) -> &'a [f32] {
        self.data
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn is_transposed(&self) -> bool {
        self.transposed
    }
}

/// The operation on C while it is in cache.
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

/// The handling of the partial sums over blocks of k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sum {
    /// They are taken up again: one chain.
    Chain,
    /// They are added.
    Chunks,
}

#[derive(Clone, Copy)]
pub(super) struct Product<'a> {
    pub(super) a: Matrix<'a>,
    pub(super) b: Matrix<'a>,
    pub(super) sum: Sum,
    pub(super) epilogue: Epilogue<'a>,
    pub(super) level: simd::SimdLevel,
    /// Whether the zeros of A are skipped.
    pub(super) skip: bool,
}

/// The operation on a finished part of C that begins at `column`.
pub(super) fn finish(product: &Product<'_>, c: &mut Block<'_>, column: usize) {
    c.follow();
    let Epilogue::Affine { bias, activation } = product.epilogue else { return };
    let (bias, columns) = (bias.map_or(&[][..], |bias| &bias[column..]), c.columns());
    (0..c.rows()).for_each(|r| activation::finish_row(product.level, activation, bias, c.row(r, 0, columns)));
}
