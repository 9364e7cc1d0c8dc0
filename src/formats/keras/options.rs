//! Options of Keras' classes without a setting in gradus, and the values that are accepted for them.
//!
//! Every option is declared: those with a setting by the spec of the defaults, all others in tables of [`InactiveOption`]. Any
//! other option is unknown and rejected by name. Each table entry lists its accepted values, as no value is inactive for all
//! options: 0 is a class to one option and "off" to another.

use super::object::Object;
use serde_json::{Map, Value};
use std::fmt;

/// An option without a setting in gradus.
#[derive(Clone, Copy, Debug)]
pub(super) struct InactiveOption {
    pub(super) name: &'static str,
    accepted: Accepted,
}

/// The accepted values of an option.
#[derive(Clone, Copy, Debug)]
enum Accepted {
    /// Only these values.
    Values(&'static [Scalar]),
    /// Only these values, which are equivalent for the given reason.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test compares the reasons with docs/keras.md"))]
    Equivalent(&'static [Scalar], &'static str),
    /// Data types and policies of floats, which are equivalent for the given reason.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test compares the reasons with docs/keras.md"))]
    Floats(&'static str),
    /// All values, as results do not depend on the option for the given reason.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test compares the reasons with docs/keras.md"))]
    Ignored(&'static str),
    /// No value, for the given reason.
    Rejected(&'static str),
}

/// A JSON value other than a list or an object.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Number(f64),
    Str(&'static str),
}

use Scalar::{Bool, Null, Number, Str};

/// An option with only these accepted values.
pub(super) const fn only(name: &'static str, values: &'static [Scalar]) -> InactiveOption {
    InactiveOption { name, accepted: Accepted::Values(values) }
}

/// An option with only these accepted values, which are equivalent for the given reason.
pub(super) const fn equivalent(name: &'static str, values: &'static [Scalar], reason: &'static str) -> InactiveOption {
    InactiveOption { name, accepted: Accepted::Equivalent(values, reason) }
}

/// An option that must be null.
pub(super) const fn only_null(name: &'static str) -> InactiveOption {
    only(name, &[Null])
}

/// An option that must be false or null.
pub(super) const fn only_false(name: &'static str) -> InactiveOption {
    only(name, &[Bool(false), Null])
}

/// An option on which results do not depend, for the given reason.
pub(super) const fn ignored(name: &'static str, reason: &'static str) -> InactiveOption {
    InactiveOption { name, accepted: Accepted::Ignored(reason) }
}

/// An option that is rejected, for the given reason.
pub(super) const fn rejected(name: &'static str, reason: &'static str) -> InactiveOption {
    InactiveOption { name, accepted: Accepted::Rejected(reason) }
}

/// Why results do not depend on the name of an object.
const LABEL: &str = "it is a label";

/// Why results do not depend on the seed of a layer.
pub(super) const DRAWS: &str = "draws follow from the seed of the model, and their distribution is the same";

/// Why results do not depend on an option of an initializer.
const WEIGHTS_FROM_FILE: &str = "the weights come from the file";

const CHANNELS_LAST: &[Scalar] = &[Str("channels_last"), Null];

/// The order of the axes of images.
pub(super) const DATA_FORMAT: InactiveOption = only("data_format", CHANNELS_LAST);

/// The name of an object.
pub(super) const NAME: InactiveOption = ignored("name", LABEL);

/// The type of the elements, which includes the policies of mixed precision.
pub(super) const DTYPE: InactiveOption = InactiveOption { name: "dtype", accepted: Accepted::Floats(FLOATS) };

const FLOATS: &str = "every float type is computed in float32";

/// Options of every layer, besides `name` and `trainable`.
pub(super) const LAYER: &[InactiveOption] = &[
    DTYPE,
    only("autocast", &[Bool(true), Null]),
    only_false("dynamic"),
    ignored("batch_input_shape", "the shape of the input is read with the model"),
];

/// Options of every initializer.
pub(super) const INITIALIZER: &[InactiveOption] = &[
    ignored("seed", WEIGHTS_FROM_FILE),
    ignored("input_axes", WEIGHTS_FROM_FILE),
    ignored("output_axes", WEIGHTS_FROM_FILE),
    NAME,
    DTYPE,
];

/// Options of every optimizer that are not settings.
pub(super) const OPTIMIZER: &[InactiveOption] = &[
    NAME,
    ignored("ema_momentum", "it has no effect without use_ema"),
    ignored("ema_overwrite_frequency", "it has no effect without use_ema"),
    only("loss_scale_factor", &[Null, Number(1.0)]),
    only("gradient_accumulation_steps", &[Null, Number(1.0)]),
    ignored("jit_compile", "it selects an implementation in Keras"),
    only_false("is_legacy_optimizer"),
];

/// Options of every schedule.
pub(super) const SCHEDULE: &[InactiveOption] = &[NAME];

/// Options of every loss.
pub(super) const LOSS: &[InactiveOption] = &[
    NAME,
    DTYPE,
    equivalent(
        "reduction",
        &[Str("sum_over_batch_size"), Str("mean"), Str("auto")],
        "three names of the mean over rows",
    ),
];

/// Options of every metric.
pub(super) const METRIC: &[InactiveOption] =
    &[ignored("name", "histories use the name that the metric has in gradus"), DTYPE];

impl InactiveOption {
    /// Describes the problem with a value of the option, if any.
    pub(super) fn problem(&self, value: &Value) -> Option<String> {
        let (name, found) = (self.name, short(value));
        match self.accepted {
            Accepted::Ignored(_) => None,
            Accepted::Values(values) | Accepted::Equivalent(values, _)
                if values.iter().any(|plain| plain.is(value)) =>
            {
                None
            }
            Accepted::Values(values) | Accepted::Equivalent(values, _) => {
                let values: Vec<String> = values.iter().map(Scalar::to_string).collect();
                Some(format!("{name} is {found}, and only {} is supported", values.join(" or ")))
            }
            Accepted::Floats(_) if is_float(value) => None,
            Accepted::Floats(_) => Some(format!(
                "{name} is {found}, and only {} are supported; create the model in Keras again with float32, and copy its weights",
                FLOAT_TYPES.join(", ")
            )),
            Accepted::Rejected(reason) => Some(format!("{name} is not supported: {reason}")),
        }
    }

    /// The reason why several values are accepted.
    #[cfg(test)]
    pub(super) fn reason(&self) -> Option<&'static str> {
        match self.accepted {
            Accepted::Ignored(reason) | Accepted::Equivalent(_, reason) | Accepted::Floats(reason) => Some(reason),
            _ => None,
        }
    }
}

impl Scalar {
    fn is(&self, value: &Value) -> bool {
        match self {
            Null => value.is_null(),
            Bool(expected) => value == expected,
            Number(expected) => value.as_f64() == Some(*expected),
            Str(expected) => value == expected,
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Null => f.write_str("null"),
            Bool(value) => write!(f, "{value}"),
            Number(value) => write!(f, "{value}"),
            Str(word) => f.write_str(word),
        }
    }
}

/// The data types and policies of floats.
const FLOAT_TYPES: [&str; 6] = ["float32", "mixed_float16", "mixed_bfloat16", "float16", "bfloat16", "float64"];

/// Whether a value is a data type or a policy of floats, in the notation of any version of Keras.
fn is_float(value: &Value) -> bool {
    const POLICIES: [&str; 3] = ["DTypePolicy", "FloatDTypePolicy", "Policy"];
    let is_float = |name: &str| FLOAT_TYPES.contains(&name);
    match Object::read(value) {
        Some(object) if !object.custom && POLICIES.contains(&object.name) => {
            object.config.get("name").and_then(Value::as_str).is_some_and(is_float)
        }
        Some(object) => !object.custom && is_float(object.name),
        None => value.is_null(),
    }
}

/// Formats a value for a message, with objects by name, and at most 61 characters.
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

/// The first unknown key of an object in a configuration.
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
    fn accepted_values_differ_between_options() {
        let rank = only_null("lora_rank");
        assert_eq!(rank.problem(&json!(null)), None);
        assert!(rank.problem(&json!(0)).is_some());
        let object = json!({"module": "keras.constraints", "class_name": "MaxNorm", "config": {"max_value": 2}, "registered_name": null});
        let message = rank.problem(&object).unwrap();
        assert_eq!(message, "lora_rank is MaxNorm, and only null is supported");
        let steps = OPTIMIZER.iter().find(|option| option.name == "gradient_accumulation_steps").unwrap();
        assert_eq!(steps.problem(&json!(1)), None);
        let message = steps.problem(&json!(4)).unwrap();
        assert_eq!(message, "gradient_accumulation_steps is 4, and only null or 1 is supported");
    }

    #[test]
    fn policies_of_floats_are_computed_in_float32() {
        let policy = |class: &str, name: &str| json!({"class_name": class, "config": {"name": name}});
        for name in FLOAT_TYPES {
            for value in [json!(name), policy("DTypePolicy", name), policy("Policy", name)] {
                assert_eq!(DTYPE.problem(&value), None, "{value}");
            }
        }
        assert_eq!(DTYPE.problem(&json!(null)), None);
        for value in [json!("int32"), policy("QuantizedDTypePolicy", "int8_from_float32"), policy("Other", "float32")] {
            assert!(DTYPE.problem(&value).unwrap().contains("and only float32, mixed_float16, "), "{value}");
        }
    }
}
