//! The error function and the normal distribution, in the style of [`double`](super::double).

use super::double::{RECIPROCAL_FACTORIALS, exp, polynomial};

/// 2 / √π.
const TWO_BY_ROOT_PI: f64 = std::f64::consts::FRAC_2_SQRT_PI;

/// The error function, 2 / √π · ∫₀ˣ exp(−t²) dt.
#[inline(always)]
pub(crate) fn erf(x: f64) -> f64 {
    // (−1)ⁿ / (n! · (2n + 1)), Taylor's series.
    const NEAR: [f64; 9] = {
        let mut all = [1.0; 9];
        let mut n = 1;
        while n < 9 {
            let sign = if n % 2 == 0 { 1.0 } else { -1.0 };
            all[n] = sign * RECIPROCAL_FACTORIALS[n] / (2 * n + 1) as f64;
            n += 1;
        }
        all
    };
    let near = TWO_BY_ROOT_PI * x * polynomial(x * x, NEAR);
    if x.abs() < 0.5 { near } else { 1.0 - erfc(x) }
}

/// 1 − erf x, accurate where erf x is nearly 1.
///
/// For x ≥ 0 it is exp(−x²) / (1 + 2x) · p(t) with t = (x − 3.75) / (x + 3.75): Shepherd and Laframboise 1981,
/// "Chebyshev approximation of (1 + 2x) exp(x²) erfc x", with a new fit for 0 ≤ x ≤ 10.3, beyond which the result is 0
/// in `f32`. For x < 0 it is 2 − erfc(−x).
#[inline(always)]
pub(crate) fn erfc(x: f64) -> f64 {
    const P: [f64; 14] = [
        1.237_512_630_839_881_8,
        -0.140_240_598_512_502_5,
        0.003_585_414_955_877_854_6,
        0.082_276_733_587_904_24,
        -0.108_803_911_343_235_2,
        0.092_304_424_265_546_66,
        -0.058_693_613_821_792_306,
        0.028_361_263_425_203_23,
        -0.009_745_707_662_672_996,
        0.001_760_724_294_559_235_5,
        0.000_293_720_118_758_326_1,
        -0.000_302_433_559_704_202_4,
        4.433_417_642_735_959e-5,
        3.275_377_264_281_212e-5,
    ];
    let a = x.abs();
    // Avoids t = NaN for ∞. NaN is propagated.
    let a = if a > 1e3 { 1e3 } else { a };
    let far = exp(-a * a) / (1.0 + 2.0 * a) * polynomial((a - 3.75) / (a + 3.75), P);
    if x < 0.0 { 2.0 - far } else { far }
}

/// The standard normal distribution, Φ(x) = ½ · erfc(−x / √2).
#[inline(always)]
pub(crate) fn normal(x: f64) -> f64 {
    0.5 * erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// The density of the standard normal distribution, φ(x) = exp(−x²/2) / √(2π).
#[inline(always)]
pub(crate) fn normal_density(x: f64) -> f64 {
    const ROOT: f64 = 0.5 * TWO_BY_ROOT_PI * std::f64::consts::FRAC_1_SQRT_2;
    ROOT * exp(-0.5 * x * x)
}

#[cfg(test)]
mod tests {
    use super::super::double::tests::assert_near;
    use super::*;

    /// Computes erfc by the series e^−x² · Σ 2ⁿ x²ⁿ⁺¹ / (1·3·5⋯(2n+1)), which has no cancellation, and for large x by a
    /// continued fraction.
    fn exact_erfc(x: f64) -> f64 {
        if x.is_nan() || x.abs() > 28.0 {
            return if x.is_nan() { x } else { f64::from(x < 0.0) * 2.0 };
        }
        let a = x.abs();
        let outside = if a < 2.0 {
            1.0 - exact_erf(a)
        } else {
            let fraction = (1..=200).rev().fold(a, |below, k| a + 0.5 * f64::from(k) / below);
            (-a * a).exp() / (fraction * std::f64::consts::PI.sqrt())
        };
        if x < 0.0 { 2.0 - outside } else { outside }
    }

    fn exact_erf(x: f64) -> f64 {
        if x.is_nan() || x.abs() > 3.0 {
            return if x.is_nan() { x } else { (1.0 - exact_erfc(x.abs())).copysign(x) };
        }
        let (mut term, mut sum) = (x, x);
        for n in 1..120 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        TWO_BY_ROOT_PI * (-x * x).exp() * sum
    }

    #[test]
    fn functions_are_almost_correctly_rounded() {
        assert_near("erf", erf, exact_erf);
        assert_near("erfc", erfc, exact_erfc);
        assert_near("normal", normal, |x| 0.5 * exact_erfc(-x * std::f64::consts::FRAC_1_SQRT_2));
        assert_near("normal_density", normal_density, |x| (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt());
    }

    /// Values from mpmath with 40 digits.
    #[test]
    fn the_error_function_agrees_with_published_values() {
        let known = [
            (-2.0, -0.995_322_265_018_952_7),
            (-0.3, -0.328_626_759_459_127_43),
            (0.001, 0.001_128_378_790_969_236_4),
            (0.49, 0.511_668_261_188_523_1),
            (0.51, 0.529_243_619_841_170_4),
            (1.0, 0.842_700_792_949_714_9),
        ];
        for (x, y) in known {
            approx::assert_relative_eq!(erf(x), y, max_relative = 1e-10);
            approx::assert_relative_eq!(exact_erf(x), y, max_relative = 1e-14);
        }
        approx::assert_relative_eq!(erfc(9.0), 4.137_031_746_513_81e-37, max_relative = 1e-10);
        approx::assert_relative_eq!(exact_erfc(2.5), 4.069_520_174_449_59e-4, max_relative = 1e-13);
    }
}
