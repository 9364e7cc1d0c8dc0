//! The training configuration of a model: the optimizer, and the losses and metrics of its outputs.

use super::families::{Family, LOSS, METRIC, OPTIMIZER};
use super::loss_scale;
use super::object::{Config, Object, object};
use super::options::{InactiveOption, Scalar, ignored, only, only_null, short};
use super::reader::Reader;
use super::result::Result;
use crate::Spec;
use crate::metrics;
use crate::metrics::Metric;
use crate::optimizers::Optimizer;
use crate::save::Registry;
use crate::{Compile, Losses, Model};
use serde_json::{Value, json};
use std::sync::Arc;

/// Options of `compile` that are not settings.
pub(super) const OPTIONS: &[InactiveOption] = &[
    ignored("run_eagerly", "it selects an implementation in Keras"),
    ignored("jit_compile", "it selects an implementation in Keras"),
    ignored("steps_per_execution", "it determines how often Keras runs callbacks"),
    ignored("auto_scale_loss", "it has no effect in float32"),
    only("pss_evaluation_shards", &[Scalar::Number(0.0), Scalar::Null]),
    only_null("sample_weight_mode"),
    only_null("target_tensors"),
    only_null("distribute"),
];

/// The training configuration of a model.
#[derive(Debug)]
pub(super) struct Training {
    pub(super) optimizer: Spec,
    pub(super) trained_outputs: Vec<TrainedOutputSpec>,
}

/// The loss and the metrics of an output.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TrainedOutputSpec {
    /// The number of the output.
    pub(super) output: usize,
    pub(super) loss: Spec,
    pub(super) weight: f32,
    pub(super) metrics: Vec<Spec>,
    /// Metrics that use sample weights.
    pub(super) weighted_metrics: Vec<Spec>,
}

impl Training {
    /// Returns the training configuration of a model; `None` if it was never compiled.
    ///
    /// # Errors
    /// Returns an error if Keras does not have the optimizer, a loss, or a metric.
    pub(super) fn of(model: &Model) -> Result<Option<Training>> {
        let Some(optimizer) = model.optimizer().map(Optimizer::spec) else { return Ok(None) };
        let known = |known: bool, spec: &Spec, what: &str| match known {
            true => Ok(()),
            false => Err(format!("{} is not {what} of Keras", spec.class())),
        };
        known(OPTIMIZER.find(optimizer.class()).is_some(), &optimizer, "an optimizer")?;
        let mut trained_outputs = Vec::new();
        for trained in model.trained_outputs() {
            let specs = |metrics: &[Arc<dyn Metric>]| metrics.iter().map(|metric| metric.spec()).collect::<Vec<_>>();
            let spec = TrainedOutputSpec {
                output: trained.output(),
                loss: trained.loss().spec(),
                weight: trained.loss_weight(),
                metrics: specs(trained.metrics()),
                weighted_metrics: specs(trained.weighted_metrics()),
            };
            known(LOSS.find(spec.loss.class()).is_some(), &spec.loss, "a loss")?;
            let metrics = &mut spec.metrics.iter().chain(&spec.weighted_metrics);
            metrics.try_for_each(|metric| known(is_metric(metric), metric, "a metric"))?;
            trained_outputs.push(spec);
        }
        Ok(Some(Training { optimizer, trained_outputs }))
    }

    /// Converts the configuration to settings for `compile`, with an optimizer that was created already.
    pub(super) fn settings(
        &self,
        optimizer: Box<dyn Optimizer>,
        outputs: &[String],
        registry: &Registry,
    ) -> Result<Compile> {
        let wrong = |error: crate::Error| error.to_string();
        let mut losses = Losses::new();
        for trained in &self.trained_outputs {
            losses = losses.output(&outputs[trained.output], registry.make_loss(&trained.loss).map_err(wrong)?);
        }
        // Keras loads a model whose loss does not match its output, and such a model can predict.
        let mut settings = Compile::new(optimizer, losses).deferred_checks(true);
        for trained in &self.trained_outputs {
            let name = &outputs[trained.output];
            settings = settings.loss_weight(name, trained.weight);
            for metric in &trained.metrics {
                settings = settings.metric_of(name, registry.make_metric(metric).map_err(wrong)?);
            }
            for metric in &trained.weighted_metrics {
                settings = settings.weighted_metric_of(name, registry.make_metric(metric).map_err(wrong)?);
            }
        }
        Ok(settings)
    }

