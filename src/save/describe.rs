//! The description of a model as JSON: its layers, optimizer, loss and metrics as specs, and where its training stands.

use crate::random::Key;
use crate::shape::Shape;
use crate::spec::{Spec, SpecValue};
use serde_json::{Map, Number, Value, json};

/// What a file says of a model beside its arrays.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Description {
    /// The shape of one sample.
    pub(crate) input: Shape,
    /// Each layer's name and spec.
    pub(crate) layers: Vec<(String, Spec)>,
    pub(crate) optimizer: Spec,
    pub(crate) loss: Spec,
    pub(crate) metrics: Vec<Spec>,
    pub(crate) key: Key,
    pub(crate) epoch: u64,
    pub(crate) step: u64,
    /// The learning rate of the steps to come, where it is not the optimizer's own.
    pub(crate) learning_rate: Option<f32>,
}

impl Description {
    pub(super) fn to_json(&self) -> String {
        let layer = |(name, spec): &(String, Spec)| {
            let mut layer = spec_to_json(spec);
            layer["name"] = json!(name);
            layer
        };
        json!({
            "input": self.input.sizes(),
            "layers": self.layers.iter().map(layer).collect::<Vec<_>>(),
            "optimizer": spec_to_json(&self.optimizer),
            "loss": spec_to_json(&self.loss),
            "metrics": self.metrics.iter().map(spec_to_json).collect::<Vec<_>>(),
            "key": format!("{:x}", self.key),
            "epoch": self.epoch,
            "step": self.step,
            "learning_rate": self.learning_rate.map(number_to_json),
        })
        .to_string()
    }

    /// The description that `text` holds, or `None` where it holds none.
    pub(super) fn from_json(text: &str) -> Option<Description> {
        let value: Value = serde_json::from_str(text).ok()?;
        let layer = |layer: &Value| Some((layer["name"].as_str()?.to_owned(), spec_from_json(layer)?));
        Some(Description {
            input: Shape::new(&sizes(value["input"].as_array()?)?).ok()?,
            layers: value["layers"].as_array()?.iter().map(layer).collect::<Option<_>>()?,
            optimizer: spec_from_json(&value["optimizer"])?,
            loss: spec_from_json(&value["loss"])?,
            metrics: value["metrics"].as_array()?.iter().map(spec_from_json).collect::<Option<_>>()?,
            key: Key::from_hex(value["key"].as_str()?)?,
            epoch: value["epoch"].as_u64()?,
            step: value["step"].as_u64()?,
            learning_rate: value["learning_rate"].as_f64().map(|rate| rate as f32),
        })
    }
}

impl Description {
    /// What makes this another training than `other`, whatever their epochs and steps.
    pub(crate) fn difference(&self, other: &Description) -> Option<String> {
        let layers = |description: &Description| -> Vec<Value> {
            description.layers.iter().map(|(name, spec)| json!([name, spec_to_json(spec)])).collect()
        };
        let metrics = |description: &Description| description.metrics.iter().map(spec_to_json).collect::<Vec<_>>();
        // As JSON has them, for there settings have an order.
        let same = |a: &Spec, b: &Spec| spec_to_json(a) == spec_to_json(b);
        if self.input != other.input || layers(self) != layers(other) {
            Some("its layers are others".into())
        } else if !same(&self.optimizer, &other.optimizer) {
            Some(format!("it was trained with {}, here it is {}", self.optimizer, other.optimizer))
        } else if !same(&self.loss, &other.loss) {
            Some(format!("its loss is {}, here it is {}", self.loss, other.loss))
        } else if metrics(self) != metrics(other) {
            Some("its metrics are others".into())
        } else if self.key != other.key {
            Some("it was trained with another seed".into())
        } else {
            None
        }
    }
}

fn spec_to_json(spec: &Spec) -> Value {
    let settings = spec.settings().iter().map(|(name, value)| (name.to_string(), value_to_json(value)));
    json!({"class": spec.class(), "settings": settings.collect::<Map<_, _>>()})
}

