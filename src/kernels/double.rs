//! Elementary functions in `f64`, for elements whose result is rounded to `f32` once at the end, within 0.51 ulp, and
//! for values that are computed once per step, such as a learning rate.
//!
//! They take and return `f64`, so that they can be nested without intermediate rounding. They use only unfused IEEE 754
//! operations and selections instead of branches. The bits are therefore equal everywhere, and loops over elements can
//! be vectorized for any instruction set. Results are expected to be within the range of `f32`.

/// c₀ + c₁·x + c₂·x² + …, by Horner's rule.
#[inline(always)]
pub(super) fn polynomial<const N: usize>(x: f64, coefficients: [f64; N]) -> f64 {
    let mut sum = coefficients[N - 1];
    for i in (0..N - 1).rev() {
        sum = sum * x + coefficients[i];
    }
    sum
}

/// The reciprocals of 0!, 1!, 2!, …
pub(super) const RECIPROCAL_FACTORIALS: [f64; 13] = {
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
/// Results outside the range of `f64` are its smallest or largest power, which is 0 or ∞ as an `f32`.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    // Adding 1.5·2⁵² rounds to an integer, which is then in the lowest bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // Comparisons in this direction propagate NaN.
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
///
/// `math::ln` is exact to the last bit of `f64`, for values computed once per row or draw; this function is for loops
/// over elements. They differ in their last bits. Using one for both would change losses and initial weights, or
/// prevent vectorization.
#[inline(always)]
pub(crate) fn ln(x: f64) -> f64 {
    const SERIES: [f64; 10] =
        [2.0, 2.0 / 3.0, 2.0 / 5.0, 2.0 / 7.0, 2.0 / 9.0, 2.0 / 11.0, 2.0 / 13.0, 2.0 / 15.0, 2.0 / 17.0, 2.0 / 19.0];
    // The bits relative to √½, so that the exponent counts the doublings from there.
    const HALF_ROOT: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
    const BIAS: u64 = 1 << 62;
    // Adding an integer below 2⁵² to the bits of 2⁵² converts it to a float.
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

/// xᵖ as defined by IEEE 754 `pow`: if x < 0, p must be an integer; 0⁰ = 1.
#[inline(always)]
pub(crate) fn power(x: f64, p: f64) -> f64 {
    let size = exp(p * ln(x.abs()));
    // Avoids NaN from ln 1 = 0 times ∞, and from 0 times ln 0.
    let size = if p == 0.0 || (x.abs() == 1.0 && p.is_infinite()) { 1.0 } else { size };
    let whole = p.floor() == p;
    let odd = whole && (0.5 * p).floor() != 0.5 * p;
    let size = if x == 1.0 { 1.0 } else { size };
    let below = if x < 0.0 && x != f64::NEG_INFINITY && !whole { f64::NAN } else { size };
    if odd { below.copysign(x) } else { below }
}

/// cos(π·x), exact at 0, 1 and −1.
pub(crate) fn cos_pi(x: f64) -> f64 {
    let x = x.abs();
    let turned = x - 2.0 * (0.5 * x).floor(); // 0 ≤ turned < 2
    let half = if turned > 1.0 { 2.0 - turned } else { turned };
    if half > 0.5 { -quarter(1.0 - half) } else { quarter(half) }
}

/// cos(π·x) for 0 ≤ x ≤ ½: by the series of cos below ¼, otherwise by the series of sin of ½ − x.
fn quarter(x: f64) -> f64 {
    let near = x <= 0.25;
    let angle = std::f64::consts::PI * if near { x } else { 0.5 - x };
    let square = angle * angle;
    // 1 − z/(1·2)·(1 − z/(3·4)·(…)), or with factors increased by one.
    let series = |first: i32| {
        (0..10).rev().fold(1.0, |sum, k| 1.0 - sum * square / f64::from((2 * k + first) * (2 * k + first + 1)))
    };
    if near { series(1) } else { angle * series(2) }
}

/// xᵗ for an integer t ≥ 0, by repeated squaring.
pub(crate) fn whole_power(x: f64, mut exponent: u64) -> f64 {
    let (mut result, mut square) = (1.0, x);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= square;
        }
        square *= square;
        exponent >>= 1;
    }
    result
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Every 997th `f32`, and the values around which a function changes its formula.
    fn arguments() -> impl Iterator<Item = f32> {
        let changes = [1.0f32, 0.5, 1e-5, std::f32::consts::FRAC_1_SQRT_2, 10.3, 88.7, 104.0];
        let around = changes.into_iter().flat_map(|x| (0..20u32).map(move |i| f32::from_bits(x.to_bits() + i - 10)));
        (0..=u32::MAX).step_by(997).map(f32::from_bits).chain(around.clone()).chain(around.map(|x| -x))
    }

    /// Distance of `found` from `exact` in units in the last place of an `f32`.
    fn ulps(found: f32, exact: f64) -> f64 {
        let near = exact as f32;
        if found == near && !near.is_finite() || found.is_nan() && near.is_nan() {
            return 0.0;
        }
        let exponent = (near.to_bits() >> 23 & 0xff).max(1) as i32;
        (f64::from(found) - exact).abs() / 2f64.powi(exponent - 150)
    }

    pub(in crate::kernels) fn assert_near(what: &str, found: impl Fn(f64) -> f64, exact: impl Fn(f64) -> f64) {
        let mut worst = (0.0, 0.0);
        for x in arguments() {
            let error = ulps(found(f64::from(x)) as f32, exact(f64::from(x)));
            assert!(!error.is_nan(), "{what} of {x:e} is {:e}, not {:e}", found(f64::from(x)), exact(f64::from(x)));
            worst = if error > worst.0 { (error, x) } else { worst };
        }
        println!("{what}: at most {} ulp, at {:e}", worst.0, worst.1);
        assert!(worst.0 <= 0.51, "{what}: {} ulp at {:e}", worst.0, worst.1);
    }

    #[test]
    fn every_function_is_almost_correctly_rounded() {
        assert_near("exp", exp, f64::exp);
        assert_near("exp_m1", exp_m1, f64::exp_m1);
        assert_near("ln", ln, f64::ln);
        assert_near("ln_1p", ln_1p, f64::ln_1p);
        assert_near("softplus", softplus, |x| x.max(0.0) + (-x.abs()).exp().ln_1p() + (x - x));
    }

    #[test]
    fn powers_are_almost_correctly_rounded() {
        let exponents = [2.0, -1.0, 0.5, 3.0, 7.0, -2.5, 0.0, 1e-3, 101.0, 1e30, f32::INFINITY, f32::NEG_INFINITY];
        for p in exponents.map(f64::from) {
            assert_near(&format!("power {p}"), |x| power(x, p), |x| x.powf(p));
        }
        assert!(power(2.0, f64::NAN).is_nan() && power(-2.0, 0.5).is_nan());
        assert_eq!((power(-0.0, 3.0) as f32).to_bits(), (-0f32).to_bits());
    }

    #[test]
    fn cosines_are_even_periodic_and_exact_at_the_corners() {
        for i in -5_000..5_000 {
            let x = f64::from(i) / 1_771.0;
            assert!((cos_pi(x) - (std::f64::consts::PI * x).cos()).abs() < 2e-15, "cos(π · {x}) = {}", cos_pi(x));
        }
        assert_eq!([0.0, 0.5, 1.0, 1.5, 2.0, -1.0, 7.0, 1e6].map(cos_pi), [1.0, 0.0, -1.0, 0.0, 1.0, -1.0, -1.0, 1.0]);
        assert!(cos_pi(f64::NAN).is_nan());
    }

    #[test]
    fn integer_powers_are_products() {
        assert_eq!((whole_power(0.5, 10), whole_power(0.9, 1), whole_power(0.9, 0)), (1.0 / 1024.0, 0.9, 1.0));
        approx::assert_relative_eq!(whole_power(0.9, 1000), 0.9f64.powi(1000), max_relative = 1e-12);
    }

    /// Learning rates use powers in `f64` without rounding to `f32`.
    #[test]
    fn powers_are_accurate_in_double_precision() {
        for (x, t) in [(0.96, 0.37), (0.5, -2.5), (3.0, 12.25), (1e-3, 0.5), (0.9, 1.0), (0.999, 5000.0)] {
            approx::assert_relative_eq!(power(x, t), f64::powf(x, t), max_relative = 1e-14);
        }
    }
}
