//! Tests of all metrics: for each kind of targets, they give the value of Keras or scikit-learn, or an error before any work.

use super::*;
use crate::data::Arrays;
use crate::error::{Error, Result};
use crate::golden::{self, Cases};
use crate::layers::Activation;
use crate::losses::{
    BinaryCrossentropy, CategoricalCrossentropy, Loss, MeanSquaredError, SparseCategoricalCrossentropy,
};
use crate::optimizers::Sgd;
use crate::output_scale::OutputScale;
use crate::registry::BUILT_IN;
use crate::settings::check_options::check_options;
use crate::shape::{Shape, View};
use crate::spec::Spec;
use crate::{Compile, Fit, Model, Progress, Sequential};
use ndarray::ArrayD;
use std::collections::BTreeSet;

/// Tolerance relative to the value of Keras or 1.
const NEAR: f64 = 1e-6;

/// The error messages about targets or outputs: `Metric(settings)/rows: message`. For a new metric, the test prints the lines
/// to add; read them first.
const REJECTED: &str = include_str!("../../tests/golden/metrics_rejected.txt");

/// The metric's class and settings without spaces.
fn text(spec: &Spec) -> String {
    spec.to_string().replace(", ", ",")
}

/// A dataset of golden rows: integer labels, or numbers.
fn data(cases: &Cases, rows: &str, outputs: &ArrayD<f32>, integers: bool) -> Arrays {
    let targets = cases.array(&format!("{rows}/targets"));
    let data = match integers {
        true => Arrays::new(outputs.clone(), targets.mapv(|label| label as i64)),
        false => Arrays::new(outputs.clone(), targets),
    };
    let weights = format!("{rows}/weights");
    let weighted = |data: Arrays| data.with_sample_weight(cases.array(&weights).iter().copied());
    if cases.contains(&weights) { weighted(data.unwrap()).unwrap() } else { data.unwrap() }
}

/// A model whose outputs are its inputs, with a loss for such targets.
fn model(metric: Box<dyn Metric>, rows: &str, output: &[usize], logits: bool, weighted: bool) -> Result<Model> {
    let loss: Box<dyn Loss> = match rows {
        "one_hot" | "one_hot_positions" => Box::new(CategoricalCrossentropy::new().from_logits(logits)),
        "column" | "multi_hot" | "no_positives" | "no_weight_of_column" => {
            Box::new(BinaryCrossentropy::new().from_logits(logits))
        }
        rows if LABELS.contains(&rows) => Box::new(SparseCategoricalCrossentropy::new().from_logits(logits)),
        _ => Box::new(MeanSquaredError::new()),
    };
    let settings = Compile::new(Sgd::new(0.1), loss);
    let settings = if weighted { settings.weighted_metric(metric) } else { settings.metric(metric) };
    Sequential::new(Shape::new(output)?).add(Activation::Linear).compile(settings)
}

/// Rows whose targets are integer labels of several classes.
const LABELS: [&str; 5] = ["labels", "label_positions", "one_row", "missing_class", "no_weight"];

/// Degenerate rows, and the rows with the same kind of targets.
const DEGENERATE: [(&str, &str); 9] = [
    ("one_row", "labels"),
    ("one_row_of_values", "values"),
    ("missing_class", "labels"),
    ("no_positives", "column"),
    ("constant_right", "value_column"),
    ("constant_wrong", "value_column"),
    ("no_weight", "labels"),
    ("no_weight_of_column", "column"),
    ("no_weight_of_values", "values"),
];

/// The rows, and whether their targets are integers: a column of 0 and 1 may be either.
fn rows(cases: &Cases) -> Vec<(String, bool)> {
    let all = cases.cases().into_iter().flat_map(|rows| match rows {
        "column" => vec![(rows.to_owned(), false), (rows.to_owned(), true)],
        _ => vec![(rows.to_owned(), rows == "counts" || LABELS.contains(&rows))],
    });
    all.collect()
}

