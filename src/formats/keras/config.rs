//! Settings: the configuration of a part, as Keras writes it, from a spec and back.

use super::names::snake_case;
use crate::save::number_to_json;
use crate::shape::Shape;
use crate::spec::{Spec, SpecValue};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// What is wrong with a configuration, in words.
pub(super) type Result<T> = std::result::Result<T, String>;

/// A class that both sides have under one name, with settings of one name.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) class: &'static str,
    /// A spec with Keras' defaults. Its settings and their kinds are those that are read.
    pub(super) template: fn() -> Spec,
    /// Settings without a default.
    pub(super) required: &'static [&'static str],
    /// Settings that a spec has only where they are set; the values tell their kind.
    pub(super) optional: fn() -> Spec,
    /// What is to be done to Keras' configuration before it is read, if its words differ; the shape is that of one
    /// sample of the layer's first input.
    pub(super) adjust: fn(&mut Config, Shape) -> Result<()>,
    /// What is to be done to our settings before they are Keras' configuration.
    pub(super) express: fn(&mut Config) -> Result<()>,
}

/// A configuration by the names of its settings.
pub(super) type Config = Map<String, Value>;

/// A class whose configuration needs no adjustment.
pub(super) const fn kind(class: &'static str, template: fn() -> Spec, required: &'static [&'static str]) -> Kind {
    let optional = || Spec::new("");
    Kind { class, template, required, optional, adjust: |_, _| Ok(()), express: |_| Ok(()) }
}

/// The kind of this class, or of the function that Keras has for it.
pub(super) fn find<'a>(kinds: &'a [Kind], name: &str) -> Option<&'a Kind> {
    kinds.iter().find(|kind| kind.class == name || snake_case(kind.class) == name)
}

/// A part as Keras writes it: a class and its configuration.
pub(super) fn object(module: &str, class: &str, config: Config) -> Value {
    json!({"module": module, "class_name": class, "config": config, "registered_name": null})
}

/// The class and the configuration of a part, which may also be a function or a name alone.
pub(super) fn class_of(value: &Value) -> Option<(&str, Config)> {
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
    pub(super) fn read(&self, mut config: Config, input: Shape, parts: &[Kind]) -> Result<Spec> {
        (self.adjust)(&mut config, input).map_err(|problem| format!("{} {problem}", self.class))?;
        let mut spec = Spec::new(self.class);
        for (name, default) in (self.template)().settings() {
            let value = match config.remove(name.as_ref()) {
                None if self.required.contains(&name.as_ref()) => return Err(format!("{} has no {name}", self.class)),
                None => default.clone(),
                Some(value) => self.value(name, default, &value, parts)?,
            };
            spec = spec.with(name.clone(), value);
        }
        for (name, like) in (self.optional)().settings() {
            if let Some(value) = config.remove(name.as_ref()).filter(|value| !value.is_null()) {
                spec = spec.with(name.clone(), self.value(name, like, &value, parts)?);
            }
        }
        match config.iter().find(|(name, value)| !at_rest(name, value)) {
            Some((name, value)) => {
                Err(format!("{} has {name} {}, for which gradus has nothing", self.class, short(value)))
            }
            None => Ok(spec),
        }
    }

    fn value(&self, name: &str, like: &SpecValue, value: &Value, parts: &[Kind]) -> Result<SpecValue> {
        value_like(name, like, value, parts)?
            .ok_or_else(|| format!("{} has {name} {}, which is not known here", self.class, short(value)))
    }

    /// Every setting of a spec in Keras' words; the kinds are those of the parts within.
    pub(super) fn config(&self, spec: &Spec, parts: &[Kind]) -> Result<Config> {
        let mut config = config(spec, parts)?;
        (self.express)(&mut config).map_err(|problem| format!("{} {problem}", self.class))?;
        Ok(config)
    }
}

fn config(spec: &Spec, parts: &[Kind]) -> Result<Config> {
    let setting = |(name, value): &(Cow<'static, str>, SpecValue)| Ok((name.to_string(), to_json(name, value, parts)?));
    spec.settings().iter().map(setting).collect()
}

fn to_json(name: &str, value: &SpecValue, parts: &[Kind]) -> Result<Value> {
    Ok(match value {
        SpecValue::Flag(flag) => json!(flag),
        SpecValue::Size(size) => json!(size),
        SpecValue::Below(number) => json!(number),
        SpecValue::Sizes(sizes) => json!(sizes),
        SpecValue::Number(number) => number_to_json(*number),
        SpecValue::Numbers(numbers) => numbers.iter().map(|number| number_to_json(*number)).collect(),
        SpecValue::Word(word) => json!(word),
        SpecValue::Part(spec) => {
            let kind = find(parts, spec.class());
            let kind = kind.ok_or_else(|| format!("{} ({name}) is not a part that Keras has", spec.class()))?;
            object(module(name), spec.class(), kind.config(spec, &[])?)
        }
    })
}

/// Where Keras has the class of a setting that is a part of its own.
fn module(setting: &str) -> &'static str {
    match setting {
        "learning_rate" => "keras.optimizers.schedules",
        _ if setting.ends_with("_regularizer") => "keras.regularizers",
        _ => "keras.initializers",
    }
}