fn spec_from_json(value: &Value) -> Option<Spec> {
    let spec = Spec::new(value["class"].as_str()?);
    let settings = value["settings"].as_object()?;
    settings.iter().try_fold(spec, |spec, (name, value)| Some(spec.with(name.clone(), value_from_json(value)?)))
}

fn value_to_json(value: &SpecValue) -> Value {
    match value {
        SpecValue::Flag(flag) => json!(flag),
        SpecValue::Size(size) => json!(size),
        SpecValue::Sizes(sizes) => json!(sizes),
        SpecValue::Number(number) => number_to_json(*number),
        SpecValue::Word(word) => json!(word),
        SpecValue::Part(spec) => spec_to_json(spec),
    }
}

fn value_from_json(value: &Value) -> Option<SpecValue> {
    Some(match value {
        Value::Bool(flag) => SpecValue::Flag(*flag),
        Value::Number(number) if number.is_f64() => SpecValue::Number(number.as_f64()? as f32),
        Value::Number(number) => SpecValue::Size(usize::try_from(number.as_u64()?).ok()?),
        Value::Array(array) => SpecValue::Sizes(sizes(array)?),
        Value::String(word) => SpecValue::Word(word.clone()),
        Value::Object(_) => SpecValue::Part(spec_from_json(value)?),
        Value::Null => return None,
    })
}

/// The shortest decimal number that leads back to the same bits; JSON has no word for infinity.
fn number_to_json(number: f32) -> Value {
    let exact = f64::from(number);
    let short = number.to_string().parse().ok().filter(|short: &f64| (*short as f32).to_bits() == number.to_bits());
    Number::from_f64(short.unwrap_or(exact)).map_or_else(|| json!(number.to_string()), Value::Number)
}

fn sizes(array: &[Value]) -> Option<Vec<usize>> {
    array.iter().map(|size| usize::try_from(size.as_u64()?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(spec: Spec) -> Description {
        let loss = Spec::new("Loss").with("from_logits", true);
        let (input, layers, metrics) = (Shape::from([2, 3]), vec![("name".into(), spec.clone())], vec![spec.clone()]);
        let (key, learning_rate) = (Key::from_seed(9), Some(0.1));
        Description { input, layers, optimizer: spec, loss, metrics, key, epoch: 2, step: u64::MAX, learning_rate }
    }

    #[test]
    fn every_kind_of_setting_comes_back() {
        // In alphabetical order, as JSON objects are read.
        let spec = Spec::new("Part").with("a", 3).with("b", &[1, 2][..]).with("c", 0.1f32).with("d", 1.0f32);
        let spec = spec.with("e", "word").with("f", false).with("g", Spec::new("Inner").with("x", f32::MIN_POSITIVE));
        let description = description(spec);
        assert_eq!(Description::from_json(&description.to_json()), Some(description));
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        let text = |number| number_to_json(number).to_string();
        assert_eq!([0.1, 1.0, -0.0, 1e-7].map(text), ["0.1", "1.0", "-0.0", "1e-7"]);
        assert_eq!(text(f32::NEG_INFINITY), "\"-inf\"");
        for bits in (0..u32::MAX).step_by(1_000_003) {
            let number = f32::from_bits(bits);
            if number.is_finite() {
                let read = value_from_json(&serde_json::from_str(&text(number)).unwrap());
                assert_eq!(read, Some(SpecValue::Number(number)));
            }
        }
    }

    #[test]
    fn what_is_no_description_is_none() {
        let whole = description(Spec::new("Part")).to_json();
        for wrong in ["", "7", "{}", &whole.replace("\"key\":\"09", "\"key\":\"x"), &whole.replace("[2,3]", "[2,-3]")] {
            assert_eq!(Description::from_json(wrong), None, "{wrong}");
        }
    }
}
