//! Statistics of columns over the rows of a batch, and normalization by them.
//!
//! Rows are samples times pixels, columns are channels.

mod column_sums;

pub(crate) use column_sums::ChunkSums;

use crate::kernels::activation::{self, Elementwise};
use crate::kernels::parallel;
use crate::kernels::simd::{self, SimdLevel, copy_lanes, vectorized};
use column_sums::{CHUNK, CHUNKS_PER_PART, NARROW, PART, add_chunks, lanes, sum_gradients, sum_squares, sum_values};

/// Nanoseconds per thousand elements on one thread.
const STATISTICS: usize = 50;
const FORWARD: usize = 150;
const BACKWARD: usize = 400;

/// mean = Σ x / n and variance = Σ (x − mean)² / n of each column (the biased variance, as in Keras).
pub(crate) fn statistics(x: &[f32], mean: &mut [f32], variance: &mut [f32], chunks: &mut ChunkSums) {
    column_statistics(simd::current(), x, mean, variance, chunks);
}

fn column_statistics(level: SimdLevel, x: &[f32], mean: &mut [f32], variance: &mut [f32], chunks: &mut ChunkSums) {
    let columns = mean.len();
    let rows = x.len() / columns;
    let (values, of_part) = ((x, PART * columns), CHUNKS_PER_PART * columns);
    let nanoseconds = PART * columns * STATISTICS / 1000;
    let chunks = chunks.of::<1>(rows, columns);
    parallel::for_each_pair(values, (&mut *chunks, of_part), nanoseconds, |_, x, sums| {
        sum_values(level, x, columns, sums);
    });
    add_chunks(chunks, [&mut *mean]);
    mean.iter_mut().for_each(|mean| *mean /= rows as f32);
    parallel::for_each_pair(values, (&mut *chunks, of_part), nanoseconds, |_, x, sums| {
        sum_squares(level, x, mean, sums);
    });
    add_chunks(chunks, [&mut *variance]);
    variance.iter_mut().for_each(|variance| *variance /= rows as f32);
}

/// y = activation(gamma · (x − mean) · scale + beta), with scale = 1 / √(variance + epsilon). `given` are mean, scale, gamma and
/// beta.
pub(crate) fn forward(x: &[f32], given: [&[f32]; 4], activation: Elementwise, y: &mut [f32]) {
    let (level, block) = (simd::current(), given[0].len() * CHUNK);
    parallel::for_each_pair((x, block), (y, block), block * FORWARD / 1000, |_, x, y| {
        forward_rows(level, x, given, y);
        activation::finish_row(level, activation, &[], y);
    });
}

/// An activation and its output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Activated<'a> {
    pub(crate) activation: Elementwise,
    pub(crate) y: &'a [f32],
}

/// Converts `dy`, the gradient of the activation's output, to dz, that of its input, and computes dgamma = Σ dz · (x − mean) ·
/// scale and dbeta = Σ dz, over rows. `given` are mean and scale.
pub(crate) fn backward_columns(
    x: &[f32],
    given: [&[f32]; 2],
    activated: Activated<'_>,
    dy: &mut [f32],
    gradients: [&mut [f32]; 2],
    chunks: &mut ChunkSums,
) {
    column_gradients(simd::current(), x, given, activated, dy, gradients, chunks);
}

fn column_gradients(
    level: SimdLevel,
    x: &[f32],
    given: [&[f32]; 2],
    activated: Activated<'_>,
    dy: &mut [f32],
    gradients: [&mut [f32]; 2],
    chunks: &mut ChunkSums,
) {
    let columns = given[0].len();
    let chunks = chunks.of::<2>(x.len() / columns, columns);
    let (part, of_part) = (PART * columns, 2 * CHUNKS_PER_PART * columns);
    parallel::for_each_two((dy, part), (&mut *chunks, of_part), part * BACKWARD / 1000, |number, dz, sums| {
        let place = number * part..number * part + dz.len();
        activation::backward_piece(level, activated.activation, &activated.y[place.clone()], dz);
        sum_gradients(level, &x[place], dz, given, sums);
    });
    add_chunks(chunks, gradients);
}