/// The value over all rows, or the error message, which must be equal before and after training with the metric.
fn evaluated(metric: &dyn Metric, cases: &Cases, rows: &str, integers: bool, scale: &str) -> Result<f64> {
    let outputs = cases.array(&format!("{rows}/{scale}"));
    let again = || BUILT_IN.make::<dyn Metric>(&metric.spec()).unwrap();
    let weighted = cases.contains(&format!("{rows}/weights"));
    let mut model = model(again(), rows, &outputs.shape()[1..], scale == "logits", weighted)?;
    let data = data(cases, rows, outputs, integers);
    let quiet = Fit::new().batch_size(3).shuffle(false).progress(Progress::Quiet);
    let (evaluated, fitted) = (model.evaluate(&data), model.fit(&data, quiet));
    let tested = model.test_on_batch(&data);
    let value = match (evaluated, fitted, tested) {
        (Ok(evaluated), Ok(fitted), Ok(tested)) => {
            let values = [&evaluated, &fitted.epochs[0].scores, &tested].map(|scores| scores.metrics[0].1);
            let near = |value: f64| (value - values[0]).abs() <= NEAR * values[0].abs().max(1.0);
            assert!(values.into_iter().all(near), "{metric:?}/{rows}@{scale}: {values:?}");
            values[0]
        }
        (Err(evaluated), Err(fitted), Err(tested)) => {
            let messages = [&evaluated, &fitted, &tested].map(Error::to_string);
            assert!(messages.iter().all(|message| *message == messages[0]), "{messages:?}");
            return Err(evaluated);
        }
        (evaluated, fitted, tested) => {
            panic!("{metric:?}/{rows}@{scale}: {evaluated:?}, {:?}, {tested:?}", fitted.map(|history| history.epochs))
        }
    };
    Ok(value)
}

