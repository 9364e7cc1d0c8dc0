//! The common parts of dense and sparse matrix products: operands, sums and epilogue.

use super::activation::{self, Elementwise};
use super::block::Block;
use super::simd;

/// A row-major or transposed matrix in a slice.
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
    /// Creates a row-major matrix.
    ///
    /// # Panics
    /// If the slice has the wrong length.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Matrix<'a> {
        assert_eq!(data.len(), rows * columns, "a matrix of {rows} × {columns} elements");
        Matrix { data, rows, columns, transposed: false, finite: false }
    }

    /// Transposes the matrix without copying.
    #[must_use]
    pub fn t(self) -> Matrix<'a> {
        Matrix { rows: self.columns, columns: self.rows, transposed: !self.transposed, ..self }
    }

    /// Declares that all elements are finite, so that elements that are multiplied by zero need not be read.
    #[must_use]
    pub fn known_finite(self) -> Matrix<'a> {
        Matrix { finite: true, ..self }
    }

    /// Distance of two rows, or of two columns in a transposed matrix.
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

/// The operation on C after the product, while C is in cache.
#[derive(Clone, Copy, Debug)]
pub enum Epilogue<'a> {
    /// No operation.
    None,
    /// Adds a bias to each column, then applies the activation.
    Affine {
        /// One bias per column of C.
        bias: Option<&'a [f32]>,
        /// The activation.
        activation: Elementwise,
    },
}

/// Rows in a chunk of a sum over the batch.
pub const ROWS_PER_CHUNK: usize = 256;

/// The treatment of partial sums over blocks of k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sum {
    /// Each block continues the chain of the previous one.
    Chain,
    /// The sums of blocks are added.
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

/// Applies the epilogue to a finished part of C that starts at `column`.
pub(super) fn finish(product: &Product<'_>, c: &mut Block<'_>, column: usize) {
    c.update_weights();
    let Epilogue::Affine { bias, activation } = product.epilogue else { return };
    let (bias, columns) = (bias.map_or(&[][..], |bias| &bias[column..]), c.columns());
    (0..c.rows()).for_each(|r| activation::finish_row(product.level, activation, bias, c.row(r, 0, columns)));
}
