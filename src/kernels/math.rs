//! Elementary functions made of IEEE operations only, so that their bits are the same on every system.
//!
//! The system's mathematics library is never called, because its results differ between systems and a call per element
//! would be slow. Polynomials are minimax fits (Remez) with coefficients rounded to `f32`.

use crate::kernels::simd::Fma;

/// eˣ, within 0.99 ulp over all `f32`; underflow gives 0, and overflow ∞.
///
/// eˣ = 2ⁿ · eʳ with n = round(x / ln 2) and |r| ≤ ln 2 / 2, and eʳ = 1 + r + r²·q(r).
#[inline(always)]
pub(crate) fn exp<F: Fma>(x: f32) -> f32 {
    // Adding 1.5·2²³ rounds to an integer, which is then in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts; the first has so few bits that its product with n is exact.
    const LN_2: [f32; 2] = [355.0 / 512.0, -2.121_944_4e-4];
    const Q: [f32; 6] = [0.5, 0.166_666_66, 0.041_666_295, 0.008_333_498, 0.001_394_475_8, 0.000_197_902_73];
    // Beyond these, eˣ is 0 or ∞. Comparisons in this direction propagate NaN.
    let x = if x < -104.0 { -104.0 } else { x };
    let x = if x > 89.0 { 89.0 } else { x };
    let rounded = F::fma(x, std::f32::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    let r = F::fma(n, -LN_2[1], F::fma(n, -LN_2[0], x));
    let p = 1.0 + F::fma(r * r, polynomial::<F, 6>(r, Q), r);
    // 2ⁿ as two factors, because n ranges from −150 to 128 and only the last multiplication may round.
    let n = rounded.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    let half = n >> 1;
    p * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// 2ⁿ for −126 ≤ n ≤ 127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// c₀ + c₁·x + c₂·x² + …, by Horner's rule.
#[inline(always)]
fn polynomial<F: Fma, const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[N - 1];
    for i in (0..N - 1).rev() {
        sum = F::fma(sum, x, coefficients[i]);
    }
    sum
}

/// [`sigmoid`] is 0 below −x, near the end of the normal numbers, because processors may need a hundred cycles for a
/// denormal number. TensorFlow returns 0 there too.
const SIGMOID_REACH: f32 = 87.33;

/// 1 / (1 + e⁻ˣ), within 2.41 ulp over all `f32` from −87.33 on; 0 below, where it is less than 1.19 · 10⁻³⁸.
///
/// Computed as e⁻ˣ / (1 + e⁻ˣ) for x < 0 with the sign reversed, which is accurate for large negative x.
#[inline(always)]
pub(crate) fn sigmoid<F: Fma>(x: f32) -> f32 {
    let a = x.abs();
    let e = exp::<F>(-(if a > SIGMOID_REACH { SIGMOID_REACH } else { a }));
    let left = if x < -SIGMOID_REACH { 0.0 } else { e };
    let above = if x < 0.0 { left } else { 1.0 };
    above / (1.0 + e)
}

/// tanh x, within 1.34 ulp over all `f32`.
///
/// Near 0 an odd polynomial, x + x³·p(x²); elsewhere 1 − 2 / (e²ˣ + 1), which has no cancellation there.
#[inline(always)]
pub(crate) fn tanh<F: Fma>(x: f32) -> f32 {
    const P: [f32; 5] = [-0.333_332_8, 0.133_314_42, -0.053_739_71, 0.020_639_08, -0.005_704_977_5];
    let a = x.abs();
    let square = a * a;
    let near = F::fma(a * square, polynomial::<F, 5>(square, P), a);
    let far = 1.0 - 2.0 / (exp::<F>(a + a) + 1.0);
    (if a < 0.625 { near } else { far }).copysign(x)
}

/// The natural logarithm, within 1 ulp; −∞ at 0 and NaN below.
///
/// ln(m·2ᵉ) = e·ln 2 + 2·(s + s³/3 + s⁵/5 + …) with s = (m − 1) / (m + 1) and √½ ≤ m < √2.
///
/// `double::ln` is for loops over elements. It has no branches, so that loops are vectorized, and an error of up to 2
/// ulp, because its results are rounded to `f32`. About one in eight results differs from this function in the last
/// bits. Neither can replace the other: losses are summed in `f64` and draws are scaled before they are rounded, and
/// branches would prevent vectorization.
pub(crate) fn ln(x: f64) -> f64 {
    // ln 2 in two parts; the first has so few bits that its product with e is exact.
    const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 || x == f64::INFINITY {
        return if x == 0.0 { f64::NEG_INFINITY } else { x };
    }
    let (m, e) = mantissa_and_exponent(x);
    // 2·atanh s = 2s + s·(2s²/3 + 2s⁴/5 + …) = f − s·(f − …) with f = m − 1, which keeps f exact.
    let f = m - 1.0;
    let s = f / (m + 1.0);
    let square = s * s;
    let mut series = 0.0;
    for k in (1..=11).rev() {
        series = square * (series + 2.0 / f64::from(2 * k + 1));
    }
    // 2s = f − s·f
    e * LN_2[0] + (f - (s * (f - series) - e * LN_2[1]))
}

/// x = m · 2ᵉ with √½ ≤ m < √2, for positive finite x.
fn mantissa_and_exponent(x: f64) -> (f64, f64) {
    const TWO_TO_54: f64 = (1u64 << 54) as f64;
    let (x, scale) = if x < f64::MIN_POSITIVE { (x * TWO_TO_54, -54) } else { (x, 0) };
    let bits = x.to_bits();
    let m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    let e = (bits >> 52) as i32 - 1023 + scale;
    if m < std::f64::consts::SQRT_2 { (m, f64::from(e)) } else { (0.5 * m, f64::from(e + 1)) }
}

/// The quantile of the standard normal distribution at probability `p`: −∞ at 0, ∞ at 1, NaN outside.
///
/// Wichura 1988, "Algorithm AS 241: The percentage points of the normal distribution" (PPND16), relative error 1e-16.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(0.180_625 - q * q, &CENTER);
    }
    if p.is_nan() || !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail == 0.0 {
        return f64::INFINITY.copysign(q);
    }
    let r = (-ln(tail)).sqrt();
    let distance = if r <= 5.0 { ratio(r - 1.6, &MIDDLE) } else { ratio(r - 5.0, &FAR) };
    distance.copysign(q)
}

