//! The description of a model as JSON: its layers, optimizer, loss and metrics as specs, and where its training stands.

use super::wiring::{Wiring, sizes};
use crate::random::Key;
use crate::spec::{Spec, SpecValue};
use serde_json::{Map, Number, Value, json};

/// What a file says of a model beside its arrays.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Description {
    pub(crate) wiring: Wiring,
    /// Each layer's name and spec.
    pub(crate) layers: Vec<(String, Spec)>,
    pub(crate) optimizer: Spec,
    /// The outputs that are trained.
    pub(crate) heads: Vec<HeadSpec>,
    /// What turns strings into numbers, by the names of inputs.
    pub(crate) preprocessing: Vec<(String, Spec)>,
    pub(crate) key: Key,
    pub(crate) epoch: u64,
    pub(crate) step: u64,
    /// The learning rate of the steps to come, where it is not the optimizer's own.
    pub(crate) learning_rate: Option<f32>,
}

/// How an output is trained.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HeadSpec {
    /// Which output it is.
    pub(crate) output: usize,
    pub(crate) loss: Spec,
    /// How much its loss counts.
    pub(crate) weight: f32,
    pub(crate) metrics: Vec<Spec>,
    /// Those that count rows by their weights.
    pub(crate) weighted_metrics: Vec<Spec>,
}

impl Description {
    pub(super) fn to_json(&self) -> String {
        let layer = |(name, spec): &(String, Spec)| {
            let mut layer = spec_to_json(spec);
            layer["name"] = json!(name);
            layer
        };
        let mut model = json!({
            "layers": self.layers.iter().map(layer).collect::<Vec<_>>(),
            "optimizer": spec_to_json(&self.optimizer),
            "key": format!("{:x}", self.key),
            "epoch": self.epoch,
            "step": self.step,
            "learning_rate": self.learning_rate.map(number_to_json),
        });
        self.wiring.describe(&mut model);
        match &self.heads[..] {
            [head] if self.wiring.chain && head.weight == 1.0 && head.weighted_metrics.is_empty() => {
                model["loss"] = spec_to_json(&head.loss);
                model["metrics"] = specs_to_json(&head.metrics);
            }
            heads => model["heads"] = heads.iter().map(HeadSpec::to_json).collect(),
        }
        if !self.preprocessing.is_empty() {
            let named = |(input, spec): &(String, Spec)| (input.clone(), spec_to_json(spec));
            model["preprocessing"] = self.preprocessing.iter().map(named).collect::<Map<_, _>>().into();
        }
        model.to_string()
    }

