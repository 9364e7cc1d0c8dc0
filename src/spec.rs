//! Specs: descriptions of parts by class and settings, for summaries and files.

use std::borrow::Cow;
use std::fmt;

/// The setting of the spec of a layer made of a closure, which cannot be saved.
pub(crate) const CLOSURE: &str = "closure";

/// The description of a part: its class name, as in Keras, and its settings.
///
/// ```
/// use gradus::Spec;
/// let spec = Spec::new("Dense").with("units", 10).with("activation", "softmax");
/// assert_eq!(spec.to_string(), "Dense(units=10, activation=softmax)");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Spec {
    class: String,
    settings: Vec<(Cow<'static, str>, SpecValue)>,
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SpecValue {
    /// A boolean.
    Bool(bool),
    /// An integer ≥ 0, such as a size.
    UInt(usize),
    /// A negative integer, such as an axis counted from the end: −1 for the last axis.
    Int(isize),
    /// A list of integers ≥ 0, such as the sizes of several axes.
    UInts(Vec<usize>),
    /// A list of integers, such as axes, which are negative if counted from the end.
    Ints(Vec<isize>),
    /// A floating-point number.
    Float(f32),
    /// A list of floating-point numbers.
    Floats(Vec<f32>),
    /// A string, such as the name of an activation.
    Str(String),
    /// A list of strings, such as a vocabulary.
    Strs(Vec<String>),
    /// The spec of a nested part, such as an initializer.
    Nested(Spec),
}

impl Spec {
    /// Creates the spec of a class without settings.
    pub fn new(class: impl Into<String>) -> Spec {
        Spec { class: class.into(), settings: Vec::new() }
    }

    /// Adds a setting.
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<SpecValue>) -> Spec {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// The class name, such as `Conv2D`.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// The names and values of the settings, in the order of [`with`](Spec::with).
    pub fn settings(&self) -> &[(Cow<'static, str>, SpecValue)] {
        &self.settings
    }

    /// The class name in snake case, as in the default names of Keras layers: `max_pooling2d` for `MaxPooling2D`.
    pub fn snake_case(&self) -> String {
        let mut name = String::new();
        let mut before = None;
        for letter in self.class.chars() {
            let starts_word = letter.is_uppercase() && before.is_some_and(|before: char| before.is_lowercase());
            if starts_word {
                name.push('_');
            }
            name.extend(letter.to_lowercase());
            before = Some(letter);
        }
        name
    }
}

impl Spec {
    /// Whether the part is, or contains, a closure, so that it cannot be made from its spec.
    pub(crate) fn has_closure(&self) -> bool {
        self.settings.iter().any(|(name, value)| match value {
            SpecValue::Nested(nested) => nested.has_closure(),
            value => self.class == "Lambda" && name == CLOSURE && *value == SpecValue::Bool(true),
        })
    }
}

impl SpecValue {
    /// The value of an axis: [`UInt`](SpecValue::UInt), or [`Int`](SpecValue::Int) if counted from the end.
    pub fn axis(axis: isize) -> SpecValue {
        usize::try_from(axis).map_or(SpecValue::Int(axis), SpecValue::UInt)
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.class)?;
        for (at, (name, value)) in self.settings.iter().enumerate() {
            write!(f, "{}{name}={value}", if at == 0 { "" } else { ", " })?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for SpecValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpecValue::Bool(flag) => write!(f, "{flag}"),
            SpecValue::UInt(size) => write!(f, "{size}"),
            SpecValue::Int(number) => write!(f, "{number}"),
            SpecValue::UInts(sizes) => write!(f, "{sizes:?}"),
            SpecValue::Ints(numbers) => write!(f, "{numbers:?}"),
            SpecValue::Float(number) => write!(f, "{number}"),
            SpecValue::Floats(numbers) => write!(f, "{numbers:?}"),
            SpecValue::Str(text) => f.write_str(text),
            SpecValue::Strs(texts) => write!(f, "{texts:?}"),
            SpecValue::Nested(spec) if spec.settings.is_empty() => f.write_str(&spec.class),
            SpecValue::Nested(spec) => spec.fmt(f),
        }
    }
}

impl From<bool> for SpecValue {
    fn from(flag: bool) -> SpecValue {
        SpecValue::Bool(flag)
    }
}

impl From<usize> for SpecValue {
    fn from(size: usize) -> SpecValue {
        SpecValue::UInt(size)
    }
}

impl From<&[usize]> for SpecValue {
    fn from(sizes: &[usize]) -> SpecValue {
        SpecValue::UInts(sizes.to_vec())
    }
}

impl From<f32> for SpecValue {
    fn from(number: f32) -> SpecValue {
        SpecValue::Float(number)
    }
}

impl From<&[f32]> for SpecValue {
    fn from(numbers: &[f32]) -> SpecValue {
        SpecValue::Floats(numbers.to_vec())
    }
}

impl From<Spec> for SpecValue {
    fn from(spec: Spec) -> SpecValue {
        SpecValue::Nested(spec)
    }
}

impl From<&str> for SpecValue {
    fn from(text: &str) -> SpecValue {
        SpecValue::Str(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_specs_are_displayed() {
        let spec = Spec::new("Dense").with("a", Spec::new("Zeros")).with("b", Spec::new("Constant").with("value", 0.5));
        assert_eq!(spec.to_string(), "Dense(a=Zeros, b=Constant(value=0.5))");
    }

    #[test]
    fn snake_case_names_are_those_of_keras() {
        let cases = [
            ("Conv2D", "conv2d"),
            ("MaxPooling2D", "max_pooling2d"),
            ("BatchNormalization", "batch_normalization"),
            ("Dense", "dense"),
        ];
        for (class, name) in cases {
            assert_eq!(Spec::new(class).snake_case(), name);
        }
    }
}