/// A quotient of two polynomials, coefficients from the constant upwards.
type Ratio = [[f64; 8]; 2];

fn ratio(x: f64, [above, below]: &Ratio) -> f64 {
    let horner = |coefficients: &[f64; 8]| coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c);
    horner(above) / horner(below)
}

/// For |p − ½| ≤ 0.425, in 0.425² − (p − ½)².
const CENTER: Ratio = [
    [
        3.387_132_872_796_366_5,
        1.331_416_678_917_843_8e2,
        1.971_590_950_306_551_3e3,
        1.373_169_376_550_946e4,
        4.592_195_393_154_987e4,
        6.726_577_092_700_87e4,
        3.343_057_558_358_813e4,
        2.509_080_928_730_122_7e3,
    ],
    [
        1.0,
        4.231_333_070_160_091e1,
        6.871_870_074_920_579e2,
        5.394_196_021_424_751e3,
        2.121_379_430_158_659_7e4,
        3.930_789_580_009_271e4,
        2.872_908_573_572_194_3e4,
        5.226_495_278_852_854e3,
    ],
];

/// For tails above e⁻²⁵, in √(−ln tail) − 1.6.
const MIDDLE: Ratio = [
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        2.417_807_251_774_506e-1,
        2.272_384_498_926_918_4e-2,
        7.745_450_142_783_414e-4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        6.897_673_349_851e-1,
        1.481_039_764_274_800_8e-1,
        1.519_866_656_361_645_7e-2,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
];

