//! Values of settings in errors: exact integers, and numbers in their shortest form.

use std::fmt;

/// The value of a setting in [`Error::Setting`](crate::Error::Setting). Displays integers exactly, and `f32` values in their
/// shortest form.
///
/// ```
/// use gradus::SettingValue;
/// assert_eq!(SettingValue::from(usize::MAX).to_string(), usize::MAX.to_string());
/// assert_eq!(SettingValue::from(1.2_f32).to_string(), "1.2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum SettingValue {
    /// An integer.
    Integer(i128),
    /// A floating-point number.
    Number(f64),
    /// The name of a choice, such as a padding.
    Name(&'static str),
}

impl From<&'static str> for SettingValue {
    fn from(name: &'static str) -> SettingValue {
        SettingValue::Name(name)
    }
}

impl From<i32> for SettingValue {
    fn from(integer: i32) -> SettingValue {
        SettingValue::Integer(integer.into())
    }
}

impl From<usize> for SettingValue {
    fn from(integer: usize) -> SettingValue {
        SettingValue::Integer(integer as i128)
    }
}

impl From<u64> for SettingValue {
    fn from(integer: u64) -> SettingValue {
        SettingValue::Integer(integer.into())
    }
}

impl From<f32> for SettingValue {
    fn from(number: f32) -> SettingValue {
        SettingValue::Number(number.into())
    }
}

impl From<f64> for SettingValue {
    fn from(number: f64) -> SettingValue {
        SettingValue::Number(number)
    }
}

impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SettingValue::Integer(integer) => write!(f, "{integer}"),
            SettingValue::Number(number) => Short(*number).fmt(f),
            SettingValue::Name(name) => f.write_str(name),
        }
    }
}

/// A number that is shown as `f32` where that is exact: 1.2, not 1.2000000476837158.
pub(super) struct Short(pub(super) f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.0 as f32;
        if f64::from(short) == self.0 { write!(f, "{short}") } else { write!(f, "{}", self.0) }
    }
}
