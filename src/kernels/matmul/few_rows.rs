//! A product with few rows, such as a prediction for one image: B passes by once, in the order in which it lies.

use super::super::block::Block;
use super::super::simd::{Fma, vectorized};
use super::{Product, Sum, finish};

/// Rows of A up to which this pays.
const ROWS: usize = 3;

/// Rows of B that pass by together: an element of C is fetched once for all of them.
const TOGETHER: usize = 8;

/// Columns at a time: with them, so many rows of B stay in the first cache from one row of A to the next.
const COLUMNS: usize = 1024;

/// Whether a product is of this kind.
pub(super) fn fits(product: &Product<'_>) -> bool {
    let as_they_lie = !product.a.transposed && !product.b.transposed;
    product.a.rows <= ROWS && as_they_lie && product.sum == Sum::Chain
}

/// Fills a part of C on this thread, each element an ascending chain.
pub(super) fn fill(product: &Product<'_>, mut c: Block<'_>, row: usize, column: usize) {
    for j in (0..c.columns()).step_by(COLUMNS) {
        let width = COLUMNS.min(c.columns() - j);
        for start in (0..product.b.rows).step_by(TOGETHER) {
            let rows = TOGETHER.min(product.b.rows - start);
            for r in 0..c.rows() {
                let a = &product.a.data[(row + r) * product.a.stride() + start..][..rows];
                let b = &product.b.data[start * product.b.stride() + column + j..];
                let c = c.row(r, j, width);
                if start == 0 {
                    c.fill(0.0);
                }
                add_rows(product.level, a, b, product.b.stride(), c);
            }
        }
        for r in 0..c.rows() {
            c.row(r, j, width).iter_mut().for_each(|sum| *sum += 0.0); // turns −0 into 0, as in every product
        }
    }
    finish(product, &mut c, column);
}

vectorized! {
    /// `c[l] ← c[l] + Σₖ a[k] · b[k · stride + l]`
    fn add_rows<F: Fma>(a: &[f32], b: &[f32], stride: usize, c: &mut [f32]) {
        match a.try_into() {
            Ok(a) => add_eight::<F>(a, b, stride, c),
            Err(_) => {
                for (a, b) in a.iter().zip(b.chunks(stride)) {
                    c.iter_mut().zip(b).for_each(|(c, b)| *c = F::fma(*a, *b, *c));
                }
            }
        }
    }
}

#[inline(always)]
fn add_eight<F: Fma>(a: &[f32; TOGETHER], b: &[f32], stride: usize, c: &mut [f32]) {
    let width = c.len();
    let b: [&[f32]; TOGETHER] = std::array::from_fn(|k| &b[k * stride..][..width]);
    for l in 0..width {
        let mut sum = c[l];
        for k in 0..TOGETHER {
            sum = F::fma(a[k], b[k][l], sum);
        }
        c[l] = sum;
    }
}