/// For smaller tails, in √(−ln tail) − 5.
const FAR: Ratio = [
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        2.965_605_718_285_048_7e-1,
        2.653_218_952_657_612_4e-2,
        1.242_660_947_388_078_4e-3,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        5.998_322_065_558_88e-1,
        1.369_298_809_227_358e-1,
        1.487_536_129_085_061_5e-2,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::simd::{self, Hardware, vectorized};
    use rayon::prelude::*;

    vectorized! {
        fn evaluate<F: Fma>(function: Function, x: &[f32], y: &mut [f32]) {
            let pairs = y.iter_mut().zip(x);
            match function {
                Function::Exp => pairs.for_each(|(y, x)| *y = exp::<F>(*x)),
                Function::Tanh => pairs.for_each(|(y, x)| *y = tanh::<F>(*x)),
                Function::Sigmoid => pairs.for_each(|(y, x)| *y = sigmoid::<F>(*x)),
                Function::Ln => pairs.for_each(|(y, x)| *y = ln(f64::from(*x)) as f32),
            }
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Function {
        Exp,
        Tanh,
        Sigmoid,
        Ln,
    }

    impl Function {
        /// Each function with the error bound in its documentation.
        const ALL: [(Function, f64); 4] =
            [(Function::Exp, 0.99), (Function::Tanh, 1.34), (Function::Sigmoid, 2.41), (Function::Ln, 0.51)];

        fn exact(self, x: f64) -> f64 {
            match self {
                Function::Exp => x.exp(),
                Function::Tanh => x.tanh(),
                Function::Sigmoid if x < f64::from(-SIGMOID_REACH) => 0.0,
                Function::Sigmoid => 1.0 / (1.0 + (-x).exp()),
                Function::Ln => x.ln(),
            }
        }

        /// The largest error in units in the last place of the exact result over these numbers, and its argument.
        fn worst(self, x: &[f32]) -> (f64, f32) {
            let mut y = vec![f32::NAN; x.len()];
            evaluate(simd::current(), self, x, &mut y);
            let mut worst = (0.0, 0.0);
            for (&x, &found) in x.iter().zip(&y) {
                let exact = self.exact(f64::from(x));
                let error = ulps(found, exact);
                assert!(!error.is_nan() && found.is_nan() == exact.is_nan(), "{x:e} becomes {found:e}, not {exact:e}");
                worst = if error > worst.0 { (error, x) } else { worst };
            }
            worst
        }

        /// Fails if the error exceeds the bound at one of the bit patterns. Every `stride`-th is tested.
        fn check(self, bound: f64, stride: usize) {
            let piece = |piece: u32| {
                let patterns = ((piece << 24)..=(piece << 24 | 0x00ff_ffff)).step_by(stride);
                self.worst(&patterns.map(f32::from_bits).collect::<Vec<f32>>())
            };
            let larger = |a: (f64, f32), b: (f64, f32)| if b.0 > a.0 { b } else { a };
            let (error, x) = (0..256).into_par_iter().map(piece).reduce(|| (0.0, 0.0), larger);
            println!("{self:?}: at most {error:.4} ulp, at {x:e}");
            assert!(error <= bound, "{self:?}: {error} ulp at {x:e}");
        }
    }

    fn ulps(found: f32, exact: f64) -> f64 {
        let near = exact as f32;
        if found == near || (found.is_nan() && near.is_nan()) {
            return if near.is_finite() { (f64::from(found) - exact).abs() / spacing(near) } else { 0.0 };
        }
        (f64::from(found) - exact).abs() / spacing(near)
    }

    fn spacing(x: f32) -> f64 {
        let exponent = (x.to_bits() >> 23 & 0xff).max(1) as i32;
        2f64.powi(exponent - 150)
    }

    #[test]
    fn f32_functions_keep_their_bounds_at_every_997th_number() {
        Function::ALL.into_iter().for_each(|(function, bound)| function.check(bound, 997));
    }

    #[test]
    #[ignore = "all 2³² numbers take minutes: cargo test --release all_numbers -- --ignored --nocapture"]
    fn f32_functions_keep_their_bounds_at_all_numbers() {
        Function::ALL.into_iter().for_each(|(function, bound)| function.check(bound, 1));
    }

    #[test]
    fn special_values_are_exact() {
        assert_eq!(exp::<Hardware>(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp::<Hardware>(f32::NEG_INFINITY).to_bits(), 0);
        assert_eq!(exp::<Hardware>(-0.0), 1.0);
        assert_eq!(tanh::<Hardware>(-0.0).to_bits(), (-0f32).to_bits());
        assert_eq!(tanh::<Hardware>(f32::NEG_INFINITY), -1.0);
        assert_eq!(sigmoid::<Hardware>(f32::NEG_INFINITY), 0.0);
        assert_eq!(sigmoid::<Hardware>(f32::INFINITY), 1.0);
        assert!(sigmoid::<Hardware>(-SIGMOID_REACH) >= f32::MIN_POSITIVE);
        assert_eq!(ln(0.0), f64::NEG_INFINITY);
        assert_eq!(ln(1.0).to_bits(), 0);
        assert!(ln(-1.0).is_nan());
        assert_eq!(ln(f64::INFINITY), f64::INFINITY);
    }

    #[test]
    fn ln_is_exact_to_one_unit_in_the_last_place() {
        for i in 1..99_900u64 {
            let x = f64::from_bits(i * 92_233_720_368_547);
            let (found, right) = (ln(x), x.ln());
            assert!((found - right).abs() <= 3e-16 * right.abs(), "ln {x:e} = {found:e}, not {right:e}");
        }
    }

    /// Table values of AS 241, and Python's `statistics.NormalDist().inv_cdf`.
    #[test]
    fn quantiles_agree_with_published_ones() {
        let known = [
            (0.25, -0.674_489_750_196_081_7),
            (0.5, 0.0),
            (0.001, -3.090_232_306_167_813),
            (1e-20, -9.262_340_089_798_409),
            (0.975, 1.959_963_984_540_054),
        ];
        for (p, x) in known {
            assert!((normal_quantile(p) - x).abs() <= 1e-15 * x.abs(), "{p}: {} is not {x}", normal_quantile(p));
        }
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
        assert!(normal_quantile(1.5).is_nan() && normal_quantile(f64::NAN).is_nan());
    }
}
