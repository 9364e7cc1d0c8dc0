//! A product with few rows, such as a prediction for one image: B is read once, in memory order. If B is known to be
//! finite, rows of B that are multiplied by zero are skipped, which does not change the result (see `sparse`).

use super::super::block::Block;
use super::super::simd::{Fma, vectorized};
use super::{Product, Sum, finish};

/// Maximum number of rows of A for which this is faster.
pub(super) const MAX_ROWS: usize = 3;

/// Rows of B that are added together, so that an element of C is loaded once for all of them.
const ROWS_AT_ONCE: usize = 8;

/// Columns processed together, so that these rows of B stay in the L1 cache for all rows of A.
const COLUMNS: usize = 1024;

/// Whether a product is of this kind.
pub(super) fn fits(product: &Product<'_>) -> bool {
    let as_they_lie = !product.a.transposed && !product.b.transposed;
    product.a.rows <= MAX_ROWS && as_they_lie && product.sum == Sum::Chain
}

/// Computes a part of C on this thread, each element an ascending chain.
pub(super) fn fill(product: &Product<'_>, mut c: Block<'_>, row: usize, column: usize) {
    let (a, b) = (product.a, product.b);
    for j in (0..c.columns()).step_by(COLUMNS) {
        let width = COLUMNS.min(c.columns() - j);
        let b_from = &b.data[column + j..];
        (0..c.rows()).for_each(|r| c.row(r, j, width).fill(0.0));
        // If rows of B are skipped, the remaining ones are few enough to be added at once.
        let together = if b.finite { b.rows.max(1) } else { ROWS_AT_ONCE };
        for start in (0..b.rows).step_by(together) {
            let rows = together.min(b.rows - start);
            for r in 0..c.rows() {
                let a = &a.data[(row + r) * a.stride() + start..][..rows];
                add_rows(product.level, a, start, b_from, b.stride(), b.finite, c.row(r, j, width));
            }
        }
        for r in 0..c.rows() {
            c.row(r, j, width).iter_mut().for_each(|sum| *sum += 0.0); // converts −0 to 0, as in every product
        }
    }
    finish(product, &mut c, column);
}

vectorized! {
    /// `c[l] ← c[l] + Σₖ a[k] · b[(first + k) · stride + l]`. `skip` selects whether zeros of `a` are skipped.
    fn add_rows<F: Fma>(a: &[f32], first: usize, b: &[f32], stride: usize, skip: bool, c: &mut [f32]) {
        let (mut factors, mut places, mut count) = ([0.0; ROWS_AT_ONCE], [0; ROWS_AT_ONCE], 0);
        for (k, value) in a.iter().enumerate() {
            (factors[count], places[count]) = (*value, (first + k) * stride);
            // Counted without a branch, because zeros are unpredictable.
            count += usize::from(!skip || *value != 0.0);
            if count == ROWS_AT_ONCE {
                add_eight::<F>(&factors, places.map(|place| &b[place..]), c);
                count = 0;
            }
        }
        for (factor, place) in factors.iter().zip(places).take(count) {
            c.iter_mut().zip(&b[place..]).for_each(|(c, b)| *c = F::fma(*factor, *b, *c));
        }
    }
}

#[inline(always)]
fn add_eight<F: Fma>(a: &[f32; ROWS_AT_ONCE], b: [&[f32]; ROWS_AT_ONCE], c: &mut [f32]) {
    let width = c.len();
    let b = b.map(|row| &row[..width]);
    for l in 0..width {
        let mut sum = c[l];
        for k in 0..ROWS_AT_ONCE {
            sum = F::fma(a[k], b[k][l], sum);
        }
        c[l] = sum;
    }
}
