//! The losses and metrics that Keras and gradus share.

use super::kind::{Kind, kind};
use super::object::Config;
use super::options::{InactiveOption, Scalar, only, only_false, only_null, short};
use super::result::Result;
use crate::losses::{
    BinaryCrossentropy, CategoricalCrossentropy, Hinge, Huber, KlDivergence, LogCosh, Loss, MeanAbsoluteError,
    MeanSquaredError, SparseCategoricalCrossentropy,
};
use crate::metrics::{self, Metric};
use crate::{Shape, Spec, SpecValue};
use serde_json::{Value, json};

/// The losses that both libraries have. Keras 2 also writes `fn`, the function of a loss.
pub(super) const LOSSES: &[Kind] = &[
    Kind {
        inactive: &[LAST_AXIS, only("fn", &[Scalar::Str("binary_crossentropy")])],
        ..kind("BinaryCrossentropy", || smoothed(BinaryCrossentropy::new().spec()), &[])
    },
    Kind {
        inactive: &[LAST_AXIS, only("fn", &[Scalar::Str("categorical_crossentropy")])],
        ..kind("CategoricalCrossentropy", || smoothed(CategoricalCrossentropy::new().spec()), &[])
    },
    Kind { inactive: &[only("fn", &[Scalar::Str("hinge")])], ..kind("Hinge", || Hinge::new().spec(), &[]) },
    Kind { inactive: &[only("fn", &[Scalar::Str("huber")])], ..kind("Huber", || Huber::new().spec(), &[]) },
    Kind {
        inactive: &[only("fn", &[Scalar::Str("kl_divergence")])],
        ..kind("KLDivergence", || KlDivergence::new().spec(), &[])
    },
    Kind { inactive: &[only("fn", &[Scalar::Str("log_cosh")])], ..kind("LogCosh", || LogCosh::new().spec(), &[]) },
    Kind {
        inactive: &[only("fn", &[Scalar::Str("mean_absolute_error")])],
        ..kind("MeanAbsoluteError", || MeanAbsoluteError::new().spec(), &[])
    },
    Kind {
        inactive: &[only("fn", &[Scalar::Str("mean_squared_error")])],
        ..kind("MeanSquaredError", || MeanSquaredError::new().spec(), &[])
    },
    Kind {
        optional: || Spec::new("").with("ignore_class", SpecValue::axis(-1)),
        inactive: &[LAST_AXIS, only("fn", &[Scalar::Str("sparse_categorical_crossentropy")])],
        ..kind("SparseCategoricalCrossentropy", || SparseCategoricalCrossentropy::new().spec(), &[])
    },
];

/// The axis of the classes.
const LAST_AXIS: InactiveOption = only("axis", &[Scalar::Number(-1.0)]);

/// The metrics that both libraries have.
pub(super) const METRICS: &[Kind] = &[
    kind("Accuracy", || metrics::Accuracy.spec(), &[]),
    kind("BinaryAccuracy", || metrics::BinaryAccuracy::default().spec(), &[]),
    kind("CategoricalAccuracy", || metrics::CategoricalAccuracy.spec(), &[]),
    Kind {
        from_keras: require_macro_average,
        to_keras: add_macro_average,
        optional: threshold,
        ..kind("F1Score", f1_score, &[])
    },
    kind("MeanAbsoluteError", || metrics::MeanAbsoluteError.spec(), &[]),
    kind("MeanSquaredError", || metrics::MeanSquaredError.spec(), &[]),
    with_threshold(kind("Precision", || metrics::Precision::new().spec(), &[])),
    Kind {
        inactive: &[
            only("class_aggregation", &[Scalar::Str("uniform_average")]),
            only("num_regressors", &[Scalar::Number(0.0)]),
        ],
        ..kind("R2Score", || metrics::R2Score.spec(), &[])
    },
    with_threshold(kind("Recall", || metrics::Recall::new().spec(), &[])),
    kind("SparseCategoricalAccuracy", || metrics::SparseCategoricalAccuracy.spec(), &[]),
    Kind {
        inactive: &[only_false("from_sorted_ids")],
        ..kind("SparseTopKCategoricalAccuracy", || metrics::SparseTopKCategoricalAccuracy::new(5).spec(), &[])
    },
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

const TOP_K: &[InactiveOption] = &[only_null("top_k")];

/// Precision and recall, whose `threshold` and `class` are `thresholds` and `class_id` in Keras.
const fn with_threshold(kind: Kind) -> Kind {
    Kind {
        optional: || Spec::new("").with("class", 0),
        from_keras: one_threshold,
        to_keras: rename_threshold,
        inactive: TOP_K,
        ..kind
    }
}

fn one_threshold(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    let class = config.remove("class_id");
    config.extend(class.map(|class| ("class".into(), class)));
    let threshold = match config.remove("thresholds") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(mut several)) if several.len() == 1 => several.remove(0),
        Some(several @ Value::Array(_)) => {
            return Err(format!("thresholds is {}, and only one threshold is supported", short(&several)));
        }
        Some(one) => one,
    };
    config.insert("threshold".into(), threshold);
    Ok(())
}

