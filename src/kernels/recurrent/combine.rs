//! Elementwise sums and products of the rows of a step.

use super::rows::{Rows, RowsMut};
use crate::kernels::simd::vectorized;

vectorized! {
    /// `to ← to + values`, for `sizes` = [rows, width].
    pub(super) fn add<F: Fma>(values: Rows<'_>, to: RowsMut<'_>, sizes: [usize; 2]) {
        let ([rows, width], mut to) = (sizes, to);
        for row in 0..rows {
            to.row(row, width).iter_mut().zip(values.row(row, width)).for_each(|(to, value)| *to += value);
        }
    }
}

vectorized! {
    /// `to ← a · b`, elementwise, for `sizes` = [rows, width].
    pub(super) fn multiply<F: Fma>(a: Rows<'_>, b: Rows<'_>, to: RowsMut<'_>, sizes: [usize; 2]) {
        let ([rows, width], mut to) = (sizes, to);
        for row in 0..rows {
            let factors = a.row(row, width).iter().zip(b.row(row, width));
            to.row(row, width).iter_mut().zip(factors).for_each(|(to, (a, b))| *to = a * b);
        }
    }
}
