//! Softmax over rows, and its cross-entropy in the stable form.

use crate::kernels::math;
use crate::kernels::simd::{self, Fma, vectorized};

/// Elements that are computed at once.
const LANES: usize = 16;

/// Exponent below which eˣ is 0 in softmax, where it is 0 as an `f32` too.
const MIN_EXPONENT: f32 = -104.0;

/// Exponent below which eˣ is 0 in the cross-entropy. A probability of 9e-27 does not change any weight, but its products with
/// small weights and inputs would be denormal numbers, which some processors multiply a hundred times more slowly.
const MIN_LIKELY_EXPONENT: f32 = -60.0;

vectorized! {
    /// yᵢ = exp(xᵢ − max x) / Σⱼ exp(xⱼ − max x) in each row of `columns`.
    fn rows<F: Fma>(x: &[f32], columns: usize, y: &mut [f32]) {
        for (x, y) in x.chunks_exact(columns).zip(y.chunks_exact_mut(columns)) {
            let sum = exponentials::<F>(x, maximum(x), MIN_EXPONENT, y);
            y.iter_mut().for_each(|y| *y /= sum);
        }
    }
}

/// y = softmax(x) in each row of `columns`.
///
/// # Panics
/// If the lengths differ.
pub fn forward(x: &[f32], columns: usize, y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "softmax keeps the number of elements");
    rows(simd::current(), x, columns, y);
}

/// dxᵢ = yᵢ · (dyᵢ − Σⱼ yⱼ·dyⱼ) in each row.
pub fn backward(y: &[f32], columns: usize, dy: &[f32], dx: &mut [f32]) {
    let rows = y.chunks_exact(columns).zip(dy.chunks_exact(columns)).zip(dx.chunks_exact_mut(columns));
    for ((y, dy), dx) in rows {
        let along = y.iter().zip(dy).fold(0.0, |sum, (y, dy)| sum + y * dy);
        dx.iter_mut().zip(y).zip(dy).for_each(|((dx, y), dy)| *dx = y * (dy - along));
    }
}

vectorized! {
    /// Implements [`crossentropy`] for an instruction set.
    fn crossentropy_rows<F: Fma>(
        x: &[f32],
        targets: Targets<'_>,
        weights: RowWeights<'_>,
        columns: usize,
        p: &mut [f32],
    ) -> f32 {
        let mut total = 0.0;
        for (row, (x, p)) in x.chunks_exact(columns).zip(p.chunks_exact_mut(columns)).enumerate() {
            let maximum = maximum(x);
            let sum = exponentials::<F>(x, maximum, MIN_LIKELY_EXPONENT, p);
            p.iter_mut().for_each(|p| *p /= sum);
            let log_sum = math::ln(f64::from(sum)) as f32;
            let weight = weights.of(row);
            total += targets.fold(row, columns, |column, t| weight * t * (log_sum - (x[column] - maximum)));
        }
        total
    }
}

/// Computes Σ −Σᵢ tᵢ · ln softmax(x)ᵢ over the rows, with ln softmax(x)ᵢ = xᵢ − max x − ln Σⱼ exp(xⱼ − max x). Sets `p`
/// to softmax(x), with 0 for probabilities below e⁻⁶⁰.
///
/// Rows are weighted. A label that is not a class makes the loss NaN.
///
/// # Panics
/// If `x` and `p` have different lengths.
pub fn crossentropy(x: &[f32], targets: Targets<'_>, weights: RowWeights<'_>, columns: usize, p: &mut [f32]) -> f32 {
    assert_eq!(x.len(), p.len(), "softmax keeps the number of elements");
    crossentropy_rows(simd::current(), x, targets, weights, columns, p)
}

/// dx = (p · Σᵢ tᵢ − t) · scale · weight in each row.
pub fn crossentropy_backward(
    p: &[f32],
    targets: Targets<'_>,
    weights: RowWeights<'_>,
    columns: usize,
    scale: f32,
    dx: &mut [f32],
) {
    crossentropy_slopes(simd::current(), p, targets, weights, columns, scale, dx);
}

vectorized! {
    /// Implements [`crossentropy_backward`] for an instruction set.
    fn crossentropy_slopes<F: Fma>(
        p: &[f32],
        targets: Targets<'_>,
        weights: RowWeights<'_>,
        columns: usize,
        scale: f32,
        dx: &mut [f32],
    ) {
        for (row, (p, dx)) in p.chunks_exact(columns).zip(dx.chunks_exact_mut(columns)).enumerate() {
            let (sum, scale) = (targets.sum(row, columns), scale * weights.of(row));
            dx.iter_mut().zip(p).for_each(|(dx, p)| *dx = p * sum * scale);
            match targets {
                Targets::Rows(t) => {
                    let t = &t[row * columns..][..columns];
                    dx.iter_mut().zip(t).for_each(|(dx, t)| *dx -= t * scale);
                }
                Targets::Labels(labels) => {
                    if let Some(column) = label(labels[row], columns) {
                        dx[column] -= scale;
                    }
                }
            }
        }
    }
}

/// The weights of rows: 1 for all, or one weight per group of rows.
#[derive(Clone, Copy, Debug)]
pub struct RowWeights<'a> {
    /// The weights of the groups. Empty if all rows have weight 1.
    pub weights: &'a [f32],
    /// Rows per group: 1, or the number of positions of a row of the batch.
    pub group: usize,
}

impl RowWeights<'_> {
    /// Weight 1 for all rows.
    pub const NONE: RowWeights<'static> = RowWeights { weights: &[], group: 1 };

    /// The weight of a row.
    #[inline(always)]
    pub(crate) fn of(self, row: usize) -> f32 {
        if self.weights.is_empty() { 1.0 } else { self.weights[row / self.group] }
    }
}