    /// The description that `text` holds, or `None` where it holds none.
    pub(super) fn from_json(text: &str) -> Option<Description> {
        let value: Value = serde_json::from_str(text).ok()?;
        let layer = |layer: &Value| Some((layer["name"].as_str()?.to_owned(), spec_from_json(layer)?));
        let layers: Vec<_> = value["layers"].as_array()?.iter().map(layer).collect::<Option<_>>()?;
        let heads = match value.get("heads") {
            Some(heads) => heads.as_array()?.iter().map(HeadSpec::from_json).collect::<Option<_>>()?,
            None => vec![HeadSpec {
                output: 0,
                loss: spec_from_json(&value["loss"])?,
                weight: 1.0,
                metrics: specs(&value["metrics"])?,
                weighted_metrics: Vec::new(),
            }],
        };
        let named = |(input, spec): (&String, &Value)| Some((input.clone(), spec_from_json(spec)?));
        let preprocessing = match value.get("preprocessing") {
            Some(parts) => parts.as_object()?.iter().map(named).collect::<Option<_>>()?,
            None => Vec::new(),
        };
        Some(Description {
            wiring: Wiring::read(&value, layers.len())?,
            layers,
            optimizer: spec_from_json(&value["optimizer"])?,
            heads,
            preprocessing,
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
        // As JSON has them, for there settings have an order.
        let same = |a: &Spec, b: &Spec| spec_to_json(a) == spec_to_json(b);
        let layers = |description: &Description| -> Vec<Value> {
            description.layers.iter().map(|(name, spec)| json!([name, spec_to_json(spec)])).collect()
        };
        let metrics = |heads: &[HeadSpec]| -> Vec<[Value; 2]> {
            heads.iter().map(|head| [&head.metrics, &head.weighted_metrics].map(|specs| specs_to_json(specs))).collect()
        };
        let trained =
            |heads: &[HeadSpec]| -> Vec<(usize, f32)> { heads.iter().map(|head| (head.output, head.weight)).collect() };
        let mut losses = self.heads.iter().zip(&other.heads).map(|(a, b)| (&a.loss, &b.loss));
        if self.wiring != other.wiring || layers(self) != layers(other) {
            Some("its layers are others".into())
        } else if !same(&self.optimizer, &other.optimizer) {
            Some(format!("it was trained with {}, here it is {}", self.optimizer, other.optimizer))
        } else if trained(&self.heads) != trained(&other.heads) {
            Some("its losses are of other outputs or have other weights".into())
        } else if let Some((there, here)) = losses.find(|(there, here)| !same(there, here)) {
            Some(format!("its loss is {there}, here it is {here}"))
        } else if metrics(&self.heads) != metrics(&other.heads) {
            Some("its metrics are others".into())
        } else if self.key != other.key {
            Some("it was trained with another seed".into())
        } else {
            None
        }
    }
}

impl HeadSpec {
    fn to_json(&self) -> Value {
        let mut head = json!({
            "output": self.output,
            "loss": spec_to_json(&self.loss),
            "weight": number_to_json(self.weight),
            "metrics": specs_to_json(&self.metrics),
        });
        if !self.weighted_metrics.is_empty() {
            head["weighted_metrics"] = specs_to_json(&self.weighted_metrics);
        }
        head
    }

    fn from_json(value: &Value) -> Option<HeadSpec> {
        Some(HeadSpec {
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
        SpecValue::Flag(flag) => json!(flag),
        SpecValue::Size(size) => json!(size),
        SpecValue::Below(number) => json!(number),
        SpecValue::Sizes(sizes) => json!(sizes),
        SpecValue::Number(number) => number_to_json(*number),
        SpecValue::Numbers(numbers) => numbers.iter().map(|number| number_to_json(*number)).collect(),
        SpecValue::Word(word) => json!(word),
        SpecValue::Words(words) => json!(words),
        SpecValue::Part(spec) => spec_to_json(spec),
    }
}

fn value_from_json(value: &Value) -> Option<SpecValue> {
    Some(match value {
        Value::Bool(flag) => SpecValue::Flag(*flag),
        Value::Number(number) if number.is_f64() => SpecValue::Number(number.as_f64()? as f32),
        Value::Number(number) => match number.as_u64() {
            Some(size) => SpecValue::Size(usize::try_from(size).ok()?),
            None => SpecValue::Below(isize::try_from(number.as_i64()?).ok()?),
        },
        Value::Array(array) if array.first().is_some_and(Value::is_f64) => SpecValue::Numbers(numbers(array)?),
        Value::Array(array) if array.first().is_some_and(Value::is_string) => SpecValue::Words(words(array)?),
        Value::Array(_) => SpecValue::Sizes(sizes(value)?),
        Value::String(word) => SpecValue::Word(word.clone()),
        Value::Object(_) => SpecValue::Part(spec_from_json(value)?),
        Value::Null => return None,
    })
}

/// The shortest decimal number that leads back to the same bits; JSON has no word for infinity.
pub(crate) fn number_to_json(number: f32) -> Value {
    let exact = f64::from(number);
    let short = number.to_string().parse().ok().filter(|short: &f64| (*short as f32).to_bits() == number.to_bits());
    Number::from_f64(short.unwrap_or(exact)).map_or_else(|| json!(number.to_string()), Value::Number)
}

fn words(array: &[Value]) -> Option<Vec<String>> {
    array.iter().map(|word| Some(word.as_str()?.to_owned())).collect()
}

fn numbers(array: &[Value]) -> Option<Vec<f32>> {
    array.iter().map(|number| Some(number.as_f64()? as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::wiring::{Call, Output};
    use super::*;
    use crate::architecture::ValueInfo;
    use crate::shape::Shape;

    fn description(spec: Spec, wiring: Wiring, heads: Vec<HeadSpec>) -> Description {
        Description {
            wiring,
            layers: vec![("name".into(), spec.clone())],
            optimizer: spec,
            heads,
            preprocessing: Vec::new(),
            key: Key::from_seed(9),
            epoch: 2,
            step: u64::MAX,
            learning_rate: Some(0.1),
        }
    }

    fn head(output: usize, weight: f32, metrics: Vec<Spec>) -> HeadSpec {
        let weighted_metrics = metrics.iter().skip(1).cloned().collect();
        HeadSpec { output, loss: Spec::new("Loss").with("from_logits", true), weight, metrics, weighted_metrics }
    }

    #[test]
    fn every_kind_of_setting_comes_back() {
        // In alphabetical order, as JSON objects are read.
        let spec = Spec::new("Part").with("a", 3).with("b", &[1, 2][..]).with("c", 0.1f32).with("d", 1.0f32);
        let spec = spec.with("e", "word").with("f", false).with("g", Spec::new("Inner").with("x", f32::MIN_POSITIVE));
        let spec = spec.with("h", &[1.0f32, 0.1][..]).with("i", &[0usize; 0][..]);
        let spec = spec.with("j", SpecValue::axis(-1));
        let chain = Wiring::chain(Shape::from([2, 3]), 1);
        let description = description(spec.clone(), chain, vec![head(0, 1.0, vec![spec])]);
        assert_eq!(Description::from_json(&description.to_json()), Some(description));
    }

    #[test]
    fn every_wiring_comes_back() {
        let part = || Spec::new("Part");
        let wiring = Wiring {
            chain: false,
            inputs: vec![ValueInfo::new("a", Shape::from([2, 3])), ValueInfo::new("b", Shape::SCALAR)],
            calls: vec![Call { values: 2, ..Call::new(0, vec![0, 1]) }, Call::new(0, vec![2])],
            outputs: vec![Output::new("y", 3), Output::new("z", 2)],
        };
        let heads = vec![head(0, 0.5, vec![part(), part()]), head(1, 1.0, vec![])];
        let graph = description(part(), wiring, heads);
        assert_eq!(Description::from_json(&graph.to_json()), Some(graph));
        let weighted = description(part(), Wiring::chain(Shape::from([4]), 1), vec![head(0, 0.25, vec![])]);
        assert_eq!(Description::from_json(&weighted.to_json()), Some(weighted));
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
        let chain = Wiring::chain(Shape::from([2, 3]), 1);
        let whole = description(Spec::new("Part"), chain, vec![head(0, 1.0, vec![])]).to_json();
        for wrong in ["", "7", "{}", &whole.replace("\"key\":\"09", "\"key\":\"x"), &whole.replace("[2,3]", "[2,-3]")] {
            assert_eq!(Description::from_json(wrong), None, "{wrong}");
        }
    }
}
