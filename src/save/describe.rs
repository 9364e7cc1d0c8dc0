//! The description of a model as JSON: layers, optimizer, losses and metrics as specs, and training counters.

use super::connections::sizes;
use crate::architecture::Connections;
use crate::random::Key;
use crate::spec::{Spec, SpecValue};
use serde_json::{Map, Number, Value, json};

/// The description of a model in a file, without its arrays.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Description {
    pub(crate) connections: Connections,
    /// Name and spec of each layer.
    pub(crate) layers: Vec<(String, Spec)>,
    /// The training settings and counters, or `None` in a model for inference.
    pub(crate) training: Option<TrainingSpec>,
    /// The preprocessing parts, by the names of inputs.
    pub(crate) preprocessing: Vec<(String, Spec)>,
}

/// Training settings and counters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TrainingSpec {
    pub(crate) optimizer: Spec,
    /// The outputs with a loss.
    pub(crate) trained_outputs: Vec<TrainedOutputSpec>,
    pub(crate) key: Key,
    pub(crate) epoch: u64,
    pub(crate) step: u64,
    /// The learning rate of later steps, if it replaces that of the optimizer.
    pub(crate) learning_rate: Option<f32>,
    /// Number of shards of a batch, at least 1.
    pub(crate) shards: usize,
}

/// Training settings of an output.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TrainedOutputSpec {
    /// Index of the output.
    pub(crate) output: usize,
    pub(crate) loss: Spec,
    /// Factor of the loss.
    pub(crate) weight: f32,
    pub(crate) metrics: Vec<Spec>,
    /// Metrics that weight rows.
    pub(crate) weighted_metrics: Vec<Spec>,
}

impl Description {
    pub(crate) fn to_json(&self) -> String {
        let layer = |(name, spec): &(String, Spec)| {
            let mut layer = spec_to_json(spec);
            layer["name"] = json!(name);
            layer
        };
        let mut model = json!({"layers": self.layers.iter().map(layer).collect::<Vec<_>>()});
        self.connections.describe(&mut model);
        if let Some(training) = &self.training {
            training.describe(&mut model, self.connections.chain);
        }
        if !self.preprocessing.is_empty() {
            let named = |(input, spec): &(String, Spec)| (input.clone(), spec_to_json(spec));
            model["preprocessing"] = self.preprocessing.iter().map(named).collect::<Map<_, _>>().into();
        }
        model.to_string()
    }

    /// Parses a description, or returns `None` if it is not one.
    pub(crate) fn from_json(text: &str) -> Option<Description> {
        let value: Value = serde_json::from_str(text).ok()?;
        let layer = |layer: &Value| Some((layer["name"].as_str()?.to_owned(), spec_from_json(layer)?));
        let layers: Vec<_> = value["layers"].as_array()?.iter().map(layer).collect::<Option<_>>()?;
        let training = match value.get("optimizer") {
            Some(_) => Some(TrainingSpec::read(&value)?),
            None => None,
        };
        let named = |(input, spec): (&String, &Value)| Some((input.clone(), spec_from_json(spec)?));
        let preprocessing = match value.get("preprocessing") {
            Some(parts) => parts.as_object()?.iter().map(named).collect::<Option<_>>()?,
            None => Vec::new(),
        };
        let connections = Connections::read(&value, layers.len())?;
        Some(Description { connections, layers, training, preprocessing })
    }
}

impl TrainingSpec {
    /// Writes the training settings to the description of a model.
    fn describe(&self, model: &mut Value, chain: bool) {
        model["optimizer"] = spec_to_json(&self.optimizer);
        model["key"] = json!(format!("{:x}", self.key));
        model["epoch"] = json!(self.epoch);
        model["step"] = json!(self.step);
        model["learning_rate"] = json!(self.learning_rate.map(number_to_json));
        if self.shards != 1 {
            model["shards"] = json!(self.shards);
        }
        match &self.trained_outputs[..] {
            [trained] if chain && trained.weight == 1.0 && trained.weighted_metrics.is_empty() => {
                model["loss"] = spec_to_json(&trained.loss);
                model["metrics"] = specs_to_json(&trained.metrics);
            }
            trained_outputs => model["heads"] = trained_outputs.iter().map(TrainedOutputSpec::to_json).collect(),
        }
    }

