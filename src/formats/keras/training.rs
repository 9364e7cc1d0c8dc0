//! How a model is trained: the optimizer, and the losses and metrics of its outputs, in Keras' words and back.

use super::config::{Config, Kind, Result, class_of, find, object};
use super::heads::{LOSSES, METRICS};
use super::optimizers::{OPTIMIZERS, SCHEDULES, optimizer};
use crate::save::{Description, HeadSpec};
use crate::shape::Shape;
use crate::spec::Spec;
use serde_json::{Value, json};

/// Other names of functions and classes.
const ALIASES: &[(&str, &str)] = &[
    ("acc", "accuracy"),
    ("mse", "MeanSquaredError"),
    ("mae", "MeanAbsoluteError"),
    ("bce", "BinaryCrossentropy"),
    ("kld", "KLDivergence"),
    ("kullback_leibler_divergence", "KLDivergence"),
    ("logcosh", "LogCosh"),
    ("huber_loss", "Huber"),
];

/// What training needs beside the layers.
#[derive(Debug)]
pub(super) struct Training {
    pub(super) optimizer: Spec,
    pub(super) heads: Vec<HeadSpec>,
}

impl Training {
    /// Of a model. The error names what Keras does not have.
    pub(super) fn of(description: &Description) -> Result<Training> {
        let known = |known: bool, spec: &Spec, what: &str| match known {
            true => Ok(()),
            false => Err(format!("{} is not {what} that Keras has", spec.class())),
        };
        known(optimizer(description.optimizer.class()).is_some(), &description.optimizer, "an optimizer")?;
        for head in &description.heads {
            known(find(LOSSES, head.loss.class()).is_some(), &head.loss, "a loss")?;
            let metrics = &mut head.metrics.iter().chain(&head.weighted_metrics);
            metrics.try_for_each(|metric| known(find(METRICS, metric.class()).is_some(), metric, "a metric"))?;
        }
        Ok(Training { optimizer: description.optimizer.clone(), heads: description.heads.clone() })
    }

    /// Of what `compile` was told of these outputs, with the optimizer beside it.
    pub(super) fn read(config: &Value, optimizer: &Value, outputs: &[String]) -> Result<Training> {
        let (class, _) = class_of(optimizer).ok_or("its optimizer cannot be read")?;
        let kind = OPTIMIZERS.iter().map(|known| known.kind).find(|kind| kind.class.eq_ignore_ascii_case(class));
        let optimizer = read(kind.as_slice(), optimizer, "optimizer", SCHEDULES)?;
        let (losses, weights) = (by_output(&config["loss"], outputs)?, by_output(&config["loss_weights"], outputs)?);
        let metrics = |name: &str| match &config[name] {
            // Metrics of the only output stand in no list of their own.
            metrics @ Value::Array(_) if outputs.len() == 1 => Ok(vec![metrics.clone()]),
            metrics => by_output(metrics, outputs),
        };
        let (metrics, weighted) = (metrics("metrics")?, metrics("weighted_metrics")?);
        let head = |output: usize| {
            let weight = if weights[output].is_null() { 1.0 } else { weights[output].as_f64().unwrap_or(f64::NAN) };
            let read_all = |metrics| -> Result<Vec<Spec>> {
                flat(metrics).map(|metric| read(METRICS, metric, "metric", &[])).collect()
            };
            Ok(HeadSpec {
                output,
                loss: read(LOSSES, &losses[output], "loss", &[])?,
                weight: Some(weight as f32)
                    .filter(|weight| weight.is_finite())
                    .ok_or("its loss weights are no numbers")?,
                metrics: read_all(&metrics[output])?,
                weighted_metrics: read_all(&weighted[output])?,
            })
        };
        let trained = (0..outputs.len()).filter(|output| !losses[*output].is_null());
        Ok(Training { optimizer, heads: trained.map(head).collect::<Result<_>>()? })
    }

