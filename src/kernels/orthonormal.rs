//! Orthonormal rows, computed in `f64` by the modified Gram–Schmidt process.

/// Partial sums of a product of two rows, which can be added at once.
const LANES: usize = 8;

/// Makes the rows of `columns` elements orthonormal: from each, the projections on earlier rows are subtracted, and the rest
/// is scaled to length 1. There are at most as many rows as columns.
///
/// Each subtraction is repeated, which keeps rows orthogonal to the precision of `f64` ("twice is enough", Kahan and Parlett).
pub(crate) fn orthonormalize(rows: &mut [f64], columns: usize) {
    for at in (0..rows.len()).step_by(columns) {
        let (earlier, rest) = rows.split_at_mut(at);
        let row = &mut rest[..columns];
        for _ in 0..2 {
            for earlier in earlier.chunks_exact(columns) {
                let along = product(earlier, row);
                row.iter_mut().zip(earlier).for_each(|(value, earlier)| *value -= along * earlier);
            }
        }
        let length = product(row, row).sqrt();
        row.iter_mut().for_each(|value| *value /= length);
    }
}

/// Σ aᵢ·bᵢ: every [`LANES`]-th product is added to one of the partial sums, which are added in ascending order.
fn product(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (whole, rest) = a.as_chunks::<LANES>();
    let (other, other_rest) = b.as_chunks::<LANES>();
    for (a, b) in whole.iter().zip(other) {
        (0..LANES).for_each(|l| sums[l] += a[l] * b[l]);
    }
    let rest: f64 = rest.iter().zip(other_rest).fold(0.0, |sum, (a, b)| sum + a * b);
    sums.iter().fold(rest, |sum, value| sum + value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    #[test]
    fn rows_have_length_1_and_are_orthogonal() {
        for (count, columns) in [(1, 1), (3, 3), (5, 19), (64, 64)] {
            let mut rows: Vec<f64> = samples::values(1, count * columns).into_iter().map(f64::from).collect();
            orthonormalize(&mut rows, columns);
            let row = |number: usize| &rows[number * columns..][..columns];
            for (i, j) in (0..count).flat_map(|i| (0..=i).map(move |j| (i, j))) {
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((product(row(i), row(j)) - expected).abs() < 1e-13, "{count} × {columns}: {i}, {j}");
            }
        }
    }
}
