//! Sparsemax (Martins and Astudillo 2016): the projection of each row onto the probability simplex.
//!
//! y = max(x − τ, 0), where τ = (Σ x − 1) / |S| over the support S = {i: xᵢ > τ}. τ is found by dropping the elements that are
//! at most τ until none is left to drop (Michelot 1986), which needs no memory and no sorted row.

use crate::kernels::parallel;

/// Minimum number of elements for one thread.
const CHUNK: usize = 2048;

/// Nanoseconds per element on one thread.
const COST: usize = 4;

fn chunk(columns: usize) -> usize {
    (CHUNK / columns).max(1) * columns
}

/// y = sparsemax(x) in each row of `columns`.
pub(crate) fn forward(x: &[f32], columns: usize, y: &mut [f32]) {
    let chunk = chunk(columns);
    parallel::for_each_pair((x, chunk), (y, chunk), COST * chunk, |_, x, y| {
        for (x, y) in x.chunks_exact(columns).zip(y.chunks_exact_mut(columns)) {
            let threshold = threshold(x);
            for (y, x) in y.iter_mut().zip(x) {
                let above = x - threshold;
                *y = if above < 0.0 { 0.0 } else { above };
            }
        }
    });
}

/// dxᵢ = dyᵢ − mean of dy over the support for elements of the support, and 0 for others.
pub(crate) fn backward(y: &[f32], columns: usize, dy: &[f32], dx: &mut [f32]) {
    let chunk = chunk(columns);
    parallel::for_each_chunk(dx, chunk, COST * chunk, |number, dx| {
        let start = number * chunk;
        let rows = y[start..].chunks_exact(columns).zip(dy[start..].chunks_exact(columns));
        for ((y, dy), dx) in rows.zip(dx.chunks_exact_mut(columns)) {
            let (mut sum, mut count) = (0.0f32, 0.0f32);
            for (y, dy) in y.iter().zip(dy) {
                if *y > 0.0 {
                    sum += dy;
                    count += 1.0;
                }
            }
            let mean = sum / count;
            for ((dx, y), dy) in dx.iter_mut().zip(y).zip(dy) {
                *dx = if *y > 0.0 { dy - mean } else { 0.0 };
            }
        }
    });
}

/// τ of a row. NaN if an element is NaN.
fn threshold(x: &[f32]) -> f32 {
    // Relative to the maximum, which is in the support, so that sums of large elements do not lose digits.
    let maximum = x.iter().fold(f32::NEG_INFINITY, |maximum, x| if *x > maximum { *x } else { maximum });
    let mut threshold = f32::NEG_INFINITY;
    let mut size = 0;
    loop {
        let (mut sum, mut count) = (0.0f32, 0);
        for x in x {
            // A comparison that keeps NaN in the support.
            let is_dropped = x - maximum <= threshold;
            if !is_dropped {
                sum += x - maximum;
                count += 1;
            }
        }
        if count == size || count == 0 {
            return threshold + maximum;
        }
        size = count;
        threshold = (sum - 1.0) / count as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    #[test]
    fn rows_are_probabilities_with_zeros() {
        let mut y = samples::unset(8);
        forward(&[0.5, 0.25, -3.0, 0.0, 100.0, 100.5, 99.0, -100.0], 4, &mut y);
        let expected = [0.583_333_4, 0.333_333_34, 0.0, 0.083_333_34, 0.25, 0.75, 0.0, 0.0];
        assert!(y.iter().zip(expected).all(|(y, expected)| (y - expected).abs() < 1e-6), "{y:?}");
        let mut y = samples::unset(2);
        forward(&[f32::NAN, 1.0], 2, &mut y);
        assert!(y.iter().all(|y| y.is_nan()));
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let (x, dy) = (samples::values(1, 30 * 1001), samples::values(2, 30 * 1001));
        let run = || {
            let (mut y, mut dx) = (samples::unset(x.len()), samples::unset(x.len()));
            forward(&x, 30, &mut y);
            backward(&y, 30, &dy, &mut dx);
            [y, dx].concat()
        };
        let expected = run();
        samples::in_pools(|| samples::assert_same_bits(&run(), &expected, "sparsemax"));
    }
}
