//! The fused multiply-add of each instruction set, for numbers and for whole registers. The provided methods define the
//! results; overrides use specific instructions.

use super::SimdLevel;
#[cfg(target_arch = "x86_64")]
use super::registers;

/// Sixteen rows of sixteen elements.
pub(crate) type Square = [[f32; 16]; 16];

/// A fused multiply-add, `a·b + c` rounded once, and operations on whole registers.
pub(crate) trait Fma {
    /// Rows and columns of sums for which the registers suffice, together with their operands.
    const ROWS: usize = 6;
    const COLUMNS: usize = 16;
    /// The instruction set, for calls of functions that select it at run time.
    const LEVEL: SimdLevel;

    /// `a·b + c`, rounded once.
    fn fma(a: f32, b: f32, c: f32) -> f32;

    /// `sums[l] ← a·b[l] + sums[l]`, each rounded once.
    #[inline(always)]
    fn add_scaled<const L: usize>(a: f32, b: &[f32; L], sums: &mut [f32; L]) {
        for l in 0..L {
            sums[l] = Self::fma(a, b[l], sums[l]);
        }
    }

    /// `sums[l] ← a[l]·b[l] + sums[l]`, each rounded once.
    #[inline(always)]
    fn add_products<const L: usize>(a: &[f32; L], b: &[f32; L], sums: &mut [f32; L]) {
        for l in 0..L {
            sums[l] = Self::fma(a[l], b[l], sums[l]);
        }
    }

    /// `sums[l] ← sums[l] + values[l]`.
    #[inline(always)]
    fn add<const L: usize>(values: &[f32; L], sums: &mut [f32; L]) {
        for l in 0..L {
            sums[l] += values[l];
        }
    }

    /// `sums[l] ← sums[l] + values[l]` for lanes whose mask has all bits set. The mask of the other lanes is 0, and their
    /// values may be NaN.
    #[inline(always)]
    fn add_masked<const L: usize>(values: &[f32; L], mask: &[u32; L], sums: &mut [f32; L]) {
        for l in 0..L {
            sums[l] += f32::from_bits(values[l].to_bits() & mask[l]);
        }
    }

    /// `to[l] ← from[offsets[l]]`, with offsets below 16.
    #[inline(always)]
    fn select(from: &[f32; 16], offsets: &[u32; 16], to: &mut [f32; 16]) {
        for l in 0..16 {
            to[l] = from[(offsets[l] % 16) as usize];
        }
    }

    /// Transposes a square.
    #[inline(always)]
    fn transpose(square: &mut Square) {
        let from = *square;
        for (column, to) in square.iter_mut().enumerate() {
            to.iter_mut().zip(&from).for_each(|(to, row)| *to = row[column]);
        }
    }

    /// The positions of nonzero values as a bit set, with the first in the lowest bit. The loop is over 32-bit words, so that
    /// it is vectorized.
    #[inline(always)]
    fn nonzero(values: &[f32; 16]) -> u16 {
        let mut words = [0u32; 16];
        for l in 0..16 {
            words[l] = if values[l] != 0.0 { 1 << l } else { 0 };
        }
        words.iter().fold(0, |set, word| set | word) as u16
    }
}

/// The instruction of the processor. In code that is not compiled for it, it is a slow library call.
///
/// # Safety
///
/// On x86-64, only code that runs after a check for AVX2 and FMA may use this type: the instances for AVX2 and AVX-512 of
/// `vectorized!`, and programs whose target has these features.
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
pub(crate) struct Hardware;

