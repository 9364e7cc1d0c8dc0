//! Every loss and metric that both sides have: one line each.

use super::config::{Config, Kind, Result, kind};
use crate::losses::{
    BinaryCrossentropy, CategoricalCrossentropy, Hinge, Huber, KlDivergence, LogCosh, Loss, MeanAbsoluteError,
    MeanSquaredError, SparseCategoricalCrossentropy,
};
use crate::metrics::{self, Metric};
use crate::shape::Shape;
use crate::spec::Spec;
use serde_json::{Value, json};

/// Keras' losses that gradus has.
pub(super) const LOSSES: &[Kind] = &[
    kind("BinaryCrossentropy", || smoothed(BinaryCrossentropy::new().spec()), &[]),
    kind("CategoricalCrossentropy", || smoothed(CategoricalCrossentropy::new().spec()), &[]),
    kind("Hinge", || Hinge::new().spec(), &[]),
    kind("Huber", || Huber::new().spec(), &[]),
    kind("KLDivergence", || KlDivergence::new().spec(), &[]),
    kind("LogCosh", || LogCosh::new().spec(), &[]),
    kind("MeanAbsoluteError", || MeanAbsoluteError::new().spec(), &[]),
    kind("MeanSquaredError", || MeanSquaredError::new().spec(), &[]),
    kind("SparseCategoricalCrossentropy", || SparseCategoricalCrossentropy::new().spec(), &[]),
];

/// Keras' metrics that gradus has.
pub(super) const METRICS: &[Kind] = &[
    kind("Accuracy", || metrics::Accuracy.spec(), &[]),
    kind("BinaryAccuracy", || metrics::BinaryAccuracy::default().spec(), &[]),
    kind("CategoricalAccuracy", || metrics::CategoricalAccuracy.spec(), &[]),
    Kind { adjust: macro_average, express: say_macro, optional: threshold, ..kind("F1Score", f1_score, &[]) },
    kind("MeanAbsoluteError", || metrics::MeanAbsoluteError.spec(), &[]),
    kind("MeanSquaredError", || metrics::MeanSquaredError.spec(), &[]),
    positive(kind("Precision", || metrics::Precision::new().spec(), &[])),
    Kind { adjust: uniform_average, ..kind("R2Score", || metrics::R2Score.spec(), &[]) },
    positive(kind("Recall", || metrics::Recall::new().spec(), &[])),
    kind("SparseCategoricalAccuracy", || metrics::SparseCategoricalAccuracy.spec(), &[]),
    kind("SparseTopKCategoricalAccuracy", || metrics::SparseTopKCategoricalAccuracy::new(5).spec(), &[]),
    kind("TopKCategoricalAccuracy", || metrics::TopKCategoricalAccuracy::new(5).spec(), &[]),
];

fn smoothed(spec: Spec) -> Spec {
    spec.with("label_smoothing", 0.0)
}

fn f1_score() -> Spec {
    metrics::F1Score::new().spec()
}

fn threshold() -> Spec {
    Spec::new("").with("threshold", 0.5)
}

/// Precision and recall: Keras says `thresholds`, which may be several, and `class_id`.
const fn positive(kind: Kind) -> Kind {
    Kind { optional: || Spec::new("").with("class", 0), adjust: one_threshold, express: thresholds, ..kind }
}

fn one_threshold(config: &mut Config, _input: Shape) -> Result<()> {
    let threshold = match config.remove("thresholds") {
        Some(Value::Array(mut several)) if several.len() == 1 => several.remove(0),
        Some(Value::Array(_)) => return Err("has several thresholds, and gradus one".into()),
        other => other.unwrap_or(Value::Null),
    };
    let class = config.remove("class_id").unwrap_or(Value::Null);
    config.extend([("threshold".into(), threshold), ("class".into(), class)]);
    Ok(())
}

fn thresholds(config: &mut Config) -> Result<()> {
    for (ours, keras) in [("threshold", "thresholds"), ("class", "class_id")] {
        let value = config.remove(ours);
        config.extend(value.map(|value| (keras.into(), value)));
    }
    Ok(())
}

/// Gradus gives the mean over the classes, where Keras can also give a number for each.
fn macro_average(config: &mut Config, _input: Shape) -> Result<()> {
    match config.remove("average") {
        Some(average) if average == "macro" => Ok(()),
        other => Err(format!("has average {}, and gradus has macro", other.unwrap_or(Value::Null))),
    }
}

fn say_macro(config: &mut Config) -> Result<()> {
    config.insert("average".into(), json!("macro"));
    Ok(())
}

fn uniform_average(config: &mut Config, _input: Shape) -> Result<()> {
    match config.remove("class_aggregation") {
        Some(other) if other != "uniform_average" => {
            Err(format!("has class_aggregation {other}, and gradus has uniform_average"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::find;
    use super::*;
    use crate::known::{BUILT_IN, Part};

    #[test]
    fn every_loss_is_here() {
        for (class, _) in <dyn Loss>::built_in() {
            let kind = find(LOSSES, class).unwrap_or_else(|| panic!("{class} needs a line"));
            BUILT_IN.make::<dyn Loss>(&(kind.template)()).unwrap();
        }
        assert_eq!(LOSSES.len(), <dyn Loss>::built_in().len());
    }

    #[test]
    fn every_metric_is_here() {
        for (class, _) in <dyn Metric>::built_in() {
            let kind = find(METRICS, class).unwrap_or_else(|| panic!("{class} needs a line"));
            BUILT_IN.make::<dyn Metric>(&(kind.template)()).unwrap();
        }
        assert_eq!(METRICS.len(), <dyn Metric>::built_in().len());
    }

    fn travels(spec: &Spec, config: &Value) {
        let kind = find(METRICS, spec.class()).unwrap();
        let written = kind.config(spec, &[]).unwrap();
        assert_eq!(Value::Object(written.clone()), *config);
        assert_eq!(kind.read(written, Shape::SCALAR, &[]).unwrap(), *spec);
    }

    #[test]
    fn words_that_differ_are_understood() {
        let precision = metrics::Precision::new().threshold(0.25).class(2);
        travels(&precision.spec(), &json!({"thresholds": 0.25, "class_id": 2}));
        travels(&metrics::F1Score::new().spec(), &json!({"average": "macro"}));
        travels(&metrics::F1Score::new().threshold(0.25).spec(), &json!({"average": "macro", "threshold": 0.25}));
        let read = |class: &str, config: Value| {
            let config = config.as_object().unwrap().clone();
            find(METRICS, class).unwrap().read(config, Shape::SCALAR, &[]).map(|spec| spec.to_string())
        };
        let several = read("Recall", json!({"thresholds": [0.5, 0.75]})).unwrap_err();
        assert_eq!(several, "Recall has several thresholds, and gradus one");
        assert_eq!(read("Recall", json!({"thresholds": [0.75]})).unwrap(), "Recall(threshold=0.75)");
        assert_eq!(read("F1Score", json!({})).unwrap_err(), "F1Score has average null, and gradus has macro");
        let raw = read("R2Score", json!({"class_aggregation": null})).unwrap_err();
        assert_eq!(raw, "R2Score has class_aggregation null, and gradus has uniform_average");
    }
}