    /// What `compile` is told of these outputs, without the optimizer.
    pub(super) fn to_json(&self, outputs: &[String]) -> Result<Value> {
        let (mut losses, mut weights) = (Config::new(), Config::new());
        let (mut metrics, mut counted) = (Config::new(), Config::new());
        let all = |metrics: &[Spec]| -> Result<Value> {
            let metric = |metric: &Spec| match metric.class() {
                "Accuracy" => Ok(json!("accuracy")), // Keras chooses the kind by the shapes
                _ => part(METRICS, "keras.metrics", metric),
            };
            metrics.iter().map(metric).collect()
        };
        for head in &self.heads {
            let name = &outputs[head.output];
            losses.insert(name.clone(), part(LOSSES, "keras.losses", &head.loss)?);
            weights.insert(name.clone(), json!(head.weight));
            metrics.insert(name.clone(), all(&head.metrics)?);
            counted.insert(name.clone(), all(&head.weighted_metrics)?);
        }
        let counts = self.heads.iter().any(|head| !head.weighted_metrics.is_empty());
        let weighted = self.heads.iter().any(|head| head.weight != 1.0);
        let plain = |mut of: Config, single: fn(Value) -> Value| match outputs {
            [only] => of.remove(only).map_or(Value::Null, single),
            _ => Value::Object(of),
        };
        Ok(json!({
            "loss": plain(losses, |loss| loss),
            "loss_weights": if weighted { plain(weights, |weight| json!([weight])) } else { Value::Null },
            "metrics": plain(metrics, |metrics| metrics),
            "weighted_metrics": if counts { plain(counted, |metrics| metrics) } else { Value::Null },
            "run_eagerly": false,
            "steps_per_execution": 1,
        }))
    }

    pub(super) fn optimizer_to_json(&self) -> Result<Value> {
        let kinds = OPTIMIZERS.iter().map(|known| known.kind).collect::<Vec<_>>();
        let kind = find(&kinds, self.optimizer.class()).ok_or("its optimizer is not one that Keras has")?;
        Ok(object("keras.optimizers", self.optimizer.class(), kind.config(&self.optimizer, SCHEDULES)?))
    }
}

fn part(kinds: &[Kind], module: &str, spec: &Spec) -> Result<Value> {
    let kind = find(kinds, spec.class()).ok_or_else(|| format!("{} is not one that Keras has", spec.class()))?;
    Ok(object(module, spec.class(), kind.config(spec, &[])?))
}

/// What is said of each output: by name, by place, or of every one alike; null where nothing is.
fn by_output(said: &Value, outputs: &[String]) -> Result<Vec<Value>> {
    Ok(match said {
        Value::Object(named) if said["class_name"].is_null() => {
            if let Some(name) = named.keys().find(|name| !outputs.contains(name)) {
                return Err(format!("it is compiled for an output \"{name}\", which the model does not have"));
            }
            outputs.iter().map(|name| said[name].clone()).collect()
        }
        Value::Array(list) if list.len() == outputs.len() => list.clone(),
        Value::Array(list) => {
            return Err(format!("it is compiled for {} outputs, and has {}", list.len(), outputs.len()));
        }
        every => vec![every.clone(); outputs.len()],
    })
}

/// The members of a list, or the one that stands without a list; lists within it are of the same output.
fn flat(value: &Value) -> impl Iterator<Item = &Value> {
    members(value).iter().flat_map(members).filter(|value| !value.is_null())
}