/// A value of the same kind as `like`, if it is one.
fn value_like(name: &str, like: &SpecValue, value: &Value, parts: &[Kind]) -> Result<Option<SpecValue>> {
    Ok(match (like, value) {
        (like, Value::Null) => Some(like.clone()),
        (SpecValue::Flag(_), _) => value.as_bool().map(SpecValue::Flag),
        (SpecValue::Size(_), _) => size(value).map(SpecValue::Size),
        (SpecValue::Below(_), _) => value.as_i64().and_then(|axis| isize::try_from(axis).ok()).map(SpecValue::axis),
        (SpecValue::Sizes(_), Value::Array(sizes)) => {
            sizes.iter().map(size).collect::<Option<_>>().map(SpecValue::Sizes)
        }
        (SpecValue::Sizes(axes), _) => size(value).map(|size| SpecValue::Sizes(vec![size; axes.len()])),
        // A learning rate may be a schedule.
        (SpecValue::Number(_), Value::Object(_)) => part(value, parts)?.map(SpecValue::Part),
        (SpecValue::Number(_), _) => number(value).map(SpecValue::Number),
        (SpecValue::Numbers(_), Value::Array(numbers)) => {
            numbers.iter().map(number).collect::<Option<_>>().map(SpecValue::Numbers)
        }
        (SpecValue::Numbers(_), _) => None,
        (SpecValue::Word(_), _) => class_of(value).map(|(word, _)| SpecValue::Word(word.into())),
        // An initialiser that gradus does not know is taken for the default: it says how weights would begin, and a file
        // brings them along.
        (SpecValue::Part(default), _) if name.ends_with("_initializer") => {
            let known = part(value, parts).ok().flatten();
            class_of(value).map(|_| SpecValue::Part(known.unwrap_or_else(|| default.clone())))
        }
        (SpecValue::Part(_), _) => part(value, parts)?.map(SpecValue::Part),
    })
}

/// A part within a part, if it is one that gradus has.
fn part(value: &Value, parts: &[Kind]) -> Result<Option<Spec>> {
    let Some((class, config)) = class_of(value) else { return Ok(None) };
    find(parts, class).map(|kind| kind.read(config, Shape::SCALAR, &[])).transpose()
}

fn number(value: &Value) -> Option<f32> {
    Some(value.as_f64()? as f32)
}

/// A whole number, which may be written as one with a point.
fn size(value: &Value) -> Option<usize> {
    let whole = || value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..9e15).contains(number));
    let size = value.as_u64().or_else(|| whole().map(|number| number as u64))?;
    usize::try_from(size).ok()
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
        "data_format" => value == "channels_last" || value.is_null(),
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
        spec.with("activation", "linear").with("use_bias", true).with("an_initializer", Spec::new("Zeros"))
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
        let spec = spec.with("activation", "relu").with("use_bias", false).with("an_initializer", init);
        assert_eq!(PART.read(PART.config(&spec, INITS).unwrap(), Shape::SCALAR, INITS).unwrap(), spec);
    }

    #[test]
    fn what_is_left_out_has_its_default_and_every_way_to_write_a_thing_is_read() {
        let spec = read(json!({"units": 2, "strides": 3, "activation": {"class_name": "function", "config": "relu"}}));
        let spec = spec.unwrap().to_string();
        assert_eq!(
            spec,
            "Part(units=2, strides=[3, 3], rate=0.5, activation=relu, use_bias=true, an_initializer=Zeros)"
        );
        let spec = read(json!({"units": 2, "activation": null, "an_initializer": "constant"})).unwrap().to_string();
        assert!(spec.ends_with("activation=linear, use_bias=true, an_initializer=Constant(value=0))"), "{spec}");
        let orthogonal = json!({"class_name": "Orthogonal", "config": {"gain": 2.0}});
        assert!(
            read(json!({"units": 2, "an_initializer": orthogonal}))
                .unwrap()
                .to_string()
                .ends_with("an_initializer=Zeros)")
        );
    }

    #[test]
    fn what_gradus_cannot_do_is_told() {
        let told = |config: Value| read(config).unwrap_err();
        assert_eq!(told(json!({})), "Part has no units");
        assert_eq!(told(json!({"units": -1})), "Part has units -1, which is not known here");
        assert_eq!(told(json!({"units": 1, "seeds": 2})), "Part has seeds 2, for which gradus has nothing");
        let policy = json!({"class_name": "DTypePolicy", "config": {"name": "float16"}});
        assert!(told(json!({"units": 1, "dtype": policy})).starts_with("Part has dtype {\"class_name\""));
        let rest = json!({"units": 1, "seeds": 0, "dtype": "float32", "kernel_regularizer": null, "seed": 7});
        assert!(read(rest).is_ok());
    }
}
