//! Sums in a fixed order: chunks of constant length, each an ascending chain, whose sums are added in ascending order.

use crate::kernels::parallel;

/// Elements in a chunk.
pub(crate) const CHUNK: usize = 4096;

/// Σ x. Eight interleaved chains in each chunk, added pairwise: the same order on every instruction set.
pub(crate) fn sum(x: &[f32]) -> f32 {
    x.chunks(CHUNK).map(chunk).fold(0.0, |total, part| total + part)
}

/// Σ x² in `f64`, by recursive halves down to chunks. Halves run on separate threads if they are large enough.
pub(crate) fn sum_of_squares(x: &[f32]) -> f64 {
    if x.len() <= CHUNK {
        return squares_of_chunk(x);
    }
    let (left, right) = x.split_at(first_half(x.len()));
    let (mut sum_left, mut sum_right) = (0.0, 0.0);
    parallel::join(x.len(), || sum_left = sum_of_squares(left), || sum_right = sum_of_squares(right));
    sum_left + sum_right
}

/// Σ x² of at most [`CHUNK`] elements.
pub(crate) fn squares_of_chunk(x: &[f32]) -> f64 {
    x.iter().fold(0.0, |sum, x| sum + f64::from(*x) * f64::from(*x))
}

/// [`sum_of_squares`] of `length` elements, given those of each chunk.
pub(crate) fn sum_of_chunks(chunks: &[f64], length: usize) -> f64 {
    if length <= CHUNK {
        return chunks.first().copied().unwrap_or_default();
    }
    let half = first_half(length);
    let (left, right) = chunks.split_at(half / CHUNK);
    sum_of_chunks(left, half) + sum_of_chunks(right, length - half)
}

/// The number of elements of the first half, a multiple of [`CHUNK`].
fn first_half(length: usize) -> usize {
    (length / 2).next_multiple_of(CHUNK)
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

    /// Members of an exchange compute chunks of an array.
    #[test]
    fn sums_of_chunks_have_the_bits_of_the_whole_sum() {
        for length in [0, 1, CHUNK, CHUNK + 1, 2 * CHUNK + 1, 3 * CHUNK, 7 * CHUNK - 5, 11 * CHUNK + 17] {
            let x: Vec<f32> = (0..length).map(|i| ((i * 37) % 101) as f32 / 7.0 - 5.0).collect();
            let chunks: Vec<f64> = x.chunks(CHUNK).map(squares_of_chunk).collect();
            assert_eq!(sum_of_chunks(&chunks, length).to_bits(), sum_of_squares(&x).to_bits(), "{length} elements");
        }
    }
}
