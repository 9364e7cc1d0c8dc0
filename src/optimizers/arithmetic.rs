//! Arithmetic of update rules that avoids denormal numbers.

use crate::kernels::reciprocal::reciprocal;
use crate::kernels::simd::Fma;

/// State smaller than this becomes 0, so that what decays never becomes a slow denormal number.
const FLUSH: f32 = 1e-30;

/// `value`, or 0 where it is too small to matter.
#[inline(always)]
pub(super) fn flush(value: f32) -> f32 {
    if value.abs() < FLUSH { 0.0 } else { value }
}

/// 2⁻⁸⁰. Added before and taken away after, it makes a sum a multiple of 2⁻¹⁰⁴, about 5·10⁻³², if it is that small:
/// never a denormal number, without a comparison. Sums above 10⁻¹⁷ do not see it, 0 stays 0, and a mean that decays ends
/// at ½ / (1 − decay) of these grains or below, too little to matter beside any epsilon.
const GRAIN: f32 = 1.0 / (1u128 << 80) as f32;

/// `sum` + `a`·`b`, rounded to grains. The product is not rounded, so it cannot be denormal either.
#[inline(always)]
pub(super) fn sum<F: Fma>(sum: f32, a: f32, b: f32) -> f32 {
    F::fma(a, b, sum + GRAIN) - GRAIN
}

/// `decay` · `mean` + `a`·`b`, rounded to grains: a running mean of b where a is 1 − decay, of b² where a is (1 − decay)·b.
#[inline(always)]
pub(super) fn running<F: Fma>(decay: f32, mean: f32, a: f32, b: f32) -> f32 {
    F::fma(a, b, F::fma(decay, mean, GRAIN)) - GRAIN
}

/// `value` − `change` / `divisor`.
#[inline(always)]
pub(super) fn step<F: Fma>(value: f32, change: f32, divisor: f32) -> f32 {
    F::fma(-change, reciprocal::<F>(divisor), value)
}