fn rename_threshold(config: &mut Config) -> Result<()> {
    for (ours, keras) in [("threshold", "thresholds"), ("class", "class_id")] {
        let value = config.remove(ours);
        config.extend(value.map(|value| (keras.into(), value)));
    }
    Ok(())
}

/// Checks `average`: gradus supports the mean over the classes, and Keras returns one value per class by default.
fn require_macro_average(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    match config.remove("average").unwrap_or(Value::Null) {
        average if average == "macro" => Ok(()),
        other => Err(format!("average is {}, and only \"macro\" is supported", short(&other))),
    }
}

fn add_macro_average(config: &mut Config) -> Result<()> {
    config.insert("average".into(), json!("macro"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::families::METRIC;
    use super::super::object::Object;
    use super::super::reader::Reader;
    use super::*;
    use crate::registry::{BUILT_IN, Part};
    use crate::save::Registry;

    #[test]
    fn every_loss_is_in_the_table() {
        for (class, _) in <dyn Loss>::built_in() {
            let kind = LOSSES
                .iter()
                .find(|kind| kind.class == class)
                .unwrap_or_else(|| panic!("{class} must be in the table"));
            BUILT_IN.make::<dyn Loss>(&(kind.template)()).unwrap();
        }
        assert_eq!(LOSSES.len(), <dyn Loss>::built_in().len());
    }

    #[test]
    fn every_metric_is_in_the_table() {
        for (class, _) in <dyn Metric>::built_in() {
            let kind = METRICS
                .iter()
                .find(|kind| kind.class == class)
                .unwrap_or_else(|| panic!("{class} must be in the table"));
            BUILT_IN.make::<dyn Metric>(&(kind.template)()).unwrap();
        }
        assert_eq!(METRICS.len(), <dyn Metric>::built_in().len());
    }

    fn read(class: &str, config: Value) -> Result<Spec> {
        let registry = Registry::new();
        let mut reader = Reader::new(&registry);
        let value = json!({"class_name": class, "config": config});
        let spec = reader.object(&METRIC, "metric", &value, Object::read(&value).unwrap(), None);
        reader.finish().map(|()| spec.unwrap())
    }

    fn check_round_trip(spec: &Spec, config: &Value) {
        let written = METRIC.find(spec.class()).unwrap().config(spec).unwrap();
        assert_eq!(Value::Object(written.clone()), *config);
        assert_eq!(read(spec.class(), Value::Object(written)).unwrap(), *spec);
    }

    #[test]
    fn differing_notations_are_converted() {
        let precision = metrics::Precision::new().threshold(0.25).class(2);
        check_round_trip(&precision.spec(), &json!({"thresholds": 0.25, "class_id": 2}));
        check_round_trip(&metrics::Precision::new().class(0).spec(), &json!({"thresholds": 0.5, "class_id": 0}));
        check_round_trip(&metrics::F1Score::new().spec(), &json!({"average": "macro"}));
        check_round_trip(
            &metrics::F1Score::new().threshold(0.25).spec(),
            &json!({"average": "macro", "threshold": 0.25}),
        );
        let several = read("Recall", json!({"thresholds": [0.5, 0.75]})).unwrap_err();
        assert_eq!(several, "metric (Recall): thresholds is [0.5,0.75], and only one threshold is supported");
        assert_eq!(read("Recall", json!({"thresholds": [0.75]})).unwrap().to_string(), "Recall(threshold=0.75)");
        let average = read("F1Score", json!({})).unwrap_err();
        assert_eq!(average, "metric (F1Score): average is null, and only \"macro\" is supported");
        let raw = read("R2Score", json!({"class_aggregation": null})).unwrap_err();
        assert_eq!(raw, "metric (R2Score): class_aggregation is null, and only uniform_average is supported");
    }
}
