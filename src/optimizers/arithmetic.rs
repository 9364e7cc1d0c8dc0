//! Arithmetic of update rules that avoids denormal numbers.

use crate::kernels::reciprocal::reciprocal;
use crate::kernels::simd::Fma;

/// State below this magnitude is set to 0, because decaying values would become denormal numbers, which are slow.
const FLUSH: f32 = 1e-30;

/// `value`, or 0 if it is below [`FLUSH`].
#[inline(always)]
pub(super) fn flush(value: f32) -> f32 {
    if value.abs() < FLUSH { 0.0 } else { value }
}

/// 2⁻⁸⁰. Adding it before a sum and subtracting it afterwards rounds small sums to multiples of 2⁻¹⁰⁴, about 5·10⁻³², so that
/// they are never denormal, without a comparison. Sums above 10⁻¹⁷ and 0 are unchanged. A decaying mean ends at
/// ½ / (1 − decay) of these multiples or below, which is negligible compared with any epsilon.
const GRAIN: f32 = 1.0 / (1u128 << 80) as f32;

/// `sum` + `a`·`b`, rounded to multiples of 2⁻¹⁰⁴ if small. The product is not rounded, so it cannot be denormal either.
#[inline(always)]
pub(super) fn sum<F: Fma>(sum: f32, a: f32, b: f32) -> f32 {
    F::fma(a, b, sum + GRAIN) - GRAIN
}

/// `decay` · `mean` + `a`·`b`, rounded to multiples of 2⁻¹⁰⁴ if small: a running mean of b for a = 1 − decay, and of b² for
/// a = (1 − decay)·b.
#[inline(always)]
pub(super) fn running<F: Fma>(decay: f32, mean: f32, a: f32, b: f32) -> f32 {
    F::fma(a, b, F::fma(decay, mean, GRAIN)) - GRAIN
}

/// `value` − `change` / `divisor`.
#[inline(always)]
pub(super) fn step<F: Fma>(value: f32, change: f32, divisor: f32) -> f32 {
    F::fma(-change, reciprocal::<F>(divisor), value)
}
