//! Number formatting like `%g` in C and in older versions of NumPy.

/// Formats a number as `%g` does in C: six significant digits without trailing zeros, in scientific notation if the
/// magnitude is below 10⁻⁴ or at least 10⁶.
///
/// ```
/// use gradus::report::general;
/// assert_eq!([2.5, 0.1 + 0.2, 123456.7, 1234567.0, 0.00001234].map(general), ["2.5", "0.3", "123457", "1.23457e+06",
/// "1.234e-05"]);
/// ```
pub fn general(value: f64) -> String {
    if !value.is_finite() {
        return value.to_string().to_lowercase();
    }
    let scientific = format!("{value:.5e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if (-4..6).contains(&exponent) => trimmed(&format!("{value:.*}", (5 - exponent) as usize)).into(),
        Ok(exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
        }
        Err(_) => scientific,
    }
}

/// Removes the trailing zeros of a fraction, and its decimal point if no digit is left.
fn trimmed(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_formatted_as_in_c() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-217.406, "-217.406"),
            (999999.5, "1e+06"),
            (0.0001, "0.0001"),
            (0.000099999951, "0.0001"),
            (9.87654321e-12, "9.87654e-12"),
            (1e100, "1e+100"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in cases {
            assert_eq!(general(value), text);
        }
    }
}
