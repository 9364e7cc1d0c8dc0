//! How a model is trained: optimizer, loss and metrics, in Keras' words and back.

use super::config::{self, Kind, Result, class_of, find, kind, object};
use crate::losses::{CategoricalCrossentropy, Loss, SparseCategoricalCrossentropy};
use crate::metrics::{Accuracy, Metric, TopKCategoricalAccuracy};
use crate::optimizers::{Adam, Optimizer, RmsProp, Sgd};
use crate::save::Description;
use crate::shape::Shape;
use crate::spec::Spec;
use serde_json::{Map, Value, json};

/// Keras' losses that gradus has.
const LOSSES: &[Kind] = &[
    kind("CategoricalCrossentropy", || CategoricalCrossentropy::new().spec(), &[]),
    kind("SparseCategoricalCrossentropy", || SparseCategoricalCrossentropy::new().spec(), &[]),
];

/// Keras' metrics that gradus has.
const METRICS: &[Kind] = &[
    kind("Accuracy", || Accuracy.spec(), &[]),
    kind("TopKCategoricalAccuracy", || TopKCategoricalAccuracy::new(5).spec(), &[]),
];

/// Keras' optimizers that gradus has, and how many of their arrays for each weight stand side by side in Keras' files:
/// Adam's two for the first weight come before those for the second.
const OPTIMIZERS: &[(Kind, &[usize])] = &[
    (kind("Adam", || Adam::default().spec(), &[]), &[2]),
    (kind("RMSprop", || RmsProp::default().spec(), &[]), &[1]),
    (kind("SGD", || Sgd::default().spec(), &[]), &[1]),
];

/// Other names of functions and classes.
const ALIASES: &[(&str, &str)] = &[
    ("acc", "Accuracy"),
    ("categorical_accuracy", "Accuracy"),
    ("sparse_categorical_accuracy", "Accuracy"),
    ("CategoricalAccuracy", "Accuracy"),
    ("SparseCategoricalAccuracy", "Accuracy"),
    ("SparseTopKCategoricalAccuracy", "TopKCategoricalAccuracy"),
    ("sparse_top_k_categorical_accuracy", "TopKCategoricalAccuracy"),
    ("mse", "MeanSquaredError"),
    ("mae", "MeanAbsoluteError"),
    ("bce", "BinaryCrossentropy"),
    ("kld", "KLDivergence"),
];

/// What training needs beside the layers.
#[derive(Debug)]
pub(super) struct Training {
    pub(super) optimizer: Spec,
    pub(super) loss: Spec,
    pub(super) metrics: Vec<Spec>,
}

impl Training {
    /// Of a model. The error names what Keras does not have.
    pub(super) fn of(description: &Description) -> Result<Training> {
        let known = |known: bool, spec: &Spec, what: &str| match known {
            true => Ok(()),
            false => Err(format!("{} is not {what} that Keras has", spec.class())),
        };
        let [head] = &description.heads[..] else {
            return Err("it has several losses, and a Sequential has one".into());
        };
        known(find(LOSSES, head.loss.class()).is_some(), &head.loss, "a loss")?;
        known(groups(description.optimizer.class()).is_some(), &description.optimizer, "an optimizer")?;
        head.metrics
            .iter()
            .try_for_each(|metric| known(find(METRICS, metric.class()).is_some(), metric, "a metric"))?;
        Ok(Training {
            optimizer: description.optimizer.clone(),
            loss: head.loss.clone(),
            metrics: head.metrics.clone(),
        })
    }

    /// Of what `compile` was told, with the optimizer beside it.
    pub(super) fn read(config: &Value, optimizer: &Value) -> Result<Training> {
        let metrics = match &config["metrics"] {
            Value::Array(metrics) => {
                metrics.iter().flat_map(flat).map(|metric| read(METRICS, metric, "metric")).collect()
            }
            Value::Null => Ok(Vec::new()),
            _ => Err("its metrics are those of several outputs, and gradus has one".into()),
        };
        let loss = match &config["loss"] {
            Value::Array(losses) if losses.len() == 1 => &losses[0],
            loss => loss,
        };
        if !config["loss_weights"].is_null() {
            return Err("its loss has weights, for which gradus has nothing".into());
        }
        let (class, _) = class_of(optimizer).ok_or("its optimizer cannot be read")?;
        let kind = OPTIMIZERS.iter().map(|(kind, _)| kind).find(|kind| kind.class.eq_ignore_ascii_case(class));
        Ok(Training {
            optimizer: read(kind.map_or(&[], std::slice::from_ref), optimizer, "optimizer")?,
            loss: read(LOSSES, loss, "loss")?,
            metrics: metrics?,
        })
    }

    /// What `compile` is told, without the optimizer.
    pub(super) fn to_json(&self) -> Value {
        let metrics = self.metrics.iter().map(|metric| match metric.class() {
            "Accuracy" => json!("accuracy"), // Keras chooses the kind by the shapes
            class => object("keras.metrics", class, config::config(metric)),
        });
        json!({
            "loss": object("keras.losses", self.loss.class(), config::config(&self.loss)),
            "loss_weights": null,
            "metrics": metrics.collect::<Vec<_>>(),
            "weighted_metrics": null,
            "run_eagerly": false,
            "steps_per_execution": 1,
        })
    }

    pub(super) fn optimizer_to_json(&self) -> Value {
        object("keras.optimizers", self.optimizer.class(), config::config(&self.optimizer))
    }
}

/// How many arrays of an optimizer stand side by side.
pub(super) fn groups(optimizer: &str) -> Option<&'static [usize]> {
    OPTIMIZERS.iter().find(|(kind, _)| kind.class == optimizer).map(|(_, groups)| *groups)
}

/// Metrics of the only output may stand in a list of their own.
fn flat(metric: &Value) -> &[Value] {
    metric.as_array().map_or(std::slice::from_ref(metric), Vec::as_slice)
}

fn read(kinds: &[Kind], value: &Value, what: &str) -> Result<Spec> {
    let (name, config) = class_of(value).unwrap_or(("something unreadable", Map::new()));
    let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, class)| class);
    let kind = kinds.iter().find(|kind| kind.class.eq_ignore_ascii_case(name)).or_else(|| find(kinds, name));
    let kind = kind.ok_or_else(|| {
        format!("its {what} is {name}, which gradus does not have; load_with takes another in its place")
    })?;
    kind.read(config, Shape::SCALAR, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{losses, metrics, optimizers};

    #[test]
    fn every_part_is_here() {
        for (class, make) in optimizers::classes() {
            let (kind, _) = OPTIMIZERS.iter().find(|(kind, _)| kind.class == class).unwrap();
            make(&(kind.template)()).unwrap();
        }
        for (class, make) in losses::classes() {
            make(&(find(LOSSES, class).unwrap().template)()).unwrap();
        }
        for (class, make) in metrics::classes() {
            make(&(find(METRICS, class).unwrap().template)()).unwrap();
        }
    }

    fn told(loss: Value, optimizer: Value) -> Result<String> {
        let training = Training::read(&json!({"loss": loss, "metrics": ["acc"]}), &optimizer)?;
        Ok(format!("{} {} {}", training.optimizer, training.loss, training.metrics[0]))
    }

    #[test]
    fn names_functions_and_objects_are_understood() {
        let names = told(json!("categorical_crossentropy"), json!("sgd")).unwrap();
        assert_eq!(
            names,
            "SGD(learning_rate=0.01, momentum=0, nesterov=false) CategoricalCrossentropy(from_logits=false) Accuracy()"
        );
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
    }
}
