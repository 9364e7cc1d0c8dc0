//! Conversion of objects in Keras' configurations to specs, with a list of all problems.

use super::families::{self, Family, LAYER};
use super::kind::Kind;
use super::object::{Config, Object};
use super::options::{InactiveOption, short, unknown_key};
use crate::layers::Activation;
use crate::save::Registry;
use crate::{Shape, Spec, SpecValue};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Display;

/// Reads the configurations of one file. Reading continues after a problem, so that all are reported.
pub(super) struct Reader<'a> {
    pub(super) registry: &'a Registry,
    /// The size of open axes to which layers are applied.
    pub(super) open_size: usize,
    /// The places and the descriptions of problems.
    problems: Vec<(String, String)>,
    /// Remedies for the problems.
    remedies: BTreeSet<&'static str>,
    /// Whether the file was written by Keras 1 or 2, whose `hard_sigmoid` is another function.
    keras_2: bool,
    /// The shape of one sample of the input of a layer within a layer, if known.
    inner_input: Option<Shape>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(registry: &'a Registry) -> Reader<'a> {
        let (problems, remedies) = (Vec::new(), BTreeSet::new());
        Reader { registry, open_size: 1, problems, remedies, keras_2: false, inner_input: None }
    }

    /// Reads a file of this version of Keras.
    pub(super) fn of_version(self, version: Option<&str>) -> Reader<'a> {
        let keras_2 = version.is_some_and(|version| version.starts_with("1.") || version.starts_with("2."));
        Reader { keras_2, ..self }
    }

    /// Records a problem at a place.
    pub(super) fn problem(&mut self, place: &str, problem: impl Display) {
        self.problems.push((place.into(), problem.to_string()));
    }

    /// Records the error of a result at a place.
    pub(super) fn note<T>(&mut self, place: &str, result: Result<T, impl Display>) -> Option<T> {
        result.map_err(|problem| self.problem(place, problem)).ok()
    }

    /// Whether no problem was recorded yet.
    pub(super) fn has_no_problems(&self) -> bool {
        self.problems.is_empty()
    }

    /// Adds a remedy to the message.
    pub(super) fn add_remedy(&mut self, remedy: &'static str) {
        self.remedies.insert(remedy);
    }

    /// Returns an error with all problems and remedies, if any.
    pub(super) fn finish(self) -> Result<(), String> {
        let remedies: String = self.remedies.into_iter().map(|remedy| format!(". {remedy}")).collect();
        // A problem of several layers is described once.
        let mut places: Vec<(String, String)> = Vec::new();
        for (place, problem) in self.problems {
            match places.iter_mut().find(|(_, known)| *known == problem) {
                Some((known, _)) => known.extend([", ", &place]),
                None => places.push((place, problem)),
            }
        }
        let text = |(place, problem): (String, String)| match place.is_empty() {
            true => problem,
            false => format!("{place}: {problem}"),
        };
        let problems: Vec<String> = places.into_iter().map(text).collect();
        match &problems[..] {
            [] => Ok(()),
            [only] => Err(format!("{only}{remedies}")),
            all => Err(format!("{} problems: {}{remedies}", all.len(), all.join("; "))),
        }
    }

    /// Reads the spec of an object. `input` is the shape of one sample of the first input of a layer.
    pub(super) fn object(
        &mut self,
        family: &Family,
        place: &str,
        value: &Value,
        object: Object<'_>,
        input: Option<Shape>,
    ) -> Option<Spec> {
        if let Some(key) = value.as_object().and_then(unknown_key) {
            self.problem(place, format!("unknown key \"{key}\" in its configuration"));
        }
        if family.added(self.registry, object.name) {
            return Some(self.added(family, place, object));
        }
        let kind = if object.custom { None } else { family.find(object.name) };
        match kind {
            Some(kind) => Some(self.options(family, kind, &format!("{place} ({})", kind.class), object.config, input)),
            None if !object.custom && ["Functional", "Model", "Sequential"].contains(&object.name) => {
                self.problem(place, format!("it contains a {}, and only layers can be within it", object.name));
                None
            }
            None => {
                self.add_remedy("To add a class, pass a Registry to keras::load_with");
                self.problem(place, format!("{} is not a supported {}", object.title(), family.noun));
                None
            }
        }
    }

    fn options(&mut self, family: &Family, kind: &Kind, place: &str, mut config: Config, input: Option<Shape>) -> Spec {
        let adjusted = (kind.from_keras)(&mut config, input);
        self.note(place, adjusted);
        self.inner_input = match kind.class {
            "SpectralNormalization" => input,
            "TimeDistributed" => input.map(|input| input.sample()),
            _ => None,
        };
        let mut spec = Spec::new(kind.class);
        for (name, default) in (kind.template)().settings() {
            let value = match config.remove(name.as_ref()) {
                None => {
                    if kind.required.contains(&name.as_ref()) {
                        self.problem(place, format!("{name} is missing"));
                    }
                    default.clone()
                }
                Some(Value::Null) if kind.nullable.contains(&name.as_ref()) => default.clone(),
                Some(value) => self.value(place, name, default, &value).unwrap_or_else(|| default.clone()),
            };
            spec = spec.with(name.clone(), value);
        }
        for (name, like) in (kind.optional)().settings() {
            if let Some(value) = config.remove(name.as_ref()).filter(|value| !value.is_null())
                && let Some(value) = self.value(place, name, like, &value)
            {
                spec = spec.with(name.clone(), value);
            }
        }
        self.check_remaining(place, &config, &[kind.inactive, family.options]);
        spec
    }

    /// Checks that the remaining options, which are not settings, have accepted values.
    pub(super) fn check_remaining(&mut self, place: &str, config: &Config, tables: &[&[InactiveOption]]) {
        for (name, value) in config {
            let option = tables.iter().copied().flatten().find(|option| option.name == name);
            match option.map(|option| option.problem(value)) {
                None => self.problem(place, format!("unknown option \"{name}\"")),
                Some(problem) => self.problems.extend(problem.map(|problem| (place.into(), problem))),
            }
        }
    }

    /// Reads the spec of a class in the registry: its options, and the common options of its family that are not inactive.
    fn added(&mut self, family: &Family, place: &str, object: Object<'_>) -> Spec {
        let mut spec = Spec::new(object.name);
        for (name, value) in &object.config {
            let common = family.options.iter().find(|option| option.name == name);
            let inactive = value.is_null() || common.is_some_and(|option| option.problem(value).is_none());
            if !inactive && let Some(value) = self.any_value(place, name, value) {
                spec = spec.with(name.clone(), value);
            }
        }
        spec
    }

    /// Converts a value according to its JSON type.
    fn any_value(&mut self, place: &str, name: &str, value: &Value) -> Option<SpecValue> {
        let found = match value {
            Value::Bool(flag) => Some(SpecValue::Bool(*flag)),
            Value::String(word) => Some(SpecValue::Str(word.clone())),
            Value::Number(number) if number.is_f64() => self::number(value).map(SpecValue::Float),
            Value::Number(number) => number.as_i64().and_then(|axis| isize::try_from(axis).ok()).map(SpecValue::axis),
            Value::Array(list) => list
                .iter()
                .map(size)
                .collect::<Option<_>>()
                .map(SpecValue::UInts)
                .or_else(|| list.iter().map(self::number).collect::<Option<_>>().map(SpecValue::Floats)),
            Value::Object(_) => return self.any_object(place, name, value),
            Value::Null => None,
        };
        if found.is_none() {
            self.problem(place, format!("{name} is {}, which is not a supported type of setting", short(value)));
        }
        found
    }

    /// Converts an object of the library or the registry, or any other object to a spec of its class and options. A function
    /// becomes its name.
    fn any_object(&mut self, place: &str, name: &str, value: &Value) -> Option<SpecValue> {
        let place = format!("{place}: {name}");
        let family = Family::of_setting(name);
        match Object::read(value) {
            Some(object) if family.added(self.registry, object.name) || family.find(object.name).is_some() => {
                self.object(family, &place, value, object, None).map(SpecValue::Nested)
            }
            Some(object) if object.config.is_empty() => Some(SpecValue::from(object.name)),
            Some(object) => Some(SpecValue::Nested(self.added(family, &place, object))),
            None => {
                self.problem(&place, format!("found {}, expected a serialized object", short(value)));
                None
            }
        }
    }

    /// Converts a value to the type of `like`.
    fn value(&mut self, place: &str, name: &str, like: &SpecValue, value: &Value) -> Option<SpecValue> {
        let found = match (like, value) {
            (SpecValue::Bool(_), _) => value.as_bool().map(SpecValue::Bool).ok_or("true or false"),
            (SpecValue::UInt(_), _) => size(value).map(SpecValue::UInt).ok_or("an integer ≥ 0"),
            (SpecValue::Int(_), _) => integer(value).map(SpecValue::axis).ok_or("an integer"),
            (SpecValue::UInts(_), Value::Array(sizes)) => {
                let sizes = sizes.iter().map(size).collect::<Option<_>>();
                sizes.map(SpecValue::UInts).ok_or("integers ≥ 0")
            }
            (SpecValue::UInts(axes), _) => {
                size(value).map(|size| SpecValue::UInts(vec![size; axes.len()])).ok_or("integers ≥ 0")
            }
            (SpecValue::Ints(_), Value::Array(numbers)) => {
                numbers.iter().map(integer).collect::<Option<_>>().map(SpecValue::Ints).ok_or("integers")
            }
            (SpecValue::Ints(_), _) => integer(value).map(|number| SpecValue::Ints(vec![number])).ok_or("integers"),
            (SpecValue::Float(_), Value::Object(_)) if name == "learning_rate" => {
                return self.part(place, name, value);
            }
            (SpecValue::Float(_), _) => number(value).map(SpecValue::Float).ok_or("a number"),
            (SpecValue::Floats(_), Value::Array(numbers)) => {
                let numbers = numbers.iter().map(number).collect::<Option<_>>();
                numbers.map(SpecValue::Floats).ok_or("a list of numbers")
            }
            (SpecValue::Floats(_), _) => Err("a list of numbers"),
            (SpecValue::Str(_), _) if name.ends_with("activation") => return self.activation(place, name, value),
            (SpecValue::Str(_), _) => value.as_str().map(SpecValue::from).ok_or("a string"),
            (SpecValue::Strs(_), _) => {
                let words = value
                    .as_array()
                    .and_then(|words| words.iter().map(|word| word.as_str().map(str::to_owned)).collect::<Option<_>>());
                words.map(SpecValue::Strs).ok_or("a list of strings")
            }
            (SpecValue::Nested(default), _) if name.ends_with("_initializer") => {
                return self.initializer(place, name, default, value);
            }
            (SpecValue::Nested(_), _) => return self.part(place, name, value),
        };
        let problem = |expected| format!("{name} is {}, expected {expected}", short(value));
        self.note(place, found.map_err(problem))
    }

    /// Reads an object that is an option of another object.
    fn part(&mut self, place: &str, name: &str, value: &Value) -> Option<SpecValue> {
        let place = format!("{place}: {name}");
        let family = Family::of_setting(name);
        match Object::read(value) {
            Some(object) if family.noun == LAYER.noun => {
                let input = self.inner_input;
                self.layer(&place, value, object, input).map(SpecValue::Nested)
            }
            Some(object) => self.object(family, &place, value, object, None).map(SpecValue::Nested),
            None => {
                self.problem(&place, format!("found {}, expected a serialized object", short(value)));
                None
            }
        }
    }

    /// Reads the spec of a layer. `input` is the shape of one sample of its first input, if known.
    pub(super) fn layer(
        &mut self,
        place: &str,
        value: &Value,
        mut object: Object<'_>,
        input: Option<Shape>,
    ) -> Option<Spec> {
        object.config.remove("name");
        let frozen = match object.config.remove("trainable") {
            None => false,
            Some(Value::Bool(trainable)) => !trainable,
            Some(other) => {
                self.problem(place, format!("trainable is {other}, expected true or false"));
                false
            }
        };
        if frozen {
            // Keras freezes the layers within a frozen layer too.
            let inner = object.config.values_mut().filter_map(|value| value.get_mut("config")?.as_object_mut());
            inner.for_each(|config| drop(config.remove("trainable")));
        }
        let activity = object.config.remove("activity_regularizer").filter(|regularizer| !regularizer.is_null());
        let activity = activity.and_then(|regularizer| self.part(place, "activity_regularizer", &regularizer));
        let spec = self.object(&LAYER, place, value, object, input)?;
        let spec = activity.into_iter().fold(spec, |spec, regularizer| spec.with("activity_regularizer", regularizer));
        Some(if frozen { spec.with("trainable", false) } else { spec })
    }

    /// Reads an initializer. One that gradus does not support is replaced by the default, as the weights come from the file.
    fn initializer(&mut self, place: &str, name: &str, default: &Spec, value: &Value) -> Option<SpecValue> {
        let Some(object) = Object::read(value) else {
            self.problem(place, format!("{name} is {}, expected a serialized object", short(value)));
            return None;
        };
        let mut reader = Reader::new(self.registry);
        let spec = reader.object(&families::INITIALIZER, place, value, object, None);
        Some(SpecValue::Nested(spec.filter(|_| reader.has_no_problems()).unwrap_or_else(|| default.clone())))
    }

    /// Reads an activation by name; null is linear. Custom functions and layers are not supported.
    fn activation(&mut self, place: &str, option: &str, value: &Value) -> Option<SpecValue> {
        let object = Object::read(value);
        let name = match &object {
            None if value.is_null() => Some("linear"),
            Some(object) if object.name == "swish" && !object.custom => Some("silu"),
            Some(object) if object.name == "hard_swish" && !object.custom => Some("hard_silu"),
            Some(object) if object.name == "hard_sigmoid" && !object.custom && self.keras_2 => {
                Some(Activation::LegacyHardSigmoid.name())
            }
            Some(object) => Some(object.name).filter(|_| !object.custom && object.config.is_empty()),
            None => None,
        };
        // `sparsemax` of Keras is another function.
        let name = name.filter(|name| *name != "sparsemax" && Activation::names().any(|known| known == *name));
        if name.is_none() {
            let found = object.as_ref().map_or_else(|| short(value), Object::title);
            let known = Activation::names().collect::<Vec<_>>().join(", ");
            self.problem(place, format!("{option} is {found}, and only these are supported: {known}"));
        }
        name.map(SpecValue::from)
    }
}

fn integer(value: &Value) -> Option<isize> {
    isize::try_from(value.as_i64()?).ok()
}

fn number(value: &Value) -> Option<f32> {
    Some(value.as_f64()? as f32)
}

/// Converts an integer, which may be written with a decimal point.
pub(super) fn size(value: &Value) -> Option<usize> {
    let whole = || value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..9e15).contains(number));
    let size = value.as_u64().or_else(|| whole().map(|number| number as u64))?;
    usize::try_from(size).ok()
}
