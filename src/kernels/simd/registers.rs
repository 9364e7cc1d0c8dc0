//! What is done to whole registers and to the cache, where the compiler does not find the instructions by itself.

#[cfg(target_arch = "x86_64")]
use super::Square;

/// Asks for these bytes to be in the cache soon. A hint: nothing is read.
#[inline]
pub(crate) fn prefetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in bytes.chunks(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every processor of the target has the instruction, and it never faults.
        #[allow(unsafe_code)]
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = bytes;
}

/// Sixteen registers are interleaved in pairs of elements, then of pairs, then of quarters: the compiler does not find
/// these sixty-four shuffles by itself, and takes three times as long.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn transpose(square: &mut Square) {
    use std::arch::x86_64::*;
    // SAFETY: sixteen elements are a register.
    #[allow(unsafe_code)]
    let rows: [__m512; 16] = unsafe { std::mem::transmute(*square) };
    let mut pairs = rows;
    for i in (0..16).step_by(2) {
        pairs[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
    }
    // `quads[4i + j]` holds columns j, j + 4, j + 8 and j + 12 of rows 4i to 4i + 3.
    let mut quads = rows;
    for i in (0..16).step_by(4) {
        for j in 0..2 {
            let (upper, lower) = (_mm512_castps_pd(pairs[i + j]), _mm512_castps_pd(pairs[i + 2 + j]));
            quads[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(upper, lower));
            quads[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(upper, lower));
        }
    }
    let mut columns = rows;
    for j in 0..4 {
        let [first, second] = [0, 8].map(|i| (quads[i + j], quads[i + 4 + j]));
        let [even_above, even_below] = [first, second].map(|(a, b)| _mm512_shuffle_f32x4::<0b10_00_10_00>(a, b));
        let [odd_above, odd_below] = [first, second].map(|(a, b)| _mm512_shuffle_f32x4::<0b11_01_11_01>(a, b));
        columns[j] = _mm512_shuffle_f32x4::<0b10_00_10_00>(even_above, even_below);
        columns[4 + j] = _mm512_shuffle_f32x4::<0b10_00_10_00>(odd_above, odd_below);
        columns[8 + j] = _mm512_shuffle_f32x4::<0b11_01_11_01>(even_above, even_below);
        columns[12 + j] = _mm512_shuffle_f32x4::<0b11_01_11_01>(odd_above, odd_below);
    }
    // SAFETY: as above.
    #[allow(unsafe_code)]
    let transposed = unsafe { std::mem::transmute::<[__m512; 16], Square>(columns) };
    *square = transposed;
}

/// Which of sixteen values are not 0: the comparison sets these bits itself.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn nonzero(values: &[f32; 16]) -> u16 {
    use std::arch::x86_64::*;
    // SAFETY: sixteen elements are a register.
    #[allow(unsafe_code)]
    let values: __m512 = unsafe { std::mem::transmute(*values) };
    _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(values, _mm512_setzero_ps())
}
