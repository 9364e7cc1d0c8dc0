//! Settings: the configuration of a part, as Keras writes it, from a spec and back.

use super::names::snake_case;
use crate::save::number_to_json;
use crate::shape::Shape;
use crate::spec::{Spec, SpecValue};
use serde_json::{Map, Value, json};

/// What is wrong with a configuration, in words.
pub(super) type Result<T> = std::result::Result<T, String>;

/// A class that both sides have under one name, with settings of one name.
pub(super) struct Kind {
    pub(super) class: &'static str,
    /// A spec with Keras' defaults. Its settings and their kinds are those that are read.
    pub(super) template: fn() -> Spec,
    /// Settings without a default.
    pub(super) required: &'static [&'static str],
    /// What is to be done to Keras' configuration before it is read, if its words differ; the shape is that of one
    /// sample of the layer's input.
    pub(super) adjust: fn(&mut Map<String, Value>, Shape) -> Result<()>,
}

/// A class whose configuration needs no adjustment.
pub(super) const fn kind(class: &'static str, template: fn() -> Spec, required: &'static [&'static str]) -> Kind {
    Kind { class, template, required, adjust: |_, _| Ok(()) }
}

/// The kind of this class, or of the function that Keras has for it.
pub(super) fn find<'a>(kinds: &'a [Kind], name: &str) -> Option<&'a Kind> {
    kinds.iter().find(|kind| kind.class == name || snake_case(kind.class) == name)
}

/// A part as Keras writes it: a class and its configuration.
pub(super) fn object(module: &str, class: &str, config: Map<String, Value>) -> Value {
    json!({"module": module, "class_name": class, "config": config, "registered_name": null})
}

/// The class and the configuration of a part, which may also be a function or a name alone.
pub(super) fn class_of(value: &Value) -> Option<(&str, Map<String, Value>)> {
    match value {
        Value::String(name) => Some((name, Map::new())),
        Value::Object(_) => match (value["class_name"].as_str()?, &value["config"]) {
            ("function", Value::String(name)) => Some((name, Map::new())),
            (class, Value::Object(config)) => Some((class, config.clone())),
            (class, Value::Null) => Some((class, Map::new())),
            _ => None,
        },
        _ => None,
    }
}

impl Kind {
    /// The spec that a configuration describes. Settings that Keras has and gradus has not must be at rest.
    pub(super) fn read(&self, mut config: Map<String, Value>, input: Shape, parts: &[Kind]) -> Result<Spec> {
        (self.adjust)(&mut config, input).map_err(|problem| format!("{} {problem}", self.class))?;
        let mut spec = Spec::new(self.class);
        for (name, default) in (self.template)().settings() {
            let value = match config.remove(name.as_ref()) {
                None if self.required.contains(&name.as_ref()) => return Err(format!("{} has no {name}", self.class)),
                None => default.clone(),
                Some(value) => value_like(default, &value, parts)
                    .ok_or_else(|| format!("{} has {name} {}, which is not known here", self.class, short(&value)))?,
            };
            spec = spec.with(name.clone(), value);
        }
        match config.iter().find(|(name, value)| !at_rest(name, value)) {
            Some((name, value)) => {
                Err(format!("{} has {name} {}, for which gradus has nothing", self.class, short(value)))
            }
            None => Ok(spec),
        }
    }
}

/// Every setting of a spec in Keras' words.
pub(super) fn config(spec: &Spec) -> Map<String, Value> {
    spec.settings().iter().map(|(name, value)| (name.to_string(), to_json(value))).collect()
}

fn to_json(value: &SpecValue) -> Value {
    match value {
        SpecValue::Flag(flag) => json!(flag),
        SpecValue::Size(size) => json!(size),
        SpecValue::Below(number) => json!(number),
        SpecValue::Sizes(sizes) => json!(sizes),
        SpecValue::Number(number) => number_to_json(*number),
        SpecValue::Numbers(numbers) => numbers.iter().map(|number| number_to_json(*number)).collect(),
        SpecValue::Word(word) => json!(word),
        SpecValue::Part(spec) => object("keras.initializers", spec.class(), config(spec)),
    }
}

/// A value of the same kind as `default`.
fn value_like(default: &SpecValue, value: &Value, parts: &[Kind]) -> Option<SpecValue> {
    Some(match (default, value) {
        (default, Value::Null) => default.clone(),
        (SpecValue::Flag(_), _) => SpecValue::Flag(value.as_bool()?),
        (SpecValue::Size(_), _) => SpecValue::Size(size(value)?),
        (SpecValue::Below(_), _) => SpecValue::axis(isize::try_from(value.as_i64()?).ok()?),
        (SpecValue::Sizes(_), Value::Array(sizes)) => SpecValue::Sizes(sizes.iter().map(size).collect::<Option<_>>()?),
        (SpecValue::Sizes(axes), _) => SpecValue::Sizes(vec![size(value)?; axes.len()]),
        (SpecValue::Number(_), _) => SpecValue::Number(number(value)?),
        (SpecValue::Numbers(_), Value::Array(numbers)) => {
            SpecValue::Numbers(numbers.iter().map(number).collect::<Option<_>>()?)
        }
        (SpecValue::Numbers(_), _) => return None,
        (SpecValue::Word(_), _) => SpecValue::Word(class_of(value)?.0.into()),
        (SpecValue::Part(default), _) => SpecValue::Part(part(default, value, parts)?),
    })
}