    /// Reads the arguments of `compile` for these outputs, with the optimizer as `optimizer`. Problems are recorded in
    /// `reader`.
    pub(super) fn read(mut config: Config, outputs: &[String], reader: &mut Reader<'_>) -> Option<Training> {
        let mut take = |name: &str| config.remove(name).unwrap_or(Value::Null);
        let (optimizer, losses, weights) = (take("optimizer"), take("loss"), take("loss_weights"));
        let metrics = [take("metrics"), take("weighted_metrics")];
        reader.check_remaining("compile", &config, &[OPTIONS]);
        let optimizer = match &optimizer {
            Value::Null => {
                reader.problem("", "the file has no optimizer");
                None
            }
            optimizer => read(&OPTIMIZER, "optimizer", loss_scale::inner(optimizer), reader),
        };
        if let Some(optimizer) = &optimizer {
            let made = reader.registry.make_optimizer(optimizer);
            reader.note("optimizer", made);
        }
        let losses = reader.note("loss", by_output(&losses, outputs))?;
        let weights = reader.note("loss_weights", by_output(&weights, outputs))?;
        // The metrics of a single output are not in a nested list.
        let [metrics, weighted] = metrics.map(|metrics| match &metrics {
            Value::Array(_) if outputs.len() == 1 => Ok(vec![metrics.clone()]),
            metrics => by_output(metrics, outputs),
        });
        let metrics = reader.note("metrics", metrics)?;
        let weighted = reader.note("weighted_metrics", weighted)?;
        let mut trained_outputs = Vec::new();
        for output in (0..outputs.len()).filter(|output| !losses[*output].is_null()) {
            let place = |what: &str| match outputs {
                [_] => what.to_owned(),
                all => format!("{what} of \"{}\"", all[output]),
            };
            let loss = read(&LOSS, &place("loss"), &losses[output], reader);
            if let Some(loss) = &loss {
                let made = reader.registry.make_loss(loss).and_then(|loss| loss.check_settings());
                reader.note(&place("loss"), made);
            }
            let metrics = read_metrics(&place("metric"), &metrics[output], reader);
            let weighted_metrics = read_metrics(&place("weighted metric"), &weighted[output], reader);
            let weight = match &weights[output] {
                Value::Null => Some(1.0),
                weight => {
                    let number = weight.as_f64().map(|weight| weight as f32).filter(|weight| weight.is_finite());
                    let problem = || format!("it is {}, expected a number", short(weight));
                    reader.note(&place("loss_weights"), number.ok_or_else(problem))
                }
            };
            if let (Some(loss), Some(weight)) = (loss, weight) {
                trained_outputs.push(TrainedOutputSpec { output, loss, weight, metrics, weighted_metrics });
            }
        }
        Some(Training { optimizer: optimizer?, trained_outputs })
    }

    /// Writes the arguments of `compile` for these outputs, without the optimizer.
    pub(super) fn to_json(&self, outputs: &[String]) -> Result<Value> {
        let (mut losses, mut weights) = (Config::new(), Config::new());
        let (mut metrics, mut counted) = (Config::new(), Config::new());
        let all = |metrics: &[Spec]| -> Result<Value> {
            let metric = |metric: &Spec| match metric.class() {
                "Accuracy" => Ok(json!(ACCURACY)),
                _ => part(&METRIC, metric),
            };
            metrics.iter().map(metric).collect()
        };
        for trained in &self.trained_outputs {
            let name = &outputs[trained.output];
            losses.insert(name.clone(), part(&LOSS, &trained.loss)?);
            weights.insert(name.clone(), json!(trained.weight));
            metrics.insert(name.clone(), all(&trained.metrics)?);
            counted.insert(name.clone(), all(&trained.weighted_metrics)?);
        }
        let counts = self.trained_outputs.iter().any(|trained| !trained.weighted_metrics.is_empty());
        let weighted = self.trained_outputs.iter().any(|trained| trained.weight != 1.0);
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
        part(&OPTIMIZER, &self.optimizer)
    }
}

fn part(family: &Family, spec: &Spec) -> Result<Value> {
    let kind = family.find(spec.class());
    let kind = kind.ok_or_else(|| format!("{} has no equivalent in Keras", spec.class()))?;
    Ok(object(family.module, spec.class(), kind.config(spec)?))
}

/// The string for an accuracy that is selected by the shapes.
const ACCURACY: &str = "accuracy";

fn is_metric(metric: &Spec) -> bool {
    *metric == metrics::Accuracy.spec() || METRIC.find(metric.class()).is_some()
}

/// Returns the argument of `compile` for each output, which may be given by name, by position, or once for all outputs. Null
/// for outputs without one.
fn by_output(argument: &Value, outputs: &[String]) -> Result<Vec<Value>> {
    Ok(match argument {
        Value::Object(named) if argument["class_name"].is_null() => {
            if let Some(name) = named.keys().find(|name| !outputs.contains(name)) {
                return Err(format!("unknown output \"{name}\" of the model"));
            }
            outputs.iter().map(|name| argument[name].clone()).collect()
        }
        Value::Array(list) if list.len() == outputs.len() => list.clone(),
        Value::Array(list) => {
            return Err(format!(
                "found a list of length {}, expected {}, the number of outputs",
                list.len(),
                outputs.len()
            ));
        }
        every => vec![every.clone(); outputs.len()],
    })
}

