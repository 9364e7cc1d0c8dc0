//! Normalized columns that keep their zeros, for products that skip zeros.
//!
//! x̂ = (x − mean) · scale has no zeros, even if most of x is 0. Therefore x̂ = v + r with v = (x − center) · scale and
//! a constant r = (center − mean) · scale for each column. In a product, the constants contribute one row. With a
//! center of 0, v has the zeros of x. Little precision is lost to cancellation: if a fraction p of a column is nonzero,
//! |mean| ≤ √(p / (1 − p)) · deviation, by Cauchy's inequality. A column with few zeros is centered at its mean, so that
//! v = x̂.

use super::parallel;
use super::simd::{self, Fma, SimdLevel, Square, vectorized};

/// Minimum fraction of zeros in a column whose zeros are kept. Then |mean| ≤ √3 · deviation.
const MIN_ZEROS: f32 = 0.25;

/// Lanes of a sum over a row, in two vectors, because many layers have 16·n + 8 units.
const LANES: usize = 16;
const HALF: usize = LANES / 2;

/// Rows of weights per thread, and nanoseconds per thousand elements.
const ROWS: usize = 32;
const NANOSECONDS_PER_THOUSAND: usize = 300;

/// Sets `center` to 0 for each column with enough zeros, otherwise to the mean.
pub(crate) fn centers(x: &[f32], mean: &[f32], center: &mut [f32]) {
    choose_centers(simd::current(), x, mean, center);
}

vectorized! {
    fn choose_centers<F: Fma>(x: &[f32], mean: &[f32], center: &mut [f32]) {
        let columns = mean.len();
        let least = MIN_ZEROS * (x.len() / columns) as f32;
        center.fill(0.0);
        for row in x.chunks_exact(columns) {
            center.iter_mut().zip(row).for_each(|(zeros, x)| *zeros += if *x == 0.0 { 1.0 } else { 0.0 });
        }
        center.iter_mut().zip(mean).for_each(|(center, mean)| *center = if *center >= least { 0.0 } else { *mean });
    }
}

/// v = (x − center) · factor in each column.
pub(crate) fn spread(x: &[f32], center: &[f32], factor: &[f32], v: &mut [f32]) {
    spread_rows(simd::current(), x, center, factor, v);
}

vectorized! {
    fn spread_rows<F: Fma>(x: &[f32], center: &[f32], factor: &[f32], v: &mut [f32]) {
        let columns = center.len();
        let factor = &factor[..columns];
        for (x, v) in x.chunks_exact(columns).zip(v.chunks_exact_mut(columns)) {
            for j in 0..columns {
                v[j] = (x[j] - center[j]) * factor[j];
            }
        }
    }
}

/// Converts vᵀ · dz in `dw` to the gradient of the weights, `dw[j][k] ← gamma[j] · dw[j][k] + t[j] · db[k]`. Also
/// computes the sums for the gradients of gamma and beta: `[Σₖ w[j][k] · dw[j][k], Σₖ w[j][k] · db[k]]`.
pub(crate) fn finish_weights(
    w: &[f32],
    db: &[f32],
    [gamma, t]: [&[f32]; 2],
    dw: &mut [f32],
    products: &mut [[f32; 2]],
) {
    let (level, block) = (simd::current(), ROWS * db.len());
    let nanoseconds = block * NANOSECONDS_PER_THOUSAND / 1000;
    parallel::for_each_two((dw, block), (products, ROWS), nanoseconds, |i, dw, products| {
        let [gamma, t] = [gamma, t].map(|values| &values[i * ROWS..]);
        finish_rows(level, &w[i * block..], db, [gamma, t], dw, products);
    });
}

/// Each product is a sum of [`LANES`] chains, added in ascending order, for several rows at once.
fn finish_rows(
    level: SimdLevel,
    w: &[f32],
    db: &[f32],
    [gamma, t]: [&[f32]; 2],
    dw: &mut [f32],
    products: &mut [[f32; 2]],
) {
    let block = LANES * db.len();
    let mut chains = [[[0.0; LANES]; LANES]; 2];
    for (number, (dw, products)) in dw.chunks_mut(block).zip(products.chunks_mut(LANES)).enumerate() {
        let [gamma, t] = [gamma, t].map(|values| &values[number * LANES..]);
        multiply_rows(level, &w[number * block..], db, [gamma, t], dw, &mut chains);
        add_chains(level, &mut chains, products);
    }
}

vectorized! {
    fn multiply_rows<F: Fma>(w: &[f32], db: &[f32], given: [&[f32]; 2], dw: &mut [f32], chains: &mut [Square; 2]) {
        let (columns, [gamma, t]) = (db.len(), given);
        for (r, (w, dw)) in w.chunks_exact(columns).zip(dw.chunks_exact_mut(columns)).enumerate() {
            in_chains::<F>(w, dw, &mut chains[0][r]);
            in_chains::<F>(w, db, &mut chains[1][r]);
            dw.iter_mut().zip(db).for_each(|(dw, db)| *dw = F::fma(gamma[r], *dw, t[r] * db));
        }
    }
}

