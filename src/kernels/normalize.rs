//! Statistics of columns over the rows of a batch, and normalisation by them.
//!
//! Rows are samples times pixels, columns are channels. Sums over rows go in chunks of a fixed number of rows, each an ascending
//! chain, added in ascending order.

use rayon::prelude::*;

/// Rows in a chunk of a sum.
const CHUNK: usize = 256;

/// Work, in elements, below which a fork costs more than it gives.
const WORTH_SPLITTING: usize = 1 << 16;

/// total[j] = Σᵢ term(i, row)ⱼ over rows i; `part` is room for one chunk's sums.
fn sum_columns(rows: usize, total: &mut [f32], part: &mut [f32], term: impl Fn(usize, &mut [f32])) {
    total.fill(0.0);
    for start in (0..rows).step_by(CHUNK) {
        part.fill(0.0);
        (start..rows.min(start + CHUNK)).for_each(|row| term(row, part));
        total.iter_mut().zip(part.iter()).for_each(|(total, part)| *total += part);
    }
}

/// mean = Σ x / n and variance = Σ (x − mean)² / n of each column (the biased variance, as Keras has it).
///
/// `part` is room for one row.
pub fn statistics(x: &[f32], mean: &mut [f32], variance: &mut [f32], part: &mut [f32]) {
    let columns = mean.len();
    let rows = x.len() / columns;
    let row = |row: usize| &x[row * columns..][..columns];
    sum_columns(rows, mean, part, |i, part| part.iter_mut().zip(row(i)).for_each(|(part, x)| *part += x));
    mean.iter_mut().for_each(|mean| *mean /= rows as f32);
    let mean = &*mean;
    sum_columns(rows, variance, part, |i, part| {
        for ((part, x), mean) in part.iter_mut().zip(row(i)).zip(mean) {
            *part += (x - mean) * (x - mean);
        }
    });
    variance.iter_mut().for_each(|variance| *variance /= rows as f32);
}

/// y = gamma · (x − mean) · scale + beta, with scale = 1 / √(variance + epsilon).
pub fn forward(x: &[f32], mean: &[f32], scale: &[f32], gamma: &[f32], beta: &[f32], y: &mut [f32]) {
    let columns = mean.len();
    let row = |(x, y): (&[f32], &mut [f32])| {
        for (j, (y, x)) in y.iter_mut().zip(x).enumerate() {
            *y = gamma[j] * ((x - mean[j]) * scale[j]) + beta[j];
        }
    };
    if x.len() < WORTH_SPLITTING {
        x.chunks_exact(columns).zip(y.chunks_exact_mut(columns)).for_each(row);
    } else {
        let block = columns * CHUNK;
        let blocks = x.par_chunks(block).zip(y.par_chunks_mut(block));
        blocks.for_each(|(x, y)| x.chunks_exact(columns).zip(y.chunks_exact_mut(columns)).for_each(row));
    }
}

/// dgamma = Σ dy · (x − mean) · scale and dbeta = Σ dy, over rows. `part` is room for one row.
pub fn backward_columns(
    x: &[f32],
    dy: &[f32],
    [mean, scale]: [&[f32]; 2],
    dgamma: &mut [f32],
    dbeta: &mut [f32],
    part: &mut [f32],
) {
    let columns = mean.len();
    let rows = x.len() / columns;
    let (x, dy) = (|i: usize| &x[i * columns..][..columns], |i: usize| &dy[i * columns..][..columns]);
    sum_columns(rows, dbeta, part, |i, part| part.iter_mut().zip(dy(i)).for_each(|(part, dy)| *part += dy));
    sum_columns(rows, dgamma, part, |i, part| {
        for (j, ((part, x), dy)) in part.iter_mut().zip(x(i)).zip(dy(i)).enumerate() {
            *part += dy * ((x - mean[j]) * scale[j]);
        }
    });
}

/// The gradient of [`forward`] with respect to x where mean and scale are those of the batch (Ioffe and Szegedy 2015):
///
/// dx = gamma · scale / n · (n · dy − dbeta − x̂ · dgamma), with x̂ = (x − mean) · scale.
pub fn backward_input(
    x: &[f32],
    dy: &[f32],
    [mean, scale, gamma]: [&[f32]; 3],
    [dgamma, dbeta]: [&[f32]; 2],
    dx: &mut [f32],
) {
    let columns = mean.len();
    let rows = (x.len() / columns) as f32;
    let rows_of = x.chunks_exact(columns).zip(dy.chunks_exact(columns)).zip(dx.chunks_exact_mut(columns));
    for ((x, dy), dx) in rows_of {
        for (j, ((dx, x), dy)) in dx.iter_mut().zip(x).zip(dy).enumerate() {
            let normal = (x - mean[j]) * scale[j];
            *dx = gamma[j] * scale[j] * (dy - (dbeta[j] + normal * dgamma[j]) / rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_many_rows() {
        let (rows, columns) = (600, 3);
        let x: Vec<f32> = (0..rows * columns).map(|i| ((i * 31) % 97) as f32).collect();
        let (mut mean, mut variance, mut part) = ([f32::NAN; 3], [f32::NAN; 3], [f32::NAN; 3]);
        statistics(&x, &mut mean, &mut variance, &mut part);
        for j in 0..columns {
            let column: Vec<f64> = x.iter().skip(j).step_by(columns).map(|x| f64::from(*x)).collect();
            let expected = column.iter().sum::<f64>() / rows as f64;
            let spread = column.iter().map(|x| (x - expected).powi(2)).sum::<f64>() / rows as f64;
            approx::assert_relative_eq!(f64::from(mean[j]), expected, max_relative = 1e-6);
            approx::assert_relative_eq!(f64::from(variance[j]), spread, max_relative = 1e-5);
        }
    }

    #[test]
    fn normalised_columns_have_mean_beta_and_deviation_gamma() {
        let x = [1.0, 10.0, 3.0, 30.0, 5.0, 50.0];
        let (mut mean, mut variance, mut part) = ([0.0; 2], [0.0; 2], [0.0; 2]);
        statistics(&x, &mut mean, &mut variance, &mut part);
        let scale = variance.map(|variance| 1.0 / variance.sqrt());
        let mut y = [f32::NAN; 6];
        forward(&x, &mean, &scale, &[2.0, 3.0], &[-1.0, 1.0], &mut y);
        statistics(&y, &mut mean, &mut variance, &mut part);
        approx::assert_relative_eq!(mean.as_slice(), [-1.0, 1.0].as_slice(), epsilon = 1e-6);
        approx::assert_relative_eq!(variance.as_slice(), [4.0, 9.0].as_slice(), max_relative = 1e-5);
    }
}
