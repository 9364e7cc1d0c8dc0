//! The one place that picks an instruction set: one Rust body, compiled for each, with the same bits from all.
//!
//! A body is generic over `Fma`, so that every multiply-add is said explicitly. `vectorized!` makes an instance of it
//! for AVX-512, one for AVX2 with FMA and one for the baseline, and a function that chooses between them. Another
//! instruction set is a variant of [`SimdLevel`], a name, a line in `available` and an instance in the macro.

mod registers;

pub(crate) use registers::prefetch;

use crate::error::{Error, Result};
use std::sync::OnceLock;

/// The instruction sets that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimdLevel {
    /// What every processor of the target has. On x86-64 that excludes fused multiply-add, which is then emulated: right
    /// to the bit, and many times slower.
    Portable,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with the AVX-512 of Skylake-X, of all Intel servers since, and of Zen 4: F, VL, BW and DQ.
    Avx512,
}

impl SimdLevel {
    /// All, the best last.
    pub(crate) const ALL: [SimdLevel; 3] = [SimdLevel::Portable, SimdLevel::Avx2, SimdLevel::Avx512];

    /// What `GRADUS_SIMD` calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            SimdLevel::Portable => "portable",
            SimdLevel::Avx2 => "avx2",
            SimdLevel::Avx512 => "avx512",
        }
    }
}

/// The environment variable that overrides the choice.
const VARIABLE: &str = "GRADUS_SIMD";

/// The instruction set in use: what the environment variable `GRADUS_SIMD` (`portable`, `avx2` or `avx512`) asks for,
/// otherwise the best there is. Read once.
///
/// # Errors
/// The variable holds another word, or the processor does not have what it names.
pub fn level() -> Result<SimdLevel> {
    choice().map_err(|name| {
        let known = available_levels().map(|level| level.name().to_string()).collect();
        Error::Unknown { kind: "GRADUS_SIMD level on this processor", name: name.to_string(), known }
    })
}

/// As [`level`], but never fails: the best there is where the environment asks for something impossible.
pub(crate) fn current() -> SimdLevel {
    choice().unwrap_or_else(|_| best())
}

/// What was chosen, or the word that could not be followed.
fn choice() -> std::result::Result<SimdLevel, &'static str> {
    static CHOICE: OnceLock<std::result::Result<SimdLevel, String>> = OnceLock::new();
    let choice = CHOICE.get_or_init(|| {
        let wish = std::env::var_os(VARIABLE).unwrap_or_default();
        choose(&wish.to_string_lossy())
    });
    choice.as_ref().map(|level| *level).map_err(String::as_str)
}

fn choose(wish: &str) -> std::result::Result<SimdLevel, String> {
    match wish {
        "" => Ok(best()),
        _ => available_levels().find(|level| level.name() == wish).ok_or_else(|| wish.to_string()),
    }
}

fn best() -> SimdLevel {
    available_levels().last().unwrap_or(SimdLevel::Portable)
}

/// Those that this processor can run, the best last.
pub(crate) fn available_levels() -> impl Iterator<Item = SimdLevel> {
    SimdLevel::ALL.into_iter().filter(|&level| available(level))
}

/// Whether this processor can run the instances of `level`. Cheap: the standard library remembers the answer.
pub(crate) fn available(level: SimdLevel) -> bool {
    match level {
        SimdLevel::Portable => true,
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512 => {
            available(SimdLevel::Avx2)
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
        }
        #[cfg(not(target_arch = "x86_64"))]
        SimdLevel::Avx2 | SimdLevel::Avx512 => false,
    }
}

/// What begins at a cache line, so that none of its vectors crosses one.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Aligned<T>(pub(crate) T);

/// Sixteen rows of sixteen elements.
pub(crate) type Square = [[f32; 16]; 16];

/// What bodies are made of: a fused multiply-add, `a·b + c` rounded once, and what needs whole registers.
pub(crate) trait Fma {
    /// Rows and columns of sums that fit the registers, with what is added to them.
    const ROWS: usize = 6;
    const COLUMNS: usize = 16;

    /// `a·b + c`, rounded once.
    fn fma(a: f32, b: f32, c: f32) -> f32;

    /// `sums[l] ← a·b[l] + sums[l]`, each rounded once.
    #[inline(always)]
    fn add_scaled<const L: usize>(a: f32, b: &[f32; L], sums: &mut [f32; L]) {
        for l in 0..L {
            sums[l] = Self::fma(a, b[l], sums[l]);
        }
    }

    /// Rows become columns.
    #[inline(always)]
    fn transpose(square: &mut Square) {
        let from = *square;
        for (column, to) in square.iter_mut().enumerate() {
            to.iter_mut().zip(&from).for_each(|(to, row)| *to = row[column]);
        }
    }

    /// Which of the values are not 0, the first in the lowest bit. A word for each, so that vectors do the work.
    #[inline(always)]
    fn nonzero(values: &[f32; 16]) -> u16 {
        let mut words = [0u32; 16];
        for l in 0..16 {
            words[l] = if values[l] != 0.0 { 1 << l } else { 0 };
        }
        words.iter().fold(0, |set, word| set | word) as u16
    }
}

/// The processor's own instruction; a slow library call in code that is not compiled for it.
pub(crate) struct Hardware;