#[test]
fn every_metric_has_keras_value_for_each_kind_of_targets_or_rejects_it() {
    let cases = golden::load("metrics_of_targets.txt");
    let (mut used, mut wrong) = (BTreeSet::new(), Vec::new());
    for metric in samples() {
        let text = text(&metric.spec());
        for (rows, integers) in rows(&cases) {
            let scales = ["probabilities", "logits", "values"];
            for scale in scales.into_iter().filter(|scale| cases.contains(&format!("{rows}/{scale}"))) {
                let golden = format!("{rows}/{text}@{scale}");
                match evaluated(metric.as_ref(), &cases, &rows, integers, scale) {
                    Ok(found) if cases.contains(&golden) => {
                        let expected = f64::from(cases.scalar(&golden));
                        let near = (found - expected).abs() <= NEAR * expected.abs().max(1.0);
                        if !near {
                            wrong.push(format!("{golden}: {found}, not {expected}"));
                        }
                        used.insert(golden);
                    }
                    Ok(found) => wrong.push(format!("{golden}: {found}, and tests/golden/targets.py has no value")),
                    Err(error) => {
                        let like = DEGENERATE.iter().find(|(degenerate, _)| *degenerate == rows);
                        let line = match like {
                            Some((_, like)) => format!("{text}/{like}: "),
                            None => format!("{text}/{rows}: {error}"),
                        };
                        let is_known =
                            |expected: &str| expected == line || (like.is_some() && expected.starts_with(&line));
                        if !REJECTED.lines().any(is_known) {
                            wrong.push(line.clone());
                        }
                        used.insert(line);
                    }
                }
            }
        }
    }
    let unused = REJECTED.lines().filter(|line| !line.starts_with('#') && !used.contains(*line));
    wrong.extend(unused.map(|line| format!("nothing says: {line}")));
    for rows in cases.cases() {
        let names = cases.starting_with(&format!("{rows}/")).into_iter().map(|(name, _)| format!("{rows}/{name}"));
        let unused = names.filter(|name| name.contains('@') && !used.contains(name));
        wrong.extend(unused.map(|name| format!("no metric gives {name}")));
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn totals_of_batches_give_the_value_of_all_rows() {
    let cases = golden::load("metrics_of_targets.txt");
    for metric in samples() {
        let text = text(&metric.spec());
        for (rows, integers) in rows(&cases) {
            let scale = if cases.contains(&format!("{rows}/values")) { "values" } else { "probabilities" };
            if !cases.contains(&format!("{rows}/{text}@{scale}")) || cases.contains(&format!("{rows}/weights")) {
                continue;
            }
            let (outputs, targets) = (cases.array(&format!("{rows}/{scale}")), cases.array(&format!("{rows}/targets")));
            let labels = integers && outputs.ndim() > targets.ndim() && outputs.shape().last() > Some(&1);
            let batch = |rows: std::ops::Range<usize>| {
                let view = |array: &ArrayD<f32>| {
                    let length = array.len() / array.shape()[0];
                    let sizes: Vec<usize> =
                        std::iter::once(rows.len()).chain(array.shape()[1..].iter().copied()).collect();
                    let values: Vec<f32> = array.iter().copied().collect();
                    View::new(
                        Shape::new(&sizes).unwrap(),
                        values[rows.start * length..rows.end * length].to_vec().leak(),
                    )
                };
                let batch = if labels { ScoredBatch::labels } else { ScoredBatch::values };
                batch(view(outputs), view(targets)).scale(OutputScale::Plain)
            };
            let count = outputs.shape()[0];
            let mut totals = vec![0.0; metric.totals(Shape::new(&outputs.shape()[1..]).unwrap())];
            for rows in [0..count / 3, count / 3..count].into_iter().filter(|rows| !rows.is_empty()) {
                metric.add(&batch(rows), &mut totals);
            }
            let (found, whole) = (metric.value(&totals, Count::of(count)), metric.score(&batch(0..count)).unwrap());
            assert!((found - whole).abs() < 1e-12 && whole.is_finite(), "{metric:?}/{rows}: {found}, not {whole}");
        }
    }
}

#[test]
fn specs_round_trip_and_settings_are_valid() {
    for metric in samples() {
        let spec = metric.spec();
        assert_eq!(format!("{:?}", BUILT_IN.make::<dyn Metric>(&spec).unwrap()), format!("{metric:?}"));
        assert!(metric.check().is_ok() && !metric.name().is_empty());
    }
}

#[test]
fn single_batches_are_checked() {
    let outputs = View::new(Shape::from([2, 3]), &[0.1, 0.7, 0.2, 0.5, 0.3, 0.2]);
    let message = |metric: &dyn Metric, batch: ScoredBatch<'_>| metric.score(&batch).unwrap_err().to_string();
    let labels = |labels: &'static [f32]| ScoredBatch::labels(outputs, View::new(Shape::from([labels.len()]), labels));
    let text = "row 1: label must be an integer ≥ 0 and < 3, the number of classes, got 3";
    assert_eq!(message(&Accuracy, labels(&[0.0, 3.0])), text);
    let text = "outputs have 2 rows and targets have 1; they need the same number";
    assert_eq!(message(&Accuracy, labels(&[0.0])), text);
    let text = "targets for R2Score: found one integer label per row, expected numbers of shape 3 per row; metrics of classes, \
                such as Accuracy, take integer labels";
    assert_eq!(message(&R2Score, labels(&[0.0, 1.0])), text);
    let nothing = View::new(Shape::from([0, 3]), &[]);
    let nothing = ScoredBatch::labels(nothing, View::new(Shape::from([0]), &[]));
    assert_eq!(message(&Accuracy, nothing), "the batch is empty; it needs at least one row");
}

#[test]
fn options_are_kept_missing_ones_have_their_default_and_unknown_ones_are_errors() {
    let specs: Vec<Spec> = samples().iter().map(|metric| metric.spec()).collect();
    check_options::<dyn Metric>(&specs, |metric| metric.spec());
}
