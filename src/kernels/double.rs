//! More elementary functions for `f32`, computed in `f64` and rounded once at the end: within 0.51 ulp.
//!
//! They take and give `f64`, so that one may stand in another before anything is rounded. Only single operations of IEEE
//! 754 are used, no fused one, and selections instead of branches; so the bits are the same everywhere, and a loop over
//! elements becomes vectors of any instruction set. Arguments and results are meant to be of `f32`'s range.

/// c₀ + c₁·x + c₂·x² + …, by Horner's rule.
#[inline(always)]
fn polynomial<const N: usize>(x: f64, coefficients: [f64; N]) -> f64 {
    let mut sum = coefficients[N - 1];
    for i in (0..N - 1).rev() {
        sum = sum * x + coefficients[i];
    }
    sum
}

/// The reciprocals of 0!, 1!, 2!, …
const RECIPROCAL_FACTORIALS: [f64; 13] = {
    let mut all = [1.0; 13];
    let mut n = 1;
    while n < 13 {
        all[n] = all[n - 1] / n as f64;
        n += 1;
    }
    all
};

/// eˣ = 2ⁿ · eʳ with n = round(x / ln 2), and Taylor's series for |r| ≤ ln 2 / 2.
///
/// What leaves the range of `f64` becomes its least or greatest power, which is 0 or ∞ as an `f32`.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    // Adding 1.5·2⁵² rounds to a whole number, which then stands in the last bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // Comparisons this way round let NaN through.
    let x = if x < -708.0 { -708.0 } else { x };
    let x = if x > 709.0 { 709.0 } else { x };
    let rounded = x * std::f64::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    let power = rounded.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(1023) << 52;
    polynomial(r, RECIPROCAL_FACTORIALS) * f64::from_bits(power)
}

/// ln 2 in two parts; the first has so few bits that its product with an exponent is exact.
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];

/// eˣ − 1, which keeps its precision near 0.
#[inline(always)]
pub(crate) fn exp_m1(x: f64) -> f64 {
    let near = x + 0.5 * x * x;
    if x.abs() < 1e-5 { near } else { exp(x) - 1.0 }
}

/// ln x of a normal number; −∞ at 0 and NaN below.
///
/// ln(m·2ᵉ) = e·ln 2 + 2·(s + s³/3 + s⁵/5 + …) with s = (m − 1) / (m + 1) and √½ ≤ m < √2.
#[inline(always)]
pub(crate) fn ln(x: f64) -> f64 {
    const SERIES: [f64; 10] =
        [2.0, 2.0 / 3.0, 2.0 / 5.0, 2.0 / 7.0, 2.0 / 9.0, 2.0 / 11.0, 2.0 / 13.0, 2.0 / 15.0, 2.0 / 17.0, 2.0 / 19.0];
    // As bits, so far above √½ that the exponent counts the doublings from there on.
    const HALF_ROOT: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
    const BIAS: u64 = 1 << 62;
    // A whole number below 2⁵² added to the bits of 2⁵² stands in its last bits: a conversion of integers.
    const TWO_TO_52: f64 = 4_503_599_627_370_496.0;
    let above = x.to_bits().wrapping_sub(HALF_ROOT).wrapping_add(BIAS);
    let e = f64::from_bits((above >> 52) | TWO_TO_52.to_bits()) - (TWO_TO_52 + (BIAS >> 52) as f64);
    let m = f64::from_bits((above & ((1 << 52) - 1)).wrapping_add(HALF_ROOT));
    let s = (m - 1.0) / (m + 1.0);
    let found = e * LN_2[0] + (s * polynomial(s * s, SERIES) + e * LN_2[1]);
    let found = if x == 0.0 { f64::NEG_INFINITY } else { found };
    let found = if x == f64::INFINITY { x } else { found };
    if x >= 0.0 { found } else { f64::NAN }
}

/// ln(1 + x), which keeps its precision near 0.
#[inline(always)]
pub(crate) fn ln_1p(x: f64) -> f64 {
    let near = x - 0.5 * x * x;
    if x.abs() < 1e-5 { near } else { ln(1.0 + x) }
}

/// ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|).
#[inline(always)]
pub(crate) fn softplus(x: f64) -> f64 {
    let above = if x < 0.0 { 0.0 } else { x };
    above + ln_1p(exp(-x.abs()))
}

/// xᵖ as IEEE 754 defines `pow`: where x < 0, p has to be whole; 0⁰ = 1.
#[inline(always)]
pub(crate) fn power(x: f64, p: f64) -> f64 {
    let size = exp(p * ln(x.abs()));
    // ln 1 = 0 times ∞, and 0 times ln 0, would be NaN.
    let size = if p == 0.0 || (x.abs() == 1.0 && p.is_infinite()) { 1.0 } else { size };
    let whole = p.floor() == p;
    let odd = whole && (0.5 * p).floor() != 0.5 * p;
    let size = if x == 1.0 { 1.0 } else { size };
    let below = if x < 0.0 && x != f64::NEG_INFINITY && !whole { f64::NAN } else { size };
    if odd { below.copysign(x) } else { below }
}

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