impl Fma for Hardware {
    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

/// The same where there are twice as many registers, twice as wide.
pub(crate) struct Wide;

impl Fma for Wide {
    const ROWS: usize = 12;
    const COLUMNS: usize = 32;

    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn transpose(square: &mut Square) {
        // SAFETY: `Wide` is named by instances for AVX-512 alone, which run where the processor has it.
        #[allow(unsafe_code)]
        unsafe {
            registers::transpose(square);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn nonzero(values: &[f32; 16]) -> u16 {
        // SAFETY: as above.
        #[allow(unsafe_code)]
        unsafe {
            registers::nonzero(values)
        }
    }
}

/// Made from additions and multiplications in `f64`, for processors without the instruction.
#[cfg_attr(any(target_arch = "aarch64", target_feature = "fma"), allow(dead_code))]
pub(crate) struct Software;

impl Fma for Software {
    /// The product is exact in `f64`; the sum is rounded to odd there (Boldo and Melquiond 2008), so that rounding it
    /// once more, to `f32`, gives what a single rounding would have given.
    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        let (product, c) = (f64::from(a) * f64::from(b), f64::from(c));
        let sum = product + c;
        // Knuth's TwoSum: what the rounding of `sum` lost, exactly. NaN where `sum` is not finite.
        let rest = sum - product;
        let lost = (product - (sum - rest)) + (c - rest);
        // Of the two neighbours around an inexact sum, take the one whose last bit is 1. Stepping the bit pattern by one
        // moves away from zero; an inexact sum is never zero.
        let bits = sum.to_bits();
        let step = if (lost > 0.0) == (sum > 0.0) { 1 } else { u64::MAX };
        let nudge = lost.abs() > 0.0 && bits & 1 == 0;
        f64::from_bits(if nudge { bits.wrapping_add(step) } else { bits }) as f32
    }

    /// Called, not inlined: a tile would repeat its thirty instructions a hundred times, for a compiler to optimise.
    #[inline(never)]
    fn add_scaled<const L: usize>(a: f32, b: &[f32; L], sums: &mut [f32; L]) {
        for l in 0..L {
            sums[l] = Self::fma(a, b[l], sums[l]);
        }
    }
}

/// What the baseline of this target uses: the instruction where every processor has it.
#[cfg(any(target_arch = "aarch64", target_feature = "fma"))]
pub(crate) type Baseline = Hardware;
/// What the baseline of this target uses: the instruction where every processor has it.
#[cfg(not(any(target_arch = "aarch64", target_feature = "fma")))]
pub(crate) type Baseline = Software;

/// Compiles a body, generic over [`Fma`], for each instruction set.
///
/// `fn name<F: Fma>(arguments) -> Result { body }` becomes `fn name(level: SimdLevel, arguments) -> Result`. What the body
/// calls has to be `#[inline(always)]`, or it is compiled for the baseline.
macro_rules! vectorized {
    ($(#[$meta:meta])* $visibility:vis fn $name:ident<$fma:ident: Fma $(, const $size:ident: usize)*>(
        $($argument:ident: $type:ty),* $(,)?
    ) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        $visibility fn $name<$(const $size: usize),*>(
            level: $crate::kernels::simd::SimdLevel,
            $($argument: $type),*
        ) $(-> $result)? {
            #[inline(always)]
            fn body<$fma: $crate::kernels::simd::Fma $(, const $size: usize)*>(
                $($argument: $type),*
            ) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            #[inline(never)] // a caller's constants would take the registers of an inner loop
            fn avx2<$(const $size: usize),*>($($argument: $type),*) $(-> $result)? {
                body::<$crate::kernels::simd::Hardware $(, $size)*>($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512bw,avx512dq")]
            #[inline(never)]
            fn avx512<$(const $size: usize),*>($($argument: $type),*) $(-> $result)? {
                body::<$crate::kernels::simd::Wide $(, $size)*>($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            if level == $crate::kernels::simd::SimdLevel::Avx512 && $crate::kernels::simd::available(level) {
                // SAFETY: the processor has these parts of AVX-512, as has just been asked.
                #[allow(unsafe_code)]
                return unsafe { avx512::<$($size),*>($($argument),*) };
            }
            #[cfg(target_arch = "x86_64")]
            if level == $crate::kernels::simd::SimdLevel::Avx2 && $crate::kernels::simd::available(level) {
                // SAFETY: the processor has AVX2 and FMA, as has just been asked.
                #[allow(unsafe_code)]
                return unsafe { avx2::<$($size),*>($($argument),*) };
            }
            let _ = level;
            body::<$crate::kernels::simd::Baseline $(, $size)*>($($argument),*)
        }
    };
}
pub(crate) use vectorized;

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

    /// A sum close to the middle between two `f32` is where rounding twice goes wrong.
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

    vectorized! {
        fn transposed<F: Fma>(square: &mut Square) {
            F::transpose(square);
        }
    }

    #[test]
    fn rows_become_columns() {
        let at = |row: usize, column: usize| (row * 16 + column) as f32;
        for level in samples::levels() {
            let mut square = std::array::from_fn(|row| std::array::from_fn(|column| at(row, column)));
            transposed(level, &mut square);
            for (row, values) in square.iter().enumerate() {
                assert!(values.iter().enumerate().all(|(column, v)| *v == at(column, row)), "{level:?}, row {row}");
            }
        }
    }

    #[test]
    fn an_unknown_level_is_named() {
        assert_eq!(choose("portable"), Ok(SimdLevel::Portable));
        assert_eq!(choose(""), Ok(best()));
        assert_eq!(choose("sse9"), Err("sse9".to_string()));
    }
}