    fn read(value: &Value) -> Option<TrainingSpec> {
        let trained_outputs = match value.get("heads") {
            Some(trained) => trained.as_array()?.iter().map(TrainedOutputSpec::from_json).collect::<Option<_>>()?,
            None => vec![TrainedOutputSpec {
                output: 0,
                loss: spec_from_json(&value["loss"])?,
                weight: 1.0,
                metrics: specs(&value["metrics"])?,
                weighted_metrics: Vec::new(),
            }],
        };
        Some(TrainingSpec {
            optimizer: spec_from_json(&value["optimizer"])?,
            trained_outputs,
            key: Key::from_hex(value["key"].as_str()?)?,
            epoch: value["epoch"].as_u64()?,
            step: value["step"].as_u64()?,
            learning_rate: value["learning_rate"].as_f64().map(|rate| rate as f32),
            shards: match value.get("shards") {
                None => 1,
                Some(shards) => {
                    shards.as_u64().and_then(|shards| usize::try_from(shards).ok()).filter(|shards| *shards > 0)?
                }
            },
        })
    }

    /// Returns a difference in the settings, ignoring epochs and steps, or `None`.
    fn difference(&self, other: &TrainingSpec) -> Option<String> {
        // Compared as JSON, which sorts settings by name.
        let same = |a: &Spec, b: &Spec| spec_to_json(a) == spec_to_json(b);
        let metrics = |trained: &[TrainedOutputSpec]| -> Vec<[Value; 2]> {
            let lists =
                |one: &TrainedOutputSpec| [&one.metrics, &one.weighted_metrics].map(|specs| specs_to_json(specs));
            trained.iter().map(lists).collect()
        };
        let weights = |trained: &[TrainedOutputSpec]| -> Vec<(usize, f32)> {
            trained.iter().map(|one| (one.output, one.weight)).collect()
        };
        let mut losses = self.trained_outputs.iter().zip(&other.trained_outputs).map(|(a, b)| (&a.loss, &b.loss));
        if !same(&self.optimizer, &other.optimizer) {
            Some(format!("it was trained with {}, expected {}", in_code(&self.optimizer), in_code(&other.optimizer)))
        } else if weights(&self.trained_outputs) != weights(&other.trained_outputs) {
            Some("its losses have different outputs or loss weights".into())
        } else if let Some((there, here)) = losses.find(|(there, here)| !same(there, here)) {
            Some(format!("its loss is {there}, expected {here}"))
        } else if metrics(&self.trained_outputs) != metrics(&other.trained_outputs) {
            Some("it has different metrics".into())
        } else if self.shards != other.shards {
            let count = |shards: usize| if shards == 1 { "1 shard".to_owned() } else { format!("{shards} shards") };
            Some(format!("it was trained with {}, expected {}", count(self.shards), count(other.shards)))
        } else if self.key != other.key {
            Some("it was trained with a different seed".into())
        } else {
            None
        }
    }
}

impl Description {
    /// Returns a difference in the settings, ignoring epochs and steps, or `None`.
    pub(crate) fn difference(&self, other: &Description) -> Option<String> {
        let layers = |description: &Description| -> Vec<Value> {
            description.layers.iter().map(|(name, spec)| json!([name, spec_to_json(spec)])).collect()
        };
        if self.connections != other.connections || layers(self) != layers(other) {
            return Some("it has different layers".into());
        }
        match (&self.training, &other.training) {
            (Some(there), Some(here)) => there.difference(here),
            (there, here) if there.is_some() == here.is_some() => None,
            _ => Some("only one of the two models has an optimizer and a loss".into()),
        }
    }
}

/// The spec as text, with the optimizer's name in code instead of Keras' class name, as in `Sgd(learning_rate=0.1)`.
pub(crate) fn in_code(optimizer: &Spec) -> String {
    let text = optimizer.to_string();
    let name = match optimizer.class() {
        "SGD" => "Sgd",
        "RMSprop" => "RmsProp",
        class => class,
    };
    format!("{name}{}", &text[optimizer.class().len()..])
}

impl TrainedOutputSpec {
    fn to_json(&self) -> Value {
        let mut trained = json!({
            "output": self.output,
            "loss": spec_to_json(&self.loss),
            "weight": number_to_json(self.weight),
            "metrics": specs_to_json(&self.metrics),
        });
        if !self.weighted_metrics.is_empty() {
            trained["weighted_metrics"] = specs_to_json(&self.weighted_metrics);
        }
        trained
    }

