//! Normalization compared with its definition.

use super::*;
use crate::kernels::samples;
use crate::kernels::simd::SimdLevel;

fn chunks(x: &[f32], columns: usize) -> ChunkSums {
    ChunkSums::new(x.len() / columns, columns).unwrap()
}

#[test]
fn statistics_of_many_rows() {
    let (rows, columns) = (600, 3);
    let x: Vec<f32> = (0..rows * columns).map(|i| ((i * 31) % 97) as f32).collect();
    let (mut mean, mut variance) = ([f32::NAN; 3], [f32::NAN; 3]);
    statistics(&x, &mut mean, &mut variance, &mut chunks(&x, columns));
    for j in 0..columns {
        let column: Vec<f64> = x.iter().skip(j).step_by(columns).map(|x| f64::from(*x)).collect();
        let expected = column.iter().sum::<f64>() / rows as f64;
        let spread = column.iter().map(|x| (x - expected).powi(2)).sum::<f64>() / rows as f64;
        approx::assert_relative_eq!(f64::from(mean[j]), expected, max_relative = 1e-6);
        approx::assert_relative_eq!(f64::from(variance[j]), spread, max_relative = 1e-5);
    }
}

#[test]
fn normalized_columns_have_mean_beta_and_deviation_gamma() {
    let (x, columns) = ([1.0, 10.0, 3.0, 30.0, 5.0, 50.0], 2);
    let (mut mean, mut variance) = ([0.0; 2], [0.0; 2]);
    statistics(&x, &mut mean, &mut variance, &mut chunks(&x, columns));
    let scale = variance.map(|variance| 1.0 / variance.sqrt());
    let mut y = [f32::NAN; 6];
    forward(&x, [&mean, &scale, &[2.0, 3.0], &[-1.0, 1.0]], Elementwise::Linear, &mut y);
    statistics(&y, &mut mean, &mut variance, &mut chunks(&y, columns));
    approx::assert_relative_eq!(mean.as_slice(), [-1.0, 1.0].as_slice(), epsilon = 1e-6);
    approx::assert_relative_eq!(variance.as_slice(), [4.0, 9.0].as_slice(), max_relative = 1e-5);
}

/// The sum computed by its definition.
fn by_definition(rows: usize, term: impl Fn(usize) -> f32) -> f32 {
    let chunk = |start: usize| (start..rows.min(start + CHUNK)).fold(0.0, |sum, row| sum + term(row));
    (0..rows).step_by(CHUNK).map(chunk).fold(0.0, |sum, chunk| sum + chunk)
}

#[test]
fn bits_are_those_of_the_definition_on_all_threads_and_instructions() {
    for (rows, columns) in [(600, 6), (40, 100), (3, 784), (257, 16), (700, 150), (2100, 24), (1300, 55)] {
        let (x, dy) = (samples::values(1, rows * columns), samples::values(2, rows * columns));
        let given: Vec<Vec<f32>> = (3..6).map(|seed| samples::values(seed, columns)).collect();
        let [scale, gamma, beta] = [&given[0][..], &given[1], &given[2]];
        let column = |j: usize, row: usize| x[row * columns + j];
        let mean: Vec<f32> = (0..columns).map(|j| by_definition(rows, |i| column(j, i)) / rows as f32).collect();
        let spread = |j: usize, row: usize| column(j, row) - mean[j];
        let variance = |j: usize| by_definition(rows, |i| spread(j, i) * spread(j, i)) / rows as f32;
        let dgamma = |j: usize| by_definition(rows, |i| dy[i * columns + j] * (spread(j, i) * scale[j]));
        let dbeta = |j: usize| by_definition(rows, |i| dy[i * columns + j]);
        let [variance, dgamma, dbeta]: [Vec<f32>; 3] = [
            (0..columns).map(variance).collect(),
            (0..columns).map(dgamma).collect(),
            (0..columns).map(dbeta).collect(),
        ];
        let y =
            |i: usize| gamma[i % columns] * (spread(i % columns, i / columns) * scale[i % columns]) + beta[i % columns];
        let y: Vec<f32> = (0..x.len()).map(y).collect();
        for level in samples::levels() {
            let mut found = [samples::unset(columns), samples::unset(columns)];
            let [a, b] = &mut found;
            column_statistics(level, &x, a, b, &mut chunks(&x, columns));
            samples::assert_same_bits(a, &mean, "mean");
            samples::assert_same_bits(b, &variance, "variance");
            let linear = Activated { activation: Elementwise::Linear, y: &y };
            let mut dz = dy.clone();
            column_gradients(level, &x, [&mean, scale], linear, &mut dz, [&mut *a, &mut *b], &mut chunks(&x, columns));
            samples::assert_same_bits(a, &dgamma, "dgamma");
            samples::assert_same_bits(b, &dbeta, "dbeta");
        }
        let means = [&dgamma, &dbeta].map(|gradients| gradients.iter().map(|g| g / rows as f32).collect::<Vec<f32>>());
        let mut dx = samples::unset(x.len());
        backward_rows(SimdLevel::Portable, &x, &dy, [&mean, scale, gamma, &means[0], &means[1]], &mut dx);
        samples::in_pools(|| {
            let mut chunks = chunks(&x, columns);
            let mut found = [samples::unset(columns), samples::unset(columns)];
            let [a, b] = &mut found;
            statistics(&x, a, b, &mut chunks);
            samples::assert_same_bits(a, &mean, "mean");
            samples::assert_same_bits(b, &variance, "variance");
            let linear = Activated { activation: Elementwise::Linear, y: &y };
            backward_columns(&x, [&mean, scale], linear, &mut dy.clone(), [&mut *a, &mut *b], &mut chunks);
            samples::assert_same_bits(a, &dgamma, "dgamma");
            samples::assert_same_bits(b, &dbeta, "dbeta");
            let mut found = samples::unset(x.len());
            forward(&x, [&mean, scale, gamma, beta], Elementwise::Linear, &mut found);
            samples::assert_same_bits(&found, &y, "y");
            backward_input(&x, &dy, [&mean, scale, gamma], [&dgamma, &dbeta], &mut chunks, &mut found);
            samples::assert_same_bits(&found, &dx, "dx");
        });
    }
}