/// The gradient of [`forward`] with respect to x if mean and scale are computed from the batch (Ioffe and Szegedy 2015):
///
/// dx = gamma · scale · (dy − (dbeta / n + x̂ · (dgamma / n))), with x̂ = (x − mean) · scale.
pub(crate) fn backward_input(
    x: &[f32],
    dy: &[f32],
    [mean, scale, gamma]: [&[f32]; 3],
    [dgamma, dbeta]: [&[f32]; 2],
    chunks: &mut ChunkSums,
    dx: &mut [f32],
) {
    let (level, columns) = (simd::current(), mean.len());
    let (rows, block) = ((x.len() / columns) as f32, columns * CHUNK);
    let (dgamma_means, dbeta_means) = chunks.0[..2 * columns].split_at_mut(columns);
    for (means, gradients) in [(&mut *dgamma_means, dgamma), (&mut *dbeta_means, dbeta)] {
        means.iter_mut().zip(gradients).for_each(|(mean, gradient)| *mean = gradient / rows);
    }
    let given = [mean, scale, gamma, dgamma_means, dbeta_means];
    parallel::for_each_pair((x, block), (dx, block), block * BACKWARD / 1000, |i, x, dx| {
        let dy = &dy[i * block..][..dx.len()];
        backward_rows(level, x, dy, given, dx);
    });
}

/// `$to[$j] = $value` for each column `$j`, where `$value` is an expression of elements `$j` of the rows `$row`. Sixteen
/// columns at a time, because the compiler would vectorize a loop over all columns for more columns than many layers have. The
/// last sixteen may overlap those before.
macro_rules! for_columns {
    ($columns:expr, [$($row:ident),*], $j:ident => $value:expr, $to:expr) => {{
        let mut at = 0;
        while at < $columns && $columns >= NARROW {
            let first = at.min($columns - NARROW);
            $(let $row = lanes::<NARROW>(&$row[first..first + NARROW]);)*
            let mut values = [0.0; NARROW];
            for $j in 0..NARROW {
                values[$j] = $value;
            }
            copy_lanes(&values, $to[first..].first_chunk_mut::<NARROW>().expect("as many columns"));
            at = first + NARROW;
        }
        if $columns < NARROW {
            $(let $row = &$row[..$columns];)*
            for $j in 0..$columns {
                $to[$j] = $value;
            }
        }
    }};
}

vectorized! {
    fn forward_rows<F: Fma>(x: &[f32], given: [&[f32]; 4], y: &mut [f32]) {
        let columns = given[0].len();
        let [mean, scale, gamma, beta] = given;
        for (x, y) in x.chunks_exact(columns).zip(y.chunks_exact_mut(columns)) {
            for_columns!(
                columns,
                [x, mean, scale, gamma, beta],
                j => gamma[j] * ((x[j] - mean[j]) * scale[j]) + beta[j],
                y
            );
        }
    }
}

vectorized! {
    fn backward_rows<F: Fma>(x: &[f32], dy: &[f32], given: [&[f32]; 5], dx: &mut [f32]) {
        let columns = given[0].len();
        let [mean, scale, gamma, dgamma, dbeta] = given;
        let all = x.chunks_exact(columns).zip(dy.chunks_exact(columns)).zip(dx.chunks_exact_mut(columns));
        for ((x, dy), dx) in all {
            for_columns!(
                columns,
                [x, dy, mean, scale, gamma, dgamma, dbeta],
                j => gamma[j] * scale[j] * (dy[j] - (dbeta[j] + (x[j] - mean[j]) * scale[j] * dgamma[j])),
                dx
            );
        }
    }
}

#[cfg(test)]
mod tests;