    fn from_json(value: &Value) -> Option<TrainedOutputSpec> {
        Some(TrainedOutputSpec {
            output: usize::try_from(value["output"].as_u64()?).ok()?,
            loss: spec_from_json(&value["loss"])?,
            weight: value["weight"].as_f64()? as f32,
            metrics: specs(&value["metrics"])?,
            weighted_metrics: value.get("weighted_metrics").map_or(Some(Vec::new()), specs)?,
        })
    }
}

fn specs_to_json(specs: &[Spec]) -> Value {
    specs.iter().map(spec_to_json).collect()
}

fn specs(value: &Value) -> Option<Vec<Spec>> {
    value.as_array()?.iter().map(spec_from_json).collect()
}

fn spec_to_json(spec: &Spec) -> Value {
    let mut settings = Map::new();
    for (name, value) in spec.settings() {
        settings.insert(name.to_string(), value_to_json(value));
    }
    json!({"class": spec.class(), "settings": settings})
}

fn spec_from_json(value: &Value) -> Option<Spec> {
    let spec = Spec::new(value["class"].as_str()?);
    let settings = value["settings"].as_object()?;
    settings.iter().try_fold(spec, |spec, (name, value)| Some(spec.with(name.clone(), value_from_json(value)?)))
}

fn value_to_json(value: &SpecValue) -> Value {
    match value {
        SpecValue::Bool(flag) => json!(flag),
        SpecValue::UInt(size) => json!(size),
        SpecValue::Int(number) => json!(number),
        SpecValue::UInts(sizes) => json!(sizes),
        SpecValue::Ints(numbers) => json!(numbers),
        SpecValue::Float(number) => number_to_json(*number),
        SpecValue::Floats(numbers) => numbers.iter().map(|number| number_to_json(*number)).collect(),
        SpecValue::Str(word) => json!(word),
        SpecValue::Strs(strings) => json!(strings),
        SpecValue::Nested(spec) => spec_to_json(spec),
    }
}

fn value_from_json(value: &Value) -> Option<SpecValue> {
    Some(match value {
        Value::Bool(flag) => SpecValue::Bool(*flag),
        Value::Number(number) if number.is_f64() => SpecValue::Float(number.as_f64()? as f32),
        Value::Number(number) => match number.as_u64() {
            Some(size) => SpecValue::UInt(usize::try_from(size).ok()?),
            None => SpecValue::Int(isize::try_from(number.as_i64()?).ok()?),
        },
        Value::Array(array) if array.iter().any(Value::is_f64) => SpecValue::Floats(numbers(array)?),
        // Numbers of which none is finite. `Settings::strs` reads them as strings if they are a list of strings.
        Value::Array(array) if !array.is_empty() && array.iter().all(|value| not_finite(value).is_some()) => {
            SpecValue::Floats(numbers(array)?)
        }
        Value::Array(array) if array.first().is_some_and(Value::is_string) => SpecValue::Strs(strings(array)?),
        Value::Array(array) if array.iter().any(|number| number.as_i64().is_some_and(i64::is_negative)) => {
            SpecValue::Ints(integers(array)?)
        }
        Value::Array(_) => SpecValue::UInts(sizes(value)?),
        Value::String(word) => SpecValue::Str(word.clone()),
        Value::Object(_) => SpecValue::Nested(spec_from_json(value)?),
        Value::Null => return None,
    })
}

/// Converts a number to the shortest decimal JSON number with the same bits. Infinities and NaN, which JSON does not
/// have, become strings such as `"-inf"`.
pub fn number_to_json(number: f32) -> Value {
    let exact = f64::from(number);
    let short = number.to_string().parse().ok().filter(|short: &f64| (*short as f32).to_bits() == number.to_bits());
    Number::from_f64(short.unwrap_or(exact)).map_or_else(|| json!(number.to_string()), Value::Number)
}

fn strings(array: &[Value]) -> Option<Vec<String>> {
    array.iter().map(|word| Some(word.as_str()?.to_owned())).collect()
}

fn integers(array: &[Value]) -> Option<Vec<isize>> {
    array.iter().map(|number| isize::try_from(number.as_i64()?).ok()).collect()
}

/// An infinity or NaN, which is written as a string.
fn not_finite(value: &Value) -> Option<f32> {
    let text = value.as_str()?;
    text.parse().ok().filter(|number: &f32| !number.is_finite() && number.to_string() == text)
}

fn numbers(array: &[Value]) -> Option<Vec<f32>> {
    let number = |value: &Value| value.as_f64().map(|number| number as f32).or_else(|| not_finite(value));
    array.iter().map(number).collect()
}

#[cfg(test)]
mod tests;
