//! The choice of the instruction set. One Rust body is compiled for each, and all give the same bits.
//!
//! A body is generic over `Fma`, so that every multiply-add is explicit. `vectorized!` creates an instance for AVX-512,
//! one for AVX2 with FMA and one for the baseline, and a function that chooses between them. A further instruction set
//! needs a variant of [`SimdLevel`], a name, a line in `available` and an instance in the macro.

mod fma;
mod registers;
mod strided;

#[cfg(any(target_arch = "x86_64", test))]
pub(crate) use fma::Hardware;
#[cfg(all(target_arch = "x86_64", feature = "avx512"))]
pub(crate) use fma::Wide;
pub(crate) use fma::{Baseline, Fma, Square};
pub(crate) use registers::prefetch;
pub(crate) use strided::StridedLayout;

use crate::error::{Error, Result};
use std::sync::OnceLock;

/// The instruction sets that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SimdLevel {
    /// The baseline of the target. On x86-64 it has no fused multiply-add, which is emulated with the same bits and is
    /// many times slower.
    Portable,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with the AVX-512 of Skylake-X, of all Intel servers since, and of Zen 4: F, VL, BW and DQ.
    Avx512,
}

impl SimdLevel {
    /// All levels in ascending order.
    pub(crate) const ALL: [SimdLevel; 3] = [SimdLevel::Portable, SimdLevel::Avx2, SimdLevel::Avx512];

    /// The name in `GRADUS_SIMD`.
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

/// Returns the instruction set in use: that of the environment variable `GRADUS_SIMD` (`portable`, `avx2` or `avx512`),
/// by default the best available one. The variable is read once.
///
/// # Errors
/// [`Error::Unknown`] if the variable has another value, or the processor does not support it.
pub(crate) fn level() -> Result<SimdLevel> {
    choice().map_err(|name| {
        let known = available_levels().map(|level| level.name().to_string()).collect();
        Error::Unknown { kind: "GRADUS_SIMD level on this processor", name: name.to_string(), known }
    })
}

/// Returns the instruction set in use, or the best available one if the variable is invalid.
pub(crate) fn current() -> SimdLevel {
    choice().unwrap_or_else(|_| best())
}

/// The choice, or the invalid value of the variable.
fn choice() -> std::result::Result<SimdLevel, &'static str> {
    static CHOICE: OnceLock<std::result::Result<SimdLevel, String>> = OnceLock::new();
    let choice = CHOICE.get_or_init(|| {
        let requested = std::env::var_os(VARIABLE).unwrap_or_default();
        choose(&requested.to_string_lossy())
    });
    choice.as_ref().map(|level| *level).map_err(String::as_str)
}

fn choose(requested: &str) -> std::result::Result<SimdLevel, String> {
    match requested {
        "" => Ok(best()),
        _ => available_levels().find(|level| level.name() == requested).ok_or_else(|| requested.to_string()),
    }
}

fn best() -> SimdLevel {
    available_levels().last().unwrap_or(SimdLevel::Portable)
}

/// The levels that this processor supports, in ascending order.
pub(crate) fn available_levels() -> impl Iterator<Item = SimdLevel> {
    SimdLevel::ALL.into_iter().filter(|&level| available(level))
}

/// Whether this processor supports `level`. The standard library caches the result.
pub(crate) fn available(level: SimdLevel) -> bool {
    match level {
        SimdLevel::Portable => true,
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
        #[cfg(all(target_arch = "x86_64", feature = "avx512"))]
        SimdLevel::Avx512 => {
            available(SimdLevel::Avx2)
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
        }
        #[cfg(not(target_arch = "x86_64"))]
        SimdLevel::Avx2 => false,
        #[cfg(not(all(target_arch = "x86_64", feature = "avx512")))]
        SimdLevel::Avx512 => false,
    }
}

/// Aligns a value to a cache line, so that no vector in it crosses one.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Aligned<T>(pub(crate) T);

/// Copies the lanes that both arrays have, by value. With `copy_from_slice`, builds with debug assertions keep arrays of sums
/// in memory, where vectors may cross cache lines.
#[inline(always)]
pub(crate) fn copy_lanes<const N: usize, const M: usize>(from: &[f32; N], to: &mut [f32; M]) {
    const { assert!(N.is_multiple_of(8) && M.is_multiple_of(8), "a whole number of vectors") };
    for (from, to) in from.as_chunks::<8>().0.iter().zip(to.as_chunks_mut::<8>().0) {
        *to = *from;
    }
}

/// Compiles a body, generic over [`Fma`], for each instruction set.
///
/// `fn name<F: Fma>(arguments) -> Result { body }` becomes `fn name(level: SimdLevel, arguments) -> Result`. Functions
/// that the body calls must be `#[inline(always)]`, or they are compiled for the baseline.
///
/// # Safety
///
/// The macro is safe to use: an instance for an instruction set is called only if [`available`] confirms that the processor
/// has every feature in its `target_feature`. An instance for AVX2 uses [`Hardware`] and one for AVX-512 uses [`Wide`], whose
/// operations require these features.
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

            #[cfg(all(target_arch = "x86_64", feature = "avx512"))]
            #[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512bw,avx512dq")]
            #[inline(never)]
            fn avx512<$(const $size: usize),*>($($argument: $type),*) $(-> $result)? {
                body::<$crate::kernels::simd::Wide $(, $size)*>($($argument),*)
            }

            #[cfg(all(target_arch = "x86_64", feature = "avx512"))]
            if level == $crate::kernels::simd::SimdLevel::Avx512 && $crate::kernels::simd::available(level) {
                // SAFETY: the processor has these parts of AVX-512, as `available` has checked.
                #[allow(unsafe_code)]
                return unsafe { avx512::<$($size),*>($($argument),*) };
            }
            #[cfg(target_arch = "x86_64")]
            if level == $crate::kernels::simd::SimdLevel::Avx2 && $crate::kernels::simd::available(level) {
                // SAFETY: the processor has AVX2 and FMA, as `available` has checked.
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
mod tests;