/// The targets of the rows.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// A row of probabilities per row, often one-hot.
    Rows(&'a [f32]),
    /// The index of a class per row.
    Labels(&'a [f32]),
}

impl Targets<'_> {
    /// Σ term(i, tᵢ) over the targets of a row that are not 0, ascending; NaN if a label is not a column.
    #[inline(always)]
    pub(crate) fn fold(self, row: usize, columns: usize, mut term: impl FnMut(usize, f32) -> f32) -> f32 {
        match self {
            Targets::Rows(targets) => {
                let targets = targets[row * columns..][..columns].iter().enumerate().filter(|(_, t)| **t != 0.0);
                targets.fold(0.0, |sum, (column, t)| sum + term(column, *t))
            }
            Targets::Labels(labels) => match label(labels[row], columns) {
                Some(column) => term(column, 1.0),
                None => f32::NAN,
            },
        }
    }

    /// Σ tᵢ over the targets of a row; NaN if a label is not a column.
    #[inline(always)]
    fn sum(self, row: usize, columns: usize) -> f32 {
        match self {
            Targets::Rows(targets) => targets[row * columns..][..columns].iter().fold(0.0, |sum, t| sum + t),
            Targets::Labels(labels) => label(labels[row], columns).map_or(f32::NAN, |_| 1.0),
        }
    }
}

/// The column of a label, or `None` if the label is not a column.
pub(crate) fn label(value: f32, columns: usize) -> Option<usize> {
    let column = value as usize;
    (value >= 0.0 && column as f32 == value && column < columns).then_some(column)
}

#[inline(always)]
fn maximum(x: &[f32]) -> f32 {
    x.iter().fold(f32::NEG_INFINITY, |most, &x| if x > most { x } else { most })
}

/// y = exp(x − shift), or 0 if x − shift < `least`. Returns the sum, an ascending chain. Whole vectors are computed,
/// because most rows are short.
#[inline(always)]
fn exponentials<F: Fma>(x: &[f32], shift: f32, least: f32, y: &mut [f32]) -> f32 {
    let exponential = |x: f32| {
        // All lanes are computed. Ignored ones have an exponent that gives no denormal number.
        let y = math::exp::<F>(if x < least { least } else { x });
        if x < least { 0.0 } else { y }
    };
    let mut sum = 0.0;
    for (x, y) in x.chunks(LANES).zip(y.chunks_mut(LANES)) {
        let mut lanes = [shift; LANES];
        lanes[..x.len()].copy_from_slice(x);
        lanes.iter_mut().for_each(|x| *x = exponential(*x - shift));
        y.copy_from_slice(&lanes[..x.len()]);
        sum = y.iter().fold(sum, |sum, y| sum + y);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    #[test]
    fn agrees_with_f64_over_odd_sizes() {
        for columns in [1, 2, 3, 7, 8, 9, 10, 31] {
            let x: Vec<f32> = samples::values(columns as u64, 5 * columns).iter().map(|x| 9.0 * x).collect();
            let mut y = vec![f32::NAN; x.len()];
            forward(&x, columns, &mut y);
            for (x, y) in x.chunks(columns).zip(y.chunks(columns)) {
                let sum: f64 = x.iter().map(|x| f64::from(*x).exp()).sum();
                for (x, y) in x.iter().zip(y) {
                    approx::assert_relative_eq!(f64::from(*y), f64::from(*x).exp() / sum, max_relative = 2e-6);
                }
            }
        }
    }

    #[test]
    fn large_logits_neither_overflow_nor_give_probability_1() {
        let mut p = [f32::NAN; 2];
        assert_eq!(crossentropy(&[100.0, -100.0], Targets::Labels(&[1.0]), RowWeights::NONE, 2, &mut p), 200.0);
        assert_eq!(crossentropy(&[100.0, -100.0], Targets::Rows(&[1.0, 0.0]), RowWeights::NONE, 2, &mut p), 0.0);
        assert!(crossentropy(&[1.0, 2.0], Targets::Labels(&[2.0]), RowWeights::NONE, 2, &mut p).is_nan());
        assert!(crossentropy(&[f32::NAN, 2.0], Targets::Labels(&[1.0]), RowWeights::NONE, 2, &mut p).is_nan());
    }

    #[test]
    fn a_class_with_negligible_probability_has_gradient_0() {
        let (x, target) = ([0.0, -59.0, -61.0, -200.0, f32::NEG_INFINITY], Targets::Labels(&[0.0]));
        let (mut p, mut dx) = ([f32::NAN; 5], [f32::NAN; 5]);
        assert_eq!(crossentropy(&x, target, RowWeights::NONE, 5, &mut p), 0.0);
        crossentropy_backward(&p, target, RowWeights::NONE, 5, 1e-3, &mut dx);
        approx::assert_relative_eq!(dx[1], 1e-3 * (-59f32).exp(), max_relative = 1e-5);
        assert_eq!([dx[0], dx[2], dx[3], dx[4]], [0.0; 4]);
        forward(&x, 5, &mut p);
        approx::assert_relative_eq!(p[2], (-61f32).exp(), max_relative = 1e-5);
    }

    #[test]
    fn bits_do_not_depend_on_instructions() {
        let x = samples::values(7, 170);
        let mut expected = vec![f32::NAN; x.len()];
        let loss = crossentropy(&x, Targets::Labels(&[3.0; 17]), RowWeights::NONE, 10, &mut expected);
        for level in samples::levels() {
            let mut p = vec![f32::NAN; x.len()];
            let found = crossentropy_rows(level, &x, Targets::Labels(&[3.0; 17]), RowWeights::NONE, 10, &mut p);
            assert_eq!(found.to_bits(), loss.to_bits());
            samples::assert_same_bits(&p, &expected, "probabilities");
        }
    }
}
