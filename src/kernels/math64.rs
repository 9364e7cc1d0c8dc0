//! eˣ, cos and powers in `f64`, made of IEEE operations only as those of [`math`](crate::kernels::math): for what is
//! computed once a step or a row, such as a learning rate.

use crate::kernels::math::ln;

/// eˣ, within 1 ulp or two; 0 and ∞ where it under- and overflows.
///
/// eˣ = 2ⁿ · eʳ with n = round(x / ln 2) and |r| ≤ ln 2 / 2, and eʳ by its series.
pub fn exp(x: f64) -> f64 {
    // Adding 1.5·2⁵² rounds to a whole number, which then stands in the last bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // ln 2 in two parts; the first has so few bits that its product with n is exact.
    const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
    if x.is_nan() {
        return x;
    }
    // Beyond these, eˣ is 0 or ∞ anyway.
    let x = x.clamp(-746.0, 710.0);
    let rounded = x * std::f64::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    let series = (1..=13).rev().fold(1.0, |sum, k| 1.0 + sum * r / f64::from(k));
    // 2ⁿ in two factors, as n reaches from −1076 to 1024 and only the last multiplication may round.
    let n = n as i64;
    let half = n >> 1;
    series * power_of_two(half) * power_of_two(n - half)
}

/// 2ⁿ for −1022 ≤ n ≤ 1023.
fn power_of_two(n: i64) -> f64 {
    f64::from_bits(((n + 1023) as u64) << 52)
}

/// cos(π·x), exact where it is 0, 1 or −1.
pub fn cos_pi(x: f64) -> f64 {
    let x = x.abs();
    let turned = x - 2.0 * (0.5 * x).floor(); // 0 ≤ turned < 2
    let half = if turned > 1.0 { 2.0 - turned } else { turned };
    if half > 0.5 { -quarter(1.0 - half) } else { quarter(half) }
}

/// cos(π·x) for 0 ≤ x ≤ ½: by the series of cos below ¼, by that of sin of the rest above.
fn quarter(x: f64) -> f64 {
    let near = x <= 0.25;
    let angle = std::f64::consts::PI * if near { x } else { 0.5 - x };
    let square = angle * angle;
    // 1 − z/(1·2)·(1 − z/(3·4)·(…)), and the same with factors one larger.
    let series = |first: i32| {
        (0..10).rev().fold(1.0, |sum, k| 1.0 - sum * square / f64::from((2 * k + first) * (2 * k + first + 1)))
    };
    if near { series(1) } else { angle * series(2) }
}

/// xᵗ for a whole t ≥ 0, by repeated squaring.
pub fn whole_power(x: f64, mut exponent: u64) -> f64 {
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

/// xᵗ for x ≥ 0; products where t is a whole number ≥ 0, otherwise eᵗ ˡⁿ ˣ.
pub fn power(x: f64, exponent: f64) -> f64 {
    if exponent >= 0.0 && exponent <= f64::from(u32::MAX) && exponent.fract() == 0.0 {
        return whole_power(x, exponent as u64);
    }
    exp(exponent * ln(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(found: f64, right: f64, what: &str) {
        let near = (found - right).abs() <= 5e-16 * right.abs().max(f64::MIN_POSITIVE) || found == right;
        assert!(near, "{what} = {found:e}, not {right:e}");
    }

    #[test]
    fn exp_is_good_to_the_last_places_and_knows_its_ends() {
        for i in -7_000..7_000 {
            let x = f64::from(i) * 0.101_3;
            assert_near(exp(x), x.exp(), &format!("e^{x}"));
        }
        assert_eq!(
            [f64::NEG_INFINITY, -1e9, 0.0, 1e9, f64::INFINITY].map(exp),
            [0.0, 0.0, 1.0, f64::INFINITY, f64::INFINITY]
        );
        assert!(exp(f64::NAN).is_nan());
        // Denormal results round once more.
        assert!((exp(-740.0) - (-740.0f64).exp()).abs() <= f64::from_bits(2));
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
    fn whole_powers_are_products_and_others_are_near() {
        assert_eq!(whole_power(0.5, 10), 1.0 / 1024.0);
        assert_eq!((power(0.9, 0.0), power(0.9, 1.0), power(0.0, 0.5), power(0.0, 0.0)), (1.0, 0.9, 0.0, 1.0));
        approx::assert_relative_eq!(whole_power(0.9, 1000), 0.9f64.powi(1000), max_relative = 1e-12);
        for (x, t) in [(0.96, 0.37), (0.5, -2.5), (3.0, 12.25), (1e-3, 0.5)] {
            approx::assert_relative_eq!(power(x, t), f64::powf(x, t), max_relative = 1e-14);
        }
    }
}