vectorized! {
    fn add_chains<F: Fma>(chains: &mut [Square; 2], products: &mut [[f32; 2]]) {
        chains.iter_mut().for_each(|square| F::transpose(square));
        let [of_dw, of_db] = [add_rows(&chains[0]), add_rows(&chains[1])];
        for (r, products) in products.iter_mut().enumerate() {
            *products = [of_dw[r], of_db[r]];
        }
    }
}

/// Chain l adds elements l, l + [`LANES`], … of a · b.
#[inline(always)]
fn in_chains<F: Fma>(a: &[f32], b: &[f32], sums: &mut [f32; LANES]) {
    let mut halves = [[0.0; HALF]; 2];
    let ((whole_a, rest_a), (whole_b, rest_b)) = (a.as_chunks::<HALF>(), b.as_chunks::<HALF>());
    let ((pairs_a, last_a), (pairs_b, last_b)) = (whole_a.as_chunks::<2>(), whole_b.as_chunks::<2>());
    for (a, b) in pairs_a.iter().zip(pairs_b) {
        add_products::<F>(&a[0], &b[0], &mut halves[0]);
        add_products::<F>(&a[1], &b[1], &mut halves[1]);
    }
    // With an odd number of half vectors, the remaining elements belong to the second.
    let [first, second] = &mut halves;
    let left = match (last_a, last_b) {
        ([a], [b]) => {
            add_products::<F>(a, b, first);
            second
        }
        _ => first,
    };
    if !rest_a.is_empty() {
        let mut lanes = [[0.0; HALF]; 2];
        lanes.iter_mut().zip([rest_a, rest_b]).for_each(|(lanes, rest)| lanes[..rest.len()].copy_from_slice(rest));
        add_products::<F>(&lanes[0], &lanes[1], left);
    }
    let (lower, upper) = sums.split_at_mut(HALF);
    lower.copy_from_slice(&halves[0]);
    upper.copy_from_slice(&halves[1]);
}

#[inline(always)]
fn add_products<F: Fma>(a: &[f32; HALF], b: &[f32; HALF], sums: &mut [f32; HALF]) {
    for l in 0..HALF {
        sums[l] = F::fma(a[l], b[l], sums[l]);
    }
}

#[inline(always)]
fn add_rows(square: &Square) -> [f32; LANES] {
    let mut total = [0.0; LANES];
    for row in square {
        total.iter_mut().zip(row).for_each(|(total, sum)| *total += sum);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    #[test]
    fn a_column_with_zeros_keeps_them() {
        let x = [0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 3.0, 0.0, 4.0, 5.0, 0.0, 6.0];
        let mut center = samples::unset(3);
        centers(&x, &[9.0, 9.0, 9.0], &mut center);
        assert_eq!(center, [0.0, 0.0, 0.0]);
        centers(&[1.0; 12], &[9.0, 8.0, 7.0], &mut center);
        assert_eq!(center, [9.0, 8.0, 7.0]);
    }

    #[test]
    fn bits_are_those_of_the_definition_on_all_threads_and_instructions() {
        for (rows, columns) in [(5, 3), (700, 200), (33, 16), (1, 1), (64, 47)] {
            let [w, s] = [1, 2].map(|seed| samples::values(seed, rows * columns));
            let [gamma, t] = [3, 4].map(|seed| samples::values(seed, rows));
            let db = samples::values(5, columns);
            let product = |row: &[f32], by: &[f32]| {
                let mut lanes = [0.0f32; LANES];
                row.iter()
                    .zip(by)
                    .enumerate()
                    .for_each(|(k, (a, b))| lanes[k % LANES] = a.mul_add(*b, lanes[k % LANES]));
                lanes.iter().fold(0.0, |total, lane| total + lane)
            };
            let row = |of: &[f32], j: usize| of[j * columns..][..columns].to_vec();
            let expected: Vec<f32> =
                (0..rows).flat_map(|j| [product(&row(&w, j), &row(&s, j)), product(&row(&w, j), &db)]).collect();
            let finished: Vec<f32> = (0..rows * columns)
                .map(|at| gamma[at / columns].mul_add(s[at], t[at / columns] * db[at % columns]))
                .collect();
            for level in samples::levels() {
                let (mut dw, mut products) = (s.clone(), vec![[f32::NAN; 2]; rows]);
                finish_rows(level, &w, &db, [&gamma, &t], &mut dw, &mut products);
                samples::assert_same_bits(products.as_flattened(), &expected, "products");
                samples::assert_same_bits(&dw, &finished, "weights");
            }
            samples::in_pools(|| {
                let (mut dw, mut products) = (s.clone(), vec![[f32::NAN; 2]; rows]);
                finish_weights(&w, &db, [&gamma, &t], &mut dw, &mut products);
                samples::assert_same_bits(products.as_flattened(), &expected, "products");
                samples::assert_same_bits(&dw, &finished, "weights");
            });
        }
    }
}