impl Fma for Hardware {
    const LEVEL: SimdLevel = if cfg!(target_arch = "x86_64") { SimdLevel::Avx2 } else { SimdLevel::Portable };

    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn add_scaled<const L: usize>(a: f32, b: &[f32; L], sums: &mut [f32; L]) {
        // SAFETY: on x86-64, only instances for AVX2 with FMA use `Hardware`, or the whole program is compiled for
        // them.
        #[allow(unsafe_code)]
        unsafe {
            registers::add_scaled_by_eights(a, b, sums);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn select(from: &[f32; 16], offsets: &[u32; 16], to: &mut [f32; 16]) {
        // SAFETY: the condition is that of `add_scaled`: only instances for this instruction set use the type.
        #[allow(unsafe_code)]
        unsafe {
            registers::select_by_eights(from, offsets, to);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn add_products<const L: usize>(a: &[f32; L], b: &[f32; L], sums: &mut [f32; L]) {
        // SAFETY: the condition is that of `add_scaled`: only instances for this instruction set use the type.
        #[allow(unsafe_code)]
        unsafe {
            registers::add_products_by_eights(a, b, sums);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn add<const L: usize>(values: &[f32; L], sums: &mut [f32; L]) {
        // SAFETY: the condition is that of `add_scaled`: only instances for this instruction set use the type.
        #[allow(unsafe_code)]
        unsafe {
            registers::add_by_eights(values, sums);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn add_masked<const L: usize>(values: &[f32; L], mask: &[u32; L], sums: &mut [f32; L]) {
        // SAFETY: the condition is that of `add_scaled`: only instances for this instruction set use the type.
        #[allow(unsafe_code)]
        unsafe {
            registers::add_masked_by_eights(values, mask, sums);
        }
    }
}

/// The fused multiply-add of AVX-512, with twice as many registers of twice the width.
///
/// # Safety
///
/// Only code that runs after a check for AVX-512 F, VL, BW and DQ may use this type: the instances for AVX-512 of `vectorized!`.
#[cfg(all(target_arch = "x86_64", feature = "avx512"))]
pub(crate) struct Wide;

#[cfg(all(target_arch = "x86_64", feature = "avx512"))]
impl Fma for Wide {
    const ROWS: usize = 12;
    const COLUMNS: usize = 32;
    const LEVEL: SimdLevel = SimdLevel::Avx512;

    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        Hardware::fma(a, b, c)
    }

    #[inline(always)]
    fn add_scaled<const L: usize>(a: f32, b: &[f32; L], sums: &mut [f32; L]) {
        if !L.is_multiple_of(16) {
            return Hardware::add_scaled(a, b, sums);
        }
        // SAFETY: only instances for AVX-512 use `Wide`, and they run only if the processor has it.
        #[allow(unsafe_code)]
        unsafe {
            registers::add_scaled_by_sixteens(a, b, sums);
        }
    }

    #[inline(always)]
    fn add_products<const L: usize>(a: &[f32; L], b: &[f32; L], sums: &mut [f32; L]) {
        if !L.is_multiple_of(16) {
            return Hardware::add_products(a, b, sums);
        }
        // SAFETY: the condition is that of `add_scaled`: only instances for this instruction set use the type.
        #[allow(unsafe_code)]
        unsafe {
            registers::add_products_by_sixteens(a, b, sums);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn add<const L: usize>(values: &[f32; L], sums: &mut [f32; L]) {
        if !L.is_multiple_of(16) {
            return Hardware::add(values, sums);
        }
        // SAFETY: the condition is that of `add_scaled`: only instances for this instruction set use the type.
        #[allow(unsafe_code)]
        unsafe {
            registers::add_by_sixteens(values, sums);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn add_masked<const L: usize>(values: &[f32; L], mask: &[u32; L], sums: &mut [f32; L]) {
        if !L.is_multiple_of(16) {
            return Hardware::add_masked(values, mask, sums);
        }
        // SAFETY: the condition is that of `add_scaled`: only instances for this instruction set use the type.
        #[allow(unsafe_code)]
        unsafe {
            registers::add_masked_by_sixteens(values, mask, sums);
        }
    }

    #[inline(always)]
    fn select(from: &[f32; 16], offsets: &[u32; 16], to: &mut [f32; 16]) {
        // SAFETY: the condition is that of `add_scaled`: only instances for this instruction set use the type.
        #[allow(unsafe_code)]
        unsafe {
            registers::select(from, offsets, to);
        }
    }

    #[inline(always)]
    fn transpose(square: &mut Square) {
        // SAFETY: the condition is that of `add_scaled`: only instances for this instruction set use the type.
        #[allow(unsafe_code)]
        unsafe {
            registers::transpose(square);
        }
    }

    #[inline(always)]
    fn nonzero(values: &[f32; 16]) -> u16 {
        // SAFETY: the condition is that of `add_scaled`: only instances for this instruction set use the type.
        #[allow(unsafe_code)]
        unsafe {
            registers::nonzero(values)
        }
    }
}

/// An emulation by additions and multiplications in `f64`, for processors without the instruction.
#[cfg_attr(any(target_arch = "aarch64", target_feature = "fma"), allow(dead_code))]
pub(crate) struct Software;

impl Fma for Software {
    /// Larger tiles would not help, because the emulation takes all the time.
    const ROWS: usize = 2;
    const LEVEL: SimdLevel = SimdLevel::Portable;

    /// The product is exact in `f64`; the sum is rounded to odd there (Boldo and Melquiond 2008), so that rounding it
    /// once more, to `f32`, gives the result of a single rounding.
    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        let (product, c) = (f64::from(a) * f64::from(b), f64::from(c));
        let sum = product + c;
        // Knuth's TwoSum: the exact rounding error of `sum`. NaN if `sum` is not finite.
        let rest = sum - product;
        let lost = (product - (sum - rest)) + (c - rest);
        // Of the two numbers around an inexact sum, select the one whose last bit is 1. Incrementing the bit pattern
        // moves away from zero; an inexact sum is never zero.
        let bits = sum.to_bits();
        let step = if (lost > 0.0) == (sum > 0.0) { 1 } else { u64::MAX };
        let nudge = lost.abs() > 0.0 && bits & 1 == 0;
        f64::from_bits(if nudge { bits.wrapping_add(step) } else { bits }) as f32
    }

    /// Not inlined, because a tile would repeat its thirty instructions a hundred times, which take long to compile.
    #[inline(never)]
    fn add_scaled<const L: usize>(a: f32, b: &[f32; L], sums: &mut [f32; L]) {
        for l in 0..L {
            sums[l] = Self::fma(a, b[l], sums[l]);
        }
    }

    /// Not inlined, for the reason given at `add_scaled`.
    #[inline(never)]
    fn add_products<const L: usize>(a: &[f32; L], b: &[f32; L], sums: &mut [f32; L]) {
        for l in 0..L {
            sums[l] = Self::fma(a[l], b[l], sums[l]);
        }
    }
}

/// The multiply-add of the baseline: the instruction if every processor of the target has it, otherwise the emulation.
#[cfg(any(target_arch = "aarch64", target_feature = "fma"))]
pub(crate) type Baseline = Hardware;
/// The multiply-add of the baseline: the instruction if every processor of the target has it, otherwise the emulation.
#[cfg(not(any(target_arch = "aarch64", target_feature = "fma")))]
pub(crate) type Baseline = Software;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    fn assert_fused(a: f32, b: f32, c: f32) {
        let (found, right) = (Software::fma(a, b, c), a.mul_add(b, c));
        let same = found.to_bits() == right.to_bits() || (found.is_nan() && right.is_nan());
        assert!(same, "{a:e} · {b:e} + {c:e} = {found:e}, not {right:e}");
    }

    #[test]
    fn software_equals_hardware_on_random_bits() {
        for words in samples::bits(1, 6_000_000).as_chunks().0 {
            let [a, b, c] = words.map(f32::from_bits);
            assert_fused(a, b, c);
        }
    }

    /// Rounding twice is wrong for sums close to the middle between two `f32`.
    #[test]
    fn software_equals_hardware_near_halfway() {
        let near_one = |bits: u32| f32::from_bits(0x3f80_0000 | (bits & 0x007f_ffff));
        for &[a, b, c, shift] in samples::bits(2, 4_000_000).as_chunks().0 {
            let (a, b) = (near_one(a), near_one(b & !0xfff));
            let c = near_one(c) * f32::from_bits((64 + shift % 128) << 23);
            assert_fused(a, b, c);
            assert_fused(a, b, -c);
            assert_fused(a * f32::MIN_POSITIVE, b * f32::EPSILON, c * f32::MIN_POSITIVE);
        }
    }

    #[test]
    fn software_equals_hardware_on_special_values() {
        let half_up = 1.0 + f32::EPSILON;
        let tiny = f32::from_bits(1);
        let values =
            [0.0, 1.0, half_up, 3.0, tiny, f32::MIN_POSITIVE, f32::EPSILON, f32::MAX, 1e-30, f32::INFINITY, f32::NAN];
        let signed = || values.iter().flat_map(|&v| [v, -v]);
        for a in signed() {
            for b in signed() {
                for c in signed() {
                    assert_fused(a, b, c);
                }
            }
        }
    }
}