fn members(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn read(kinds: &[Kind], value: &Value, what: &str, parts: &[Kind]) -> Result<Spec> {
    let value = match value {
        Value::Array(only) if only.len() == 1 => &only[0],
        value => value,
    };
    let (name, config) = class_of(value).unwrap_or(("something unreadable", Config::new()));
    let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, class)| class);
    // Keras' class of this name wants values to be equal; the word has it choose by the shapes.
    let kind = match name {
        "Accuracy" => None,
        _ => kinds.iter().find(|kind| kind.class.eq_ignore_ascii_case(name)).or_else(|| find(kinds, name)),
    };
    let kind = kind.ok_or_else(|| {
        format!("its {what} is {name}, which gradus does not have; load_with takes another in its place")
    })?;
    kind.read(config, Shape::SCALAR, parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(loss: Value, optimizer: Value) -> Result<String> {
        let config = json!({"loss": loss, "metrics": ["acc"]});
        let training = Training::read(&config, &optimizer, &["output".into()])?;
        let head = &training.heads[0];
        Ok(format!("{} {} {}", training.optimizer, head.loss, head.metrics[0]))
    }

    #[test]
    fn names_functions_and_objects_are_understood() {
        let names = told(json!("categorical_crossentropy"), json!("sgd")).unwrap();
        let expected = "SGD(learning_rate=0.01, momentum=0, nesterov=false, weight_decay=0) \
             CategoricalCrossentropy(from_logits=false, label_smoothing=0) Accuracy()";
        assert_eq!(names, expected);
        let loss = json!({"class_name": "SparseCategoricalCrossentropy", "config": {"from_logits": true, "axis": -1, "ignore_class": null}});
        let adam = json!({"class_name": "Adam", "config": {"learning_rate": 0.25, "weight_decay": null}});
        let objects = told(loss, adam).unwrap();
        assert!(objects.starts_with("Adam(learning_rate=0.25, beta_1=0.9"), "{objects}");
        assert!(objects.contains("SparseCategoricalCrossentropy(from_logits=true)"), "{objects}");
    }

    #[test]
    fn what_gradus_cannot_do_is_told() {
        let unknown = told(json!("ctc"), json!("sgd")).unwrap_err();
        assert_eq!(unknown, "its loss is ctc, which gradus does not have; load_with takes another in its place");
        let ema = json!({"class_name": "SGD", "config": {"use_ema": true}});
        let unknown = told(json!("categorical_crossentropy"), ema).unwrap_err();
        assert_eq!(unknown, "SGD has use_ema true, for which gradus has nothing");
        let restarts = json!({"class_name": "CosineDecayRestarts", "config": {}});
        let sgd = json!({"class_name": "SGD", "config": {"learning_rate": restarts}});
        let unknown = told(json!("mse"), sgd).unwrap_err();
        assert!(unknown.starts_with("SGD has learning_rate {\"class_name\":\"CosineDecayRestarts\""), "{unknown}");
        let exact = json!({"loss": "mse", "metrics": [{"class_name": "Accuracy", "config": {"name": "accuracy"}}]});
        let unknown = Training::read(&exact, &json!("sgd"), &["output".into()]).unwrap_err();
        assert!(unknown.starts_with("its metric is Accuracy, which gradus does not have"), "{unknown}");
    }

    #[test]
    fn outputs_are_trained_by_name_by_place_or_all_alike() {
        let outputs = ["a".to_owned(), "b".to_owned()];
        let heads = |config: Value| -> Result<Vec<String>> {
            let training = Training::read(&config, &json!("sgd"), &outputs)?;
            let again = Training::read(&training.to_json(&outputs)?, &json!("sgd"), &outputs)?;
            assert_eq!(training.heads, again.heads, "{config}");
            let head = |head: HeadSpec| {
                let classes = |specs: &[Spec]| specs.iter().map(Spec::class).collect::<Vec<_>>().join(" ");
                let HeadSpec { output, loss, weight, metrics, weighted_metrics } = &head;
                let (loss, metrics, weighted) = (loss.class(), classes(metrics), classes(weighted_metrics));
                format!("{output} {loss} {weight} {metrics} {weighted}").trim_end().to_owned()
            };
            Ok(training.heads.into_iter().map(head).collect())
        };
        let named = json!({"loss": {"b": "mse"}, "loss_weights": {"b": 0.5}, "metrics": {"b": ["mae", "mse"]}});
        assert_eq!(heads(named).unwrap(), ["1 MeanSquaredError 0.5 MeanAbsoluteError MeanSquaredError"]);
        let listed = json!({"loss": ["mae", "huber"], "loss_weights": [1.0, 2.0], "metrics": [["mae"], "mse"]});
        let expected = ["0 MeanAbsoluteError 1 MeanAbsoluteError", "1 Huber 2 MeanSquaredError"];
        assert_eq!(heads(listed).unwrap(), expected);
        assert_eq!(heads(json!({"loss": "mse"})).unwrap(), ["0 MeanSquaredError 1", "1 MeanSquaredError 1"]);
        let counted = json!({"loss": "mse", "metrics": {"a": ["mae"]}, "weighted_metrics": {"a": ["mse"], "b": "mae"}});
        let expected =
            ["0 MeanSquaredError 1 MeanAbsoluteError MeanSquaredError", "1 MeanSquaredError 1  MeanAbsoluteError"];
        assert_eq!(heads(counted).unwrap(), expected);
        let other = heads(json!({"loss": {"c": "mse"}})).unwrap_err();
        assert_eq!(other, "it is compiled for an output \"c\", which the model does not have");
        let more = heads(json!({"loss": ["mse", "mse", "mse"]})).unwrap_err();
        assert_eq!(more, "it is compiled for 3 outputs, and has 2");
    }
}