/// Iterates over a value or a list, whose nested lists belong to the same output.
fn flat(value: &Value) -> impl Iterator<Item = &Value> {
    members(value).iter().flat_map(members).filter(|value| !value.is_null())
}

fn members(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

/// The specs of the metrics of one output.
fn read_metrics(place: &str, metrics: &Value, reader: &mut Reader<'_>) -> Vec<Spec> {
    let mut all = Vec::new();
    for metric in flat(metrics) {
        let function = wrapped(metric);
        let metric = function.as_ref().unwrap_or(metric);
        let spec = match metric.as_str() {
            Some(ACCURACY | "acc") => Some(metrics::Accuracy.spec()),
            _ => read(&METRIC, place, metric, reader),
        };
        if let Some(spec) = &spec {
            let made = reader.registry.make_metric(spec);
            reader.note(place, made);
        }
        all.extend(spec);
    }
    all
}

/// The metric in a `MeanMetricWrapper`, as which Keras 2 wrote metrics that it created from a name.
fn wrapped(metric: &Value) -> Option<Value> {
    if metric["class_name"] != "MeanMetricWrapper" {
        return None;
    }
    let mut config = metric["config"].as_object()?.clone();
    let function = match config.remove("fn")? {
        Value::String(name) => name,
        function => function["config"].as_str()?.to_owned(),
    };
    let name = config.remove("name");
    // The function follows from the shapes of the output and of the targets.
    let is_accuracy = name.is_some_and(|name| name == ACCURACY || name == "acc") && function.ends_with("_accuracy");
    Some(if is_accuracy { json!(ACCURACY) } else { json!({"class_name": function, "config": config}) })
}

/// Reads the spec of an object, which may be in a list of length 1.
fn read(family: &Family, place: &str, value: &Value, reader: &mut Reader<'_>) -> Option<Spec> {
    let value = match value {
        Value::Array(only) if only.len() == 1 => &only[0],
        value => value,
    };
    let invalid = || format!("found {}, expected a class name or a configuration", short(value));
    let object = reader.note(place, Object::read(value).ok_or_else(invalid))?;
    reader.object(family, place, value, object, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::save::Registry;

    fn training(config: Value, outputs: &[String]) -> Result<Training> {
        let registry = Registry::new();
        let mut reader = Reader::new(&registry);
        let Value::Object(config) = config else { panic!("{config}") };
        let training = Training::read(config, outputs, &mut reader);
        reader.finish().map(|()| training.unwrap())
    }

    fn read_training(loss: Value, optimizer: Value) -> Result<String> {
        let config = json!({"loss": loss, "metrics": ["acc"], "optimizer": optimizer});
        let training = training(config, &["output".into()])?;
        let trained = &training.trained_outputs[0];
        Ok(format!("{} {} {}", training.optimizer, trained.loss, trained.metrics[0]))
    }

    #[test]
    fn names_functions_and_objects_are_read() {
        let names = read_training(json!("categorical_crossentropy"), json!("sgd")).unwrap();
        let expected = "SGD(learning_rate=0.01, momentum=0, nesterov=false, weight_decay=0) \
             CategoricalCrossentropy(from_logits=false, label_smoothing=0) Accuracy()";
        assert_eq!(names, expected);
        let loss = json!({"class_name": "SparseCategoricalCrossentropy", "config": {"from_logits": true, "axis": -1, "ignore_class": null}});
        let adam = json!({"class_name": "Adam", "config": {"learning_rate": 0.25, "weight_decay": null}});
        let objects = read_training(loss, adam).unwrap();
        assert!(objects.starts_with("Adam(learning_rate=0.25, beta_1=0.9"), "{objects}");
        assert!(objects.contains("SparseCategoricalCrossentropy(from_logits=true)"), "{objects}");
    }

    #[test]
    fn metrics_of_names_are_read_from_their_wrappers() {
        let wrapper = |name: &str, function: Value| json!({"class_name": "MeanMetricWrapper", "config": {"name": name, "dtype": "float32", "fn": function}});
        let function = json!({"class_name": "function", "config": "mean_squared_error", "module": "builtins"});
        let all = json!([[
            wrapper("mae", json!("mean_absolute_error")),
            wrapper("acc", json!("sparse_categorical_accuracy")),
            wrapper("categorical_accuracy", json!("categorical_accuracy")),
            wrapper("mse", function),
        ]]);
        let config = json!({"loss": "mse", "metrics": all, "optimizer": "sgd"});
        let found = training(config, &["output".into()]).unwrap().trained_outputs[0].metrics.clone();
        let classes: Vec<&str> = found.iter().map(Spec::class).collect();
        assert_eq!(classes, ["MeanAbsoluteError", "Accuracy", "CategoricalAccuracy", "MeanSquaredError"]);
    }

    #[test]
    fn unsupported_configurations_are_errors() {
        let remedy = ". To add a class, pass a Registry to keras::load_with";
        let unknown = read_training(json!("ctc"), json!("sgd")).unwrap_err();
        assert_eq!(unknown, format!("loss: ctc is not a supported loss{remedy}"));
        let scaled = json!({"class_name": "SGD", "config": {"loss_scale_factor": 2.0}});
        let unknown = read_training(json!("categorical_crossentropy"), scaled).unwrap_err();
        assert_eq!(unknown, "optimizer (SGD): loss_scale_factor is 2.0, and only null or 1 is supported");
        let restarts = json!({"class_name": "CosineDecayRestarts", "config": {}});
        let sgd = json!({"class_name": "SGD", "config": {"learning_rate": restarts}});
        let unknown = read_training(json!("mse"), sgd).unwrap_err();
        let expected = "optimizer (SGD): learning_rate: CosineDecayRestarts is not a supported schedule";
        assert_eq!(unknown, format!("{expected}{remedy}"));
        let exact = json!({"class_name": "Accuracy", "config": {"name": "accuracy"}});
        let exact = json!({"loss": "mse", "optimizer": "sgd", "metrics": [exact], "sample_weight_mode": "temporal"});
        let unknown = training(exact, &["output".into()]).unwrap_err();
        let expected = "2 problems: compile: sample_weight_mode is \"temporal\", and only null is supported; \
            metric: Accuracy is not a supported metric";
        assert_eq!(unknown, format!("{expected}{remedy}"));
    }

    #[test]
    fn losses_are_given_by_name_by_position_or_once() {
        let outputs = ["a".to_owned(), "b".to_owned()];
        let trained_outputs = |mut config: Value| -> Result<Vec<String>> {
            config["optimizer"] = json!("sgd");
            let read = training(config.clone(), &outputs)?;
            let mut written = read.to_json(&outputs)?;
            written["optimizer"] = json!("sgd");
            assert_eq!(read.trained_outputs, training(written, &outputs)?.trained_outputs, "{config}");
            let trained = |trained: TrainedOutputSpec| {
                let classes = |specs: &[Spec]| specs.iter().map(Spec::class).collect::<Vec<_>>().join(" ");
                let TrainedOutputSpec { output, loss, weight, metrics, weighted_metrics } = &trained;
                let (loss, metrics, weighted) = (loss.class(), classes(metrics), classes(weighted_metrics));
                format!("{output} {loss} {weight} {metrics} {weighted}").trim_end().to_owned()
            };
            Ok(read.trained_outputs.into_iter().map(trained).collect())
        };
        let named = json!({"loss": {"b": "mse"}, "loss_weights": {"b": 0.5}, "metrics": {"b": ["mae", "mse"]}});
        assert_eq!(trained_outputs(named).unwrap(), ["1 MeanSquaredError 0.5 MeanAbsoluteError MeanSquaredError"]);
        let listed = json!({"loss": ["mae", "huber"], "loss_weights": [1.0, 2.0], "metrics": [["mae"], "mse"]});
        let expected = ["0 MeanAbsoluteError 1 MeanAbsoluteError", "1 Huber 2 MeanSquaredError"];
        assert_eq!(trained_outputs(listed).unwrap(), expected);
        assert_eq!(trained_outputs(json!({"loss": "mse"})).unwrap(), ["0 MeanSquaredError 1", "1 MeanSquaredError 1"]);
        let counted = json!({"loss": "mse", "metrics": {"a": ["mae"]}, "weighted_metrics": {"a": ["mse"], "b": "mae"}});
        let expected =
            ["0 MeanSquaredError 1 MeanAbsoluteError MeanSquaredError", "1 MeanSquaredError 1  MeanAbsoluteError"];
        assert_eq!(trained_outputs(counted).unwrap(), expected);
        let other = trained_outputs(json!({"loss": {"c": "mse"}})).unwrap_err();
        assert_eq!(other, "loss: unknown output \"c\" of the model");
        let more = trained_outputs(json!({"loss": ["mse", "mse", "mse"]})).unwrap_err();
        assert_eq!(more, "loss: found a list of length 3, expected 2, the number of outputs");
    }
}
