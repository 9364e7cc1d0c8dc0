//! Operations on whole registers and the cache for which the compiler does not select the instructions.

#[cfg(all(target_arch = "x86_64", feature = "avx512"))]
use super::Square;

/// Prefetches bytes into the cache. It is a hint and reads nothing.
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

/// Operations on lanes that fill registers of one width. The compiler would select these instructions from scalar code,
/// but compiling that takes many times as long.
///
/// # Safety
///
/// `$register` must consist of `$width` elements of 32 bits, for any of which every bit pattern is valid. The functions need the
/// processor features `$feature`, which callers without them must check.
macro_rules! lanes_in_registers {
    ($(#[$meta:meta])* $feature:literal, $register:ident, $width:literal, $add_scaled:ident, $add_products:ident, $add:ident,
        $add_masked:ident,
        $set:ident, $fused:ident, $sum:ident, $and:ident) => {
        /// `sums[l] ← a·b[l] + sums[l]`, each rounded once.
        $(#[$meta])*
        #[target_feature(enable = $feature)]
        #[inline]
        pub(super) fn $add_scaled<const L: usize>(a: f32, b: &[f32; L], sums: &mut [f32; L]) {
            use std::arch::x86_64::*;
            const { assert!(L.is_multiple_of(8), "a whole number of vectors") };
            let a = $set(a);
            for (b, sums) in b.as_chunks().0.iter().zip(sums.as_chunks_mut().0) {
                // SAFETY: the chunks have as many elements as a register.
                #[allow(unsafe_code)]
                unsafe {
                    let b = std::mem::transmute::<[f32; $width], $register>(*b);
                    let sum = std::mem::transmute::<[f32; $width], $register>(*sums);
                    *sums = std::mem::transmute::<$register, [f32; $width]>($fused(a, b, sum));
                }
            }
        }

        /// `sums[l] ← a[l]·b[l] + sums[l]`, each rounded once.
        $(#[$meta])*
        #[target_feature(enable = $feature)]
        #[inline]
        pub(super) fn $add_products<const L: usize>(a: &[f32; L], b: &[f32; L], sums: &mut [f32; L]) {
            use std::arch::x86_64::*;
            const { assert!(L.is_multiple_of(8), "a whole number of vectors") };
            for ((a, b), sums) in a.as_chunks().0.iter().zip(b.as_chunks().0).zip(sums.as_chunks_mut().0) {
                // SAFETY: the chunks have as many elements as a register.
                #[allow(unsafe_code)]
                unsafe {
                    let a = std::mem::transmute::<[f32; $width], $register>(*a);
                    let b = std::mem::transmute::<[f32; $width], $register>(*b);
                    let sum = std::mem::transmute::<[f32; $width], $register>(*sums);
                    *sums = std::mem::transmute::<$register, [f32; $width]>($fused(a, b, sum));
                }
            }
        }

        /// `sums[l] ← sums[l] + values[l]`.
        $(#[$meta])*
        #[target_feature(enable = $feature)]
        #[inline]
        pub(super) fn $add<const L: usize>(values: &[f32; L], sums: &mut [f32; L]) {
            use std::arch::x86_64::*;
            const { assert!(L.is_multiple_of(8), "a whole number of vectors") };
            for (value, sums) in values.as_chunks().0.iter().zip(sums.as_chunks_mut().0) {
                // SAFETY: the chunks have as many elements as a register.
                #[allow(unsafe_code)]
                unsafe {
                    let value = std::mem::transmute::<[f32; $width], $register>(*value);
                    let sum = std::mem::transmute::<[f32; $width], $register>(*sums);
                    *sums = std::mem::transmute::<$register, [f32; $width]>($sum(sum, value));
                }
            }
        }

        /// `sums[l] ← sums[l] + values[l]` for lanes whose mask has all bits set; the mask of the others is 0.
        $(#[$meta])*
        #[target_feature(enable = $feature)]
        #[inline]
        pub(super) fn $add_masked<const L: usize>(values: &[f32; L], mask: &[u32; L], sums: &mut [f32; L]) {
            use std::arch::x86_64::*;
            const { assert!(L.is_multiple_of(8), "a whole number of vectors") };
            let (values, mask) = (values.as_chunks().0, mask.as_chunks().0);
            for ((value, count), sums) in values.iter().zip(mask).zip(sums.as_chunks_mut().0) {
                // SAFETY: the chunks have as many elements as a register.
                #[allow(unsafe_code)]
                unsafe {
                    let value = std::mem::transmute::<[f32; $width], $register>(*value);
                    let sum = std::mem::transmute::<[f32; $width], $register>(*sums);
                    let count = std::mem::transmute::<[u32; $width], $register>(*count);
                    *sums = std::mem::transmute::<$register, [f32; $width]>($sum(sum, $and(value, count)));
                }
            }
        }
    };
}

lanes_in_registers!(
    #[cfg(target_arch = "x86_64")]
    "avx,fma",
    __m256,
    8,
    add_scaled_by_eights,
    add_products_by_eights,
    add_by_eights,
    add_masked_by_eights,
    _mm256_set1_ps,
    _mm256_fmadd_ps,
    _mm256_add_ps,
    _mm256_and_ps
);
lanes_in_registers!(
    #[cfg(all(target_arch = "x86_64", feature = "avx512"))]
    "avx512f,avx512dq",
    __m512,
    16,
    add_scaled_by_sixteens,
    add_products_by_sixteens,
    add_by_sixteens,
    add_masked_by_sixteens,
    _mm512_set1_ps,
    _mm512_fmadd_ps,
    _mm512_add_ps,
    _mm512_and_ps
);

/// Transposes sixteen registers by interleaving elements, then pairs, then quarters. The code that the compiler generates
/// without these sixty-four shuffles takes three times as long.
#[cfg(all(target_arch = "x86_64", feature = "avx512"))]
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
    // SAFETY: sixteen elements are a register.
    #[allow(unsafe_code)]
    let transposed = unsafe { std::mem::transmute::<[__m512; 16], Square>(columns) };
    *square = transposed;
}

/// `to[l] ← from[offsets[l] % 16]`.
#[cfg(all(target_arch = "x86_64", feature = "avx512"))]
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn select(from: &[f32; 16], offsets: &[u32; 16], to: &mut [f32; 16]) {
    use std::arch::x86_64::*;
    // SAFETY: sixteen elements are a register.
    #[allow(unsafe_code)]
    unsafe {
        let from = std::mem::transmute::<[f32; 16], __m512>(*from);
        let offsets = std::mem::transmute::<[u32; 16], __m512i>(*offsets);
        *to = std::mem::transmute::<__m512, [f32; 16]>(_mm512_permutexvar_ps(offsets, from));
    }
}

/// `to[l] ← from[offsets[l] % 16]`. Bit 3 of an offset selects the half, as the sign of a lane.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn select_by_eights(from: &[f32; 16], offsets: &[u32; 16], to: &mut [f32; 16]) {
    use std::arch::x86_64::*;
    // SAFETY: eight elements are a register.
    #[allow(unsafe_code)]
    unsafe {
        let [low, high] = std::mem::transmute::<[f32; 16], [__m256; 2]>(*from);
        let [left, right] = std::mem::transmute::<[u32; 16], [__m256i; 2]>(*offsets);
        let mut halves = [low, high];
        for (half, offsets) in halves.iter_mut().zip([left, right]) {
            let (low, high) = (_mm256_permutevar8x32_ps(low, offsets), _mm256_permutevar8x32_ps(high, offsets));
            let upper = _mm256_castsi256_ps(_mm256_slli_epi32::<28>(offsets));
            *half = _mm256_blendv_ps(low, high, upper);
        }
        *to = std::mem::transmute::<[__m256; 2], [f32; 16]>(halves);
    }
}

/// The positions of nonzero values among sixteen as a bit set, which is the result of one comparison.
#[cfg(all(target_arch = "x86_64", feature = "avx512"))]
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn nonzero(values: &[f32; 16]) -> u16 {
    use std::arch::x86_64::*;
    // SAFETY: sixteen elements are a register.
    #[allow(unsafe_code)]
    let values: __m512 = unsafe { std::mem::transmute(*values) };
    _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(values, _mm512_setzero_ps())
}
