//! Gathers rows of bytes as floats, for batches of images.

use super::parallel;
use super::simd::{self, vectorized};

/// Elements per chunk of work, and nanoseconds per thousand elements.
const PIECE: usize = 1 << 15;
const NANOSECONDS_PER_THOUSAND: usize = 150;

/// Number of rows that are prefetched ahead, because rows have random addresses.
const PREFETCHED_ROWS: usize = 6;

/// `output[i][j] = bytes[rows[i]][j] / divisor`, rounded once, for rows of `length` bytes.
///
/// # Panics
/// If `output` has the wrong length, or a row does not exist.
pub(crate) fn gather(bytes: &[u8], length: usize, rows: &[usize], divisor: f32, output: &mut [f32]) {
    assert_eq!(output.len(), rows.len() * length, "as many floats as {} rows of {length} have", rows.len());
    let level = simd::current();
    let together = (PIECE / length.max(1)).max(1);
    let nanoseconds = together * length * NANOSECONDS_PER_THOUSAND / 1000;
    parallel::for_each_chunk(output, together * length, nanoseconds, |piece, output| {
        let rows = &rows[piece * together..];
        for (number, (floats, &row)) in output.chunks_exact_mut(length).zip(rows).enumerate() {
            if let Some(&next) = rows.get(number + PREFETCHED_ROWS) {
                simd::prefetch(&bytes[next * length..][..length]);
            }
            divide(level, &bytes[row * length..][..length], divisor, floats);
        }
    });
}

vectorized! {
    /// `bytes / divisor`, computed as a product with the reciprocal and corrected by its remainder. It is rounded like
    /// a division (Markstein 1990) and is faster.
    fn divide<F: Fma>(bytes: &[u8], divisor: f32, floats: &mut [f32]) {
        let reciprocal = 1.0 / divisor;
        for (float, byte) in floats.iter_mut().zip(bytes) {
            let byte = f32::from(*byte);
            let quotient = byte * reciprocal;
            let rest = F::fma(-quotient, divisor, byte);
            *float = F::fma(rest, reciprocal, quotient);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    #[test]
    fn rows_are_exact_quotients_on_any_number_of_threads() {
        let (length, count) = (784, 300);
        let bytes: Vec<u8> = samples::bits(1, length * count).into_iter().map(|word| word as u8).collect();
        let rows: Vec<usize> = (0..700).map(|i| (i * 7) % count).collect();
        for divisor in [1.0, 255.0] {
            let pixels = rows.iter().flat_map(|row| &bytes[row * length..][..length]);
            let expected: Vec<f32> = pixels.map(|byte| f32::from(*byte) / divisor).collect();
            samples::in_pools(|| {
                let mut output = samples::unset(expected.len());
                gather(&bytes, length, &rows, divisor, &mut output);
                samples::assert_same_bits(&output, &expected, "gathered");
            });
        }
    }

    #[test]
    fn instruction_sets_agree() {
        let bytes: Vec<u8> = (0..=255).chain(0..=40).collect();
        let mut expected = samples::unset(bytes.len());
        bytes.iter().zip(&mut expected).for_each(|(byte, float)| *float = f32::from(*byte) / 255.0);
        for level in samples::levels() {
            let mut floats = samples::unset(bytes.len());
            divide(level, &bytes, 255.0, &mut floats);
            samples::assert_same_bits(&floats, &expected, "divided");
        }
    }

    #[test]
    fn products_round_as_quotients_do() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut floats = samples::unset(256);
        for divisor in (1..=65536).map(|n| n as f32) {
            divide(simd::current(), &bytes, divisor, &mut floats);
            assert!((0..256).all(|byte| floats[byte] == byte as f32 / divisor), "by {divisor}");
        }
    }
}
