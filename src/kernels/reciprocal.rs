//! A reciprocal from multiply-adds, because divisions and square roots share one unit of the processor.

use crate::kernels::simd::Fma;

/// 1/x, within 0.54 ulp for 2⁻¹²⁶ ≤ |x| ≤ 2¹²⁵; ±∞ at ±0, ±0 at ±∞, NaN at NaN.
///
/// Outside this range it has the sign of x and is inexact: within a factor of two for denormal x, with numbers above
/// 10³⁸ instead of ∞; at most 2.26/x, down to 0, for x beyond 2¹²⁵.
///
/// Subtracting the bits from a constant negates the exponent, so that x·y₀ is 1 ± 0.051. Then y₁ = y₀·(k − x·y₀), which
/// is Newton's step except that k is slightly above 2: x·y₁ = p·(k − p), and the maximum of this parabola is as far
/// above 1 as its ends are below, 0.00128, half of the error of Newton's step. The constant and k were optimized
/// together. With e = 1 − x·y₁, rounded once, 1/x = y₁·(1 + e + e² + …), and e³ is 2.1·10⁻⁹, which is 0.036 ulp.
#[inline(always)]
pub(crate) fn reciprocal<F: Fma>(x: f32) -> f32 {
    const SEED: u32 = 0x7ef3_3400;
    const K: f32 = 2.001_28;
    // The difference of the bits, which maps 0 to ∞, ∞ to 0 and NaN to NaN, with their signs.
    let rough = f32::from_bits(f32::INFINITY.to_bits().wrapping_sub(x.to_bits()));
    let y = f32::from_bits(SEED.wrapping_sub(x.to_bits()));
    let y = y * F::fma(-x, y, K);
    let e = F::fma(-x, y, 1.0);
    let y = F::fma(y, F::fma(e, e, e), y);
    // For numbers that are not normal, e is about 1, ∞ or NaN.
    if e < 0.01 { y } else { rough }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;
    use crate::kernels::simd::{self, vectorized};

    vectorized! {
        fn reciprocals<F: Fma>(x: &[f32], y: &mut [f32]) {
            y.iter_mut().zip(x).for_each(|(y, x)| *y = reciprocal::<F>(*x));
        }
    }

    fn of(level: simd::SimdLevel, x: &[f32]) -> Vec<f32> {
        let mut y = samples::unset(x.len());
        reciprocals(level, x, &mut y);
        y
    }

    /// The largest error in units in the last place of the exact result.
    fn worst(x: &[f32]) -> f64 {
        let error = |(x, y): (&f32, &f32)| {
            let exact = 1.0 / f64::from(*x);
            let last_place = 2f64.powi(((exact as f32).to_bits() >> 23 & 0xff) as i32 - 150);
            let error = (f64::from(*y) - exact).abs() / last_place;
            assert!(!error.is_nan(), "1/{x:e} is not {y:e}");
            error
        };
        x.iter().zip(&of(simd::current(), x)).map(error).fold(0.0, f64::max)
    }

    const ONE: u32 = 1f32.to_bits();
    const TWO: u32 = 2f32.to_bits();

    #[test]
    fn the_bound_holds_at_every_number_of_a_binade_and_at_samples_of_all() {
        let binade: Vec<f32> = (ONE..TWO).map(f32::from_bits).collect();
        let error = worst(&binade);
        println!("1 ≤ x < 2: at most {error:.5} ulp");
        assert!(error <= 0.54, "{error} ulp");
        let all = f32::MIN_POSITIVE.to_bits()..=2f32.powi(125).to_bits();
        let all: Vec<f32> = all.step_by(997).flat_map(|bits| [bits, bits | 1 << 31]).map(f32::from_bits).collect();
        let error = worst(&all);
        assert!(error <= 0.54, "{error} ulp");
    }

    #[test]
    fn every_instruction_set_has_the_same_bits() {
        let mut x: Vec<f32> = samples::bits(3, 1_000_000).into_iter().map(f32::from_bits).collect();
        x.extend([0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, f32::MIN_POSITIVE, 1e-40]);
        let expected = of(simd::SimdLevel::Portable, &x);
        for level in samples::levels() {
            samples::assert_same_bits(&of(level, &x), &expected, &format!("{level:?}"));
        }
    }

    #[test]
    fn special_values_are_those_of_a_division() {
        let x = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -f32::NAN, f32::from_bits(0x7f80_0001)];
        samples::assert_same_bits(&of(simd::current(), &x), &x.map(|x| 1.0 / x), "special values");
    }

    #[test]
    fn extreme_values_keep_their_magnitude() {
        let ratios = |bits: std::ops::Range<u32>| {
            let x: Vec<f32> = bits.step_by(97).flat_map(|bits| [bits, bits | 1 << 31]).map(f32::from_bits).collect();
            let exact = x.iter().map(|x| (1.0 / x).clamp(-f32::MAX, f32::MAX));
            of(simd::current(), &x).into_iter().zip(exact).map(|(y, exact)| y / exact).collect::<Vec<f32>>()
        };
        let small = ratios(1..f32::MIN_POSITIVE.to_bits());
        assert!(small.iter().all(|ratio| (0.5..=2.0).contains(ratio)));
        let large = ratios(2f32.powi(125).to_bits()..f32::INFINITY.to_bits());
        assert!(large.iter().all(|ratio| (0.0..=2.26).contains(ratio)));
    }
}