fn number(value: &Value) -> Option<f32> {
    Some(value.as_f64()? as f32)
}

fn size(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}

/// A part within a part. One that gradus does not know is taken for the default: it says how weights would begin, and a
/// file brings them along.
fn part(default: &Spec, value: &Value, parts: &[Kind]) -> Option<Spec> {
    let (class, config) = class_of(value)?;
    match find(parts, class) {
        Some(kind) => kind.read(config, Shape::SCALAR, &[]).ok(),
        None => Some(default.clone()),
    }
}

/// Whether a setting that gradus does not have leaves things as they are without it.
fn at_rest(name: &str, value: &Value) -> bool {
    // What does not touch the numbers of a trained model.
    const IDLE: [&str; 13] = [
        "name",
        "seed",
        "batch_input_shape",
        "batch_shape",
        "input_shape",
        "input_dtype",
        "jit_compile",
        "ema_momentum",
        "renorm_momentum",
        "is_legacy_optimizer",
        "input_axes",
        "output_axes",
        "ema_overwrite_frequency",
    ];
    let one_each = |value: &Value| value == 1 || value.as_array().is_some_and(|all| all.iter().all(|one| one == 1));
    match name {
        _ if IDLE.contains(&name) || name.ends_with("_initializer") => true,
        "trainable" | "center" | "scale" => value == true,
        "use_bias" => value != false,
        "dtype" => {
            value.is_null()
                || class_of(value).is_some_and(|(class, config)| {
                    class == "float32" || config.get("name").is_some_and(|name| name == "float32")
                })
        }
        "groups" | "dilation_rate" => one_each(value),
        "data_format" => value == "channels_last" || value.is_null(),
        "padding" => value == "valid",
        "reduction" => value == "sum_over_batch_size" || value == "auto",
        "axis" => value == -1,
        _ => value.is_null() || value == false || value.as_f64() == Some(0.0),
    }
}

/// A value for a message.
fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> Spec {
        let spec = Spec::new("Part").with("units", 1).with("strides", &[1, 1][..]).with("rate", 0.5f32);
        spec.with("activation", "linear").with("use_bias", true).with("init", Spec::new("Zeros"))
    }

    const PART: Kind = kind("Part", template, &["units"]);
    const INITS: &[Kind] = &[
        kind("Zeros", || Spec::new("Zeros"), &[]),
        kind("Constant", || Spec::new("Constant").with("value", 0.0), &[]),
    ];

    fn read(config: Value) -> Result<Spec> {
        PART.read(config.as_object().unwrap().clone(), Shape::SCALAR, INITS)
    }

    #[test]
    fn what_is_written_is_read() {
        let spec = Spec::new("Part").with("units", 3).with("strides", &[2, 1][..]).with("rate", 0.1f32);
        let init = Spec::new("Constant").with("value", -1.5f32);
        let spec = spec.with("activation", "relu").with("use_bias", false).with("init", init);
        assert_eq!(PART.read(config(&spec), Shape::SCALAR, INITS).unwrap(), spec);
    }

    #[test]
    fn what_is_left_out_has_its_default_and_every_way_to_write_a_thing_is_read() {
        let spec = read(json!({"units": 2, "strides": 3, "activation": {"class_name": "function", "config": "relu"}}));
        let spec = spec.unwrap().to_string();
        assert_eq!(spec, "Part(units=2, strides=[3, 3], rate=0.5, activation=relu, use_bias=true, init=Zeros)");
        let spec = read(json!({"units": 2, "activation": null, "init": "constant"})).unwrap().to_string();
        assert!(spec.ends_with("activation=linear, use_bias=true, init=Constant(value=0))"), "{spec}");
        let orthogonal = json!({"class_name": "Orthogonal", "config": {"gain": 2.0}});
        assert!(read(json!({"units": 2, "init": orthogonal})).unwrap().to_string().ends_with("init=Zeros)"));
    }

    #[test]
    fn what_gradus_cannot_do_is_told() {
        let told = |config: Value| read(config).unwrap_err();
        assert_eq!(told(json!({})), "Part has no units");
        assert_eq!(told(json!({"units": -1})), "Part has units -1, which is not known here");
        assert_eq!(told(json!({"units": 1, "groups": 2})), "Part has groups 2, for which gradus has nothing");
        let policy = json!({"class_name": "DTypePolicy", "config": {"name": "float16"}});
        assert!(told(json!({"units": 1, "dtype": policy})).starts_with("Part has dtype {\"class_name\""));
        let rest = json!({"units": 1, "groups": 1, "dtype": "float32", "kernel_regularizer": null, "seed": 7});
        assert!(read(rest).is_ok());
    }
}