/// 1 − erf x, which keeps its precision where erf x is nearly 1.
///
/// For x ≥ 0 it is exp(−x²) / (1 + 2x) · p(t) with t = (x − 3.75) / (x + 3.75): Shepherd and Laframboise 1981, "Chebyshev
/// approximation of (1 + 2x) exp(x²) erfc x", the fit made anew for 0 ≤ x ≤ 10.3, beyond which the result is 0 in `f32`.
/// Below 0 it is 2 − erfc(−x).
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
    // ∞ would make t NaN; NaN stays what it is.
    let a = if a > 1e3 { 1e3 } else { a };
    let far = exp(-a * a) / (1.0 + 2.0 * a) * polynomial((a - 3.75) / (a + 3.75), P);
    if x < 0.0 { 2.0 - far } else { far }
}

/// The standard normal distribution, Φ(x) = ½ · erfc(−x / √2).
#[inline(always)]
pub(crate) fn normal(x: f64) -> f64 {
    0.5 * erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// Its density, φ(x) = exp(−x²/2) / √(2π).
#[inline(always)]
pub(crate) fn normal_density(x: f64) -> f64 {
    const ROOT: f64 = 0.5 * TWO_BY_ROOT_PI * std::f64::consts::FRAC_1_SQRT_2;
    ROOT * exp(-0.5 * x * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every 997th `f32`, and those around which a function changes its formula.
    fn arguments() -> impl Iterator<Item = f32> {
        let changes = [1.0f32, 0.5, 1e-5, std::f32::consts::FRAC_1_SQRT_2, 10.3, 88.7, 104.0];
        let around = changes.into_iter().flat_map(|x| (0..20u32).map(move |i| f32::from_bits(x.to_bits() + i - 10)));
        (0..=u32::MAX).step_by(997).map(f32::from_bits).chain(around.clone()).chain(around.map(|x| -x))
    }

    /// How far `found` is from `exact`, in units of the last place of an `f32` there.
    fn ulps(found: f32, exact: f64) -> f64 {
        let near = exact as f32;
        if found == near && !near.is_finite() || found.is_nan() && near.is_nan() {
            return 0.0;
        }
        let exponent = (near.to_bits() >> 23 & 0xff).max(1) as i32;
        (f64::from(found) - exact).abs() / 2f64.powi(exponent - 150)
    }

    fn assert_near(what: &str, found: impl Fn(f64) -> f64, exact: impl Fn(f64) -> f64) {
        let mut worst = (0.0, 0.0);
        for x in arguments() {
            let error = ulps(found(f64::from(x)) as f32, exact(f64::from(x)));
            assert!(!error.is_nan(), "{what} of {x:e} is {:e}, not {:e}", found(f64::from(x)), exact(f64::from(x)));
            worst = if error > worst.0 { (error, x) } else { worst };
        }
        println!("{what}: at most {} ulp, at {:e}", worst.0, worst.1);
        assert!(worst.0 <= 0.51, "{what}: {} ulp at {:e}", worst.0, worst.1);
    }

    /// By the series e^−x² · Σ 2ⁿ x²ⁿ⁺¹ / (1·3·5⋯(2n+1)), in which nothing cancels, and far out by a continued fraction.
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
    fn every_function_is_rounded_nearly_right() {
        assert_near("exp", exp, f64::exp);
        assert_near("exp_m1", exp_m1, f64::exp_m1);
        assert_near("ln", ln, f64::ln);
        assert_near("ln_1p", ln_1p, f64::ln_1p);
        assert_near("softplus", softplus, |x| x.max(0.0) + (-x.abs()).exp().ln_1p() + (x - x));
        assert_near("erf", erf, exact_erf);
        assert_near("erfc", erfc, exact_erfc);
        assert_near("normal", normal, |x| 0.5 * exact_erfc(-x * std::f64::consts::FRAC_1_SQRT_2));
        assert_near("normal_density", normal_density, |x| (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt());
    }

    #[test]
    fn powers_are_rounded_nearly_right() {
        let exponents = [2.0, -1.0, 0.5, 3.0, 7.0, -2.5, 0.0, 1e-3, 101.0, 1e30, f32::INFINITY, f32::NEG_INFINITY];
        for p in exponents.map(f64::from) {
            assert_near(&format!("power {p}"), |x| power(x, p), |x| x.powf(p));
        }
        assert!(power(2.0, f64::NAN).is_nan() && power(-2.0, 0.5).is_nan());
        assert_eq!((power(-0.0, 3.0) as f32).to_bits(), (-0f32).to_bits());
    }

    /// From mpmath with 40 digits.
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
