//! Sums in a fixed order: chunks of constant length, each an ascending chain, whose sums are added in ascending order.

use crate::kernels::parallel;

/// Elements in a chunk.
const CHUNK: usize = 4096;

/// Σ x. Eight interleaved chains in each chunk, added pairwise: the same order on every instruction set.
pub(crate) fn sum(x: &[f32]) -> f32 {
    x.chunks(CHUNK).map(chunk).fold(0.0, |total, part| total + part)
}

/// Σ x² in `f64`, by recursive halves down to chunks. Halves run on separate threads if they are large enough.
pub(crate) fn sum_of_squares(x: &[f32]) -> f64 {
    if x.len() <= CHUNK {
        return x.iter().fold(0.0, |sum, x| sum + f64::from(*x) * f64::from(*x));
    }
    let (left, right) = x.split_at((x.len() / 2).next_multiple_of(CHUNK));
    let (mut sum_left, mut sum_right) = (0.0, 0.0);
    parallel::join(x.len(), || sum_left = sum_of_squares(left), || sum_right = sum_of_squares(right));
    sum_left + sum_right
}

fn chunk(x: &[f32]) -> f32 {
    let (eights, rest) = x.as_chunks::<8>();
    let mut chains = [0.0f32; 8];
    for eight in eights {
        chains.iter_mut().zip(eight).for_each(|(chain, x)| *chain += x);
    }
    let [a, b, c, d, e, f, g, h] = chains;
    let sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
    rest.iter().fold(sum, |sum, x| sum + x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_integers_are_exact_for_odd_lengths() {
        for length in [0, 1, 7, 8, 9, 100, 4096, 4097, 5000] {
            let x: Vec<f32> = (0..length).map(|i| (i % 17) as f32).collect();
            let expected: usize = (0..length).map(|i| i % 17).sum();
            assert_eq!(sum(&x), expected as f32);
            let squares: usize = (0..length).map(|i| (i % 17) * (i % 17)).sum();
            assert_eq!(sum_of_squares(&x), squares as f64);
        }
    }
}
