//! Options of Keras' classes that gradus has no setting for, and the values at which they change nothing.
//!
//! Every option is declared: the settings of a class by the spec of its defaults, all others in tables of these. What neither
//! lists is unknown, and refused by name. No value is inactive in general: 0 is a class to one option and "off" to another.

use super::object::Object;
use serde_json::{Map, Value};
use std::fmt;

/// An option without a setting here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inactive {
    pub(super) name: &'static str,
    at: At,
}

/// The values at which an option may be left out.
#[derive(Clone, Copy, Debug)]
enum At {
    /// One of these.
    Values(&'static [Plain]),
    /// One of these, which are alike for this reason.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test compares the reasons with docs/keras.md"))]
    Alike(&'static [Plain], &'static str),
    /// Those that mean elements of 32 bits.
    Float32,
    /// Every value, for this reason: results do not depend on the option.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test compares the reasons with docs/keras.md"))]
    Any(&'static str),
    /// None, for this reason.
    Never(&'static str),
}

/// A value without parts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Plain {
    Null,
    Bool(bool),
    Number(f64),
    Word(&'static str),
}

use Plain::{Bool, Null, Number, Word};

/// An option that may only have one of these values.
pub(super) const fn at(name: &'static str, values: &'static [Plain]) -> Inactive {
    Inactive { name, at: At::Values(values) }
}

/// An option that may have one of these values, which are alike for this reason.
pub(super) const fn alike(name: &'static str, values: &'static [Plain], reason: &'static str) -> Inactive {
    Inactive { name, at: At::Alike(values, reason) }
}

/// An option that may only be null.
pub(super) const fn null(name: &'static str) -> Inactive {
    at(name, &[Null])
}

/// An option that may only be false.
pub(super) const fn off(name: &'static str) -> Inactive {
    at(name, &[Bool(false), Null])
}

/// An option that results do not depend on, for this reason.
pub(super) const fn any(name: &'static str, reason: &'static str) -> Inactive {
    Inactive { name, at: At::Any(reason) }
}

/// An option that is refused, for this reason.
pub(super) const fn never(name: &'static str, reason: &'static str) -> Inactive {
    Inactive { name, at: At::Never(reason) }
}

/// Why the name of an object has no influence.
const LABEL: &str = "it is a label";

/// Why the seed of draws has none.
pub(super) const DRAWS: &str = "draws follow from the seed of the model, and their distribution is the same";

/// Why an initializer has none.
const FIRST_VALUES: &str = "the weights come from the file";

const CHANNELS_LAST: &[Plain] = &[Word("channels_last"), Null];

/// The order of the axes of images.
pub(super) const DATA_FORMAT: Inactive = at("data_format", CHANNELS_LAST);

/// The name of an object.
pub(super) const NAME: Inactive = any("name", LABEL);

/// The type of the elements.
pub(super) const DTYPE: Inactive = Inactive { name: "dtype", at: At::Float32 };

/// Options of every layer. Its name and `trainable` are read before.
pub(super) const LAYER: &[Inactive] = &[
    DTYPE,
    null("activity_regularizer"),
    at("autocast", &[Bool(true), Null]),
    off("dynamic"),
    any("batch_input_shape", "the shape of the input is read with the model"),
];

/// Options of every initializer.
pub(super) const INITIALIZER: &[Inactive] =
    &[any("seed", FIRST_VALUES), any("input_axes", FIRST_VALUES), any("output_axes", FIRST_VALUES), NAME, DTYPE];

/// Options of every optimizer, beside those that are settings of all optimizers.
pub(super) const OPTIMIZER: &[Inactive] = &[
    NAME,
    off("use_ema"),
    any("ema_momentum", "it has no effect without use_ema"),
    any("ema_overwrite_frequency", "it has no effect without use_ema"),
    at("loss_scale_factor", &[Null, Number(1.0)]),
    at("gradient_accumulation_steps", &[Null, Number(1.0)]),
    any("jit_compile", "it chooses how Keras computes"),
    off("is_legacy_optimizer"),
];

/// Options of every schedule.
pub(super) const SCHEDULE: &[Inactive] = &[NAME];

/// Options of every loss.
pub(super) const LOSS: &[Inactive] = &[
    NAME,
    DTYPE,
    alike("reduction", &[Word("sum_over_batch_size"), Word("mean"), Word("auto")], "three names of the mean over rows"),
];

/// Options of every metric.
pub(super) const METRIC: &[Inactive] = &[any("name", "histories use the name that the metric has in gradus"), DTYPE];

impl Inactive {
    /// What is wrong with a value of the option.
    pub(super) fn problem(&self, value: &Value) -> Option<String> {
        let (name, found) = (self.name, short(value));
        match self.at {
            At::Any(_) => None,
            At::Values(values) | At::Alike(values, _) if values.iter().any(|plain| plain.is(value)) => None,
            At::Values(values) | At::Alike(values, _) => {
                let values: Vec<String> = values.iter().map(Plain::to_string).collect();
                Some(format!("{name} is {found}, and only {} is supported", values.join(" or ")))
            }
            At::Float32 if is_float32(value) => None,
            At::Float32 => Some(format!(
                "{name} is {found}, and only float32 is supported; make the model again in Keras with float32, and set its weights"
            )),
            At::Never(reason) => Some(format!("{name} is not supported: {reason}")),
        }
    }

    /// Why the option may have several values.
    #[cfg(test)]
    pub(super) fn reason(&self) -> Option<&'static str> {
        match self.at {
            At::Any(reason) | At::Alike(_, reason) => Some(reason),
            _ => None,
        }
    }
}

impl Plain {
    fn is(&self, value: &Value) -> bool {
        match self {
            Null => value.is_null(),
            Bool(expected) => value == expected,
            Number(expected) => value.as_f64() == Some(*expected),
            Word(expected) => value == expected,
        }
    }
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Null => f.write_str("null"),
            Bool(value) => write!(f, "{value}"),
            Number(value) => write!(f, "{value}"),
            Word(word) => f.write_str(word),
        }
    }
}

/// Whether a type or a policy, as either of Keras' versions writes it, means elements of 32 bits in computations and weights.
fn is_float32(value: &Value) -> bool {
    const POLICIES: [&str; 3] = ["DTypePolicy", "FloatDTypePolicy", "Policy"];
    match Object::read(value) {
        Some(object) if !object.custom && POLICIES.contains(&object.name) => {
            object.config.get("name").is_some_and(|name| name == "float32")
        }
        Some(object) => !object.custom && object.name == "float32",
        None => value.is_null(),
    }
}

/// A value for a message: objects by their names, and no more than a line.
pub(super) fn short(value: &Value) -> String {
    let object = value.is_object().then(|| Object::read(value)).flatten();
    let text = match (object, value) {
        (Some(object), _) => match object.config.get("name").and_then(Value::as_str) {
            Some(name) if object.name.ends_with("Policy") => name.to_owned(),
            _ => object.title(),
        },
        (None, Value::String(word)) => format!("\"{word}\""),
        (None, other) => other.to_string(),
    };
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The first key of a configuration that no reader uses.
pub(super) fn unknown_key(description: &Map<String, Value>) -> Option<&str> {
    const KEYS: [&str; 11] = [
        "module",
        "class_name",
        "config",
        "registered_name",
        "build_config",
        "compile_config",
        "name",
        "inbound_nodes",
        "shared_object_id",
        "keras_version",
        "backend",
    ];
    description.keys().map(String::as_str).find(|key| !KEYS.contains(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_option_has_its_own_inactive_values() {
        let constraint = null("kernel_constraint");
        assert_eq!(constraint.problem(&json!(null)), None);
        assert!(constraint.problem(&json!(0)).is_some());
        let norm = json!({"module": "keras.constraints", "class_name": "MaxNorm", "config": {"max_value": 2}, "registered_name": null});
        let message = constraint.problem(&norm).unwrap();
        assert_eq!(message, "kernel_constraint is MaxNorm, and only null is supported");
        let steps = OPTIMIZER.iter().find(|option| option.name == "gradient_accumulation_steps").unwrap();
        assert_eq!(steps.problem(&json!(1)), None);
        let message = steps.problem(&json!(4)).unwrap();
        assert_eq!(message, "gradient_accumulation_steps is 4, and only null or 1 is supported");
    }

    #[test]
    fn only_float32_is_float32() {
        let policy = |class: &str, name: &str| json!({"class_name": class, "config": {"name": name}});
        for value in [json!(null), json!("float32"), policy("DTypePolicy", "float32"), policy("Policy", "float32")] {
            assert_eq!(DTYPE.problem(&value), None, "{value}");
        }
        for value in [json!("float64"), policy("DTypePolicy", "mixed_float16"), policy("Other", "float32")] {
            assert!(DTYPE.problem(&value).unwrap().contains("only float32 is supported"), "{value}");
        }
        let message = DTYPE.problem(&policy("DTypePolicy", "mixed_float16")).unwrap();
        assert!(
            message.starts_with("dtype is mixed_float16, and only float32 is supported; make the model"),
            "{message}"
        );
    }
}
