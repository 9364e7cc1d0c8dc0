//! Weighted metrics, class weights of single batches, and sample weights per output.

use super::NEAR;
use super::fitting::kind_and_mood;
use crate::golden::{Cases, load};
use gradus::data::{Arrays, NamedArrays};
use gradus::layers::*;
use gradus::losses::{CategoricalCrossentropy, SparseCategoricalCrossentropy};
use gradus::metrics::{self, Accuracy, Scores};
use gradus::optimizers::Sgd;
use gradus::{Batch, Compile, Fit, Model, Progress, Sequential};

/// Tolerance after several steps, relative to the value or 1.
const NEAR_IN_THE_END: f32 = 1e-4;

/// With every metric weighted and unweighted, where Keras' script has both names.
fn with_metrics(settings: Compile) -> Compile {
    settings
        .metric(Accuracy)
        .weighted_metric(Accuracy)
        .weighted_metric(metrics::BinaryAccuracy::default())
        .weighted_metric(metrics::CategoricalAccuracy)
        .weighted_metric(metrics::F1Score::new())
        .weighted_metric(metrics::MeanAbsoluteError)
        .weighted_metric(metrics::MeanSquaredError)
        .weighted_metric(metrics::Precision::new().threshold(0.3))
        .weighted_metric(metrics::R2Score)
        .weighted_metric(metrics::Recall::new().threshold(0.3).class(1))
        .weighted_metric(metrics::TopKCategoricalAccuracy::new(2))
}

fn with_label_metrics(settings: Compile) -> Compile {
    let settings = settings.metric(Accuracy).weighted_metric(Accuracy);
    let settings = settings.weighted_metric(metrics::SparseCategoricalAccuracy);
    settings.weighted_metric(metrics::SparseTopKCategoricalAccuracy::new(2))
}

fn compiled(cases: &Cases, case: &str, network: Sequential) -> Model {
    let sgd = Sgd::new(0.1);
    let labels = cases.array(&format!("{case}/targets")).ndim() == 1;
    let sgd = if case == "on_batch" { sgd } else { sgd.momentum(0.5) };
    let settings = match labels {
        true => with_label_metrics(Compile::new(sgd, SparseCategoricalCrossentropy::new())),
        false => with_metrics(Compile::new(sgd, CategoricalCrossentropy::new())),
    };
    let mut model = network.compile(settings).unwrap();
    set(&mut model, cases, case);
    model
}

fn set(model: &mut Model, cases: &Cases, case: &str) {
    let start = cases.starting_with(&format!("{case}/start."));
    assert_eq!(start.len(), model.params().len(), "{case}");
    start.iter().for_each(|(name, array)| model.params_mut().set(name, &***array).unwrap());
}

fn rows(cases: &Cases, case: &str, end: &str) -> Arrays {
    let array = |name: &str| cases.array(&format!("{case}/{name}{end}"));
    let (x, targets) = (array("x"), array("targets"));
    match targets.ndim() {
        1 => Arrays::new(x, targets.mapv(|label| label as i64)).unwrap(),
        _ => Arrays::new(x, targets).unwrap(),
    }
}

fn weighted(cases: &Cases, case: &str, end: &str) -> Arrays {
    let data = rows(cases, case, end);
    let name = format!("{case}/weights{end}");
    if cases.contains(&name) { data.with_sample_weight(cases.array(&name).iter().copied()).unwrap() } else { data }
}

fn classes(cases: &Cases, case: &str) -> Vec<(usize, f32)> {
    let name = format!("{case}/classes");
    if cases.contains(&name) { cases.array(&name).iter().copied().enumerate().collect() } else { Vec::new() }
}

/// All names and values reported by Keras.
fn check_scores(scores: &Scores, cases: &Cases, prefix: &str, near: f32) {
    let expected = cases.starting_with(prefix);
    assert_eq!(scores.names().count(), expected.len(), "{prefix}");
    for (name, expected) in expected {
        let found = scores.get(name).unwrap_or_else(|| panic!("{prefix}{name} is not reported")) as f32;
        assert!((found - expected[[0]]).abs() <= near * expected[[0]].abs().max(1.0), "{prefix}{name}: {found}");
    }
}

fn check_end(model: &Model, cases: &Cases, case: &str, near: f32) {
    for (name, expected) in cases.starting_with(&format!("{case}/end.")) {
        let found = model.params().get(model.params().id(name).unwrap());
        crate::golden::assert_close(&format!("{case}/end.{name}"), found, expected.view(), near);
    }
}

#[test]
fn metrics_weight_rows_as_in_keras() {
    let cases = load("counted.txt");
    for case in ["rows", "labels", "classes"] {
        let network = Sequential::new([7]).add(Dense::new(6).activation(Activation::Tanh));
        let mut model = compiled(&cases, case, network.add(Dense::new(3).activation(Activation::Softmax)));
        let (data, validation) = (weighted(&cases, case, ""), weighted(&cases, case, "_val"));
        let fit = Fit::new().epochs(4).batch_size(8).shuffle(false).validation(&validation).progress(Progress::Quiet);
        let fit = classes(&cases, case).into_iter().fold(fit, |fit, (class, weight)| fit.class_weight(class, weight));
        let history = model.fit(&data, fit).unwrap();
        let names: Vec<String> = history.epochs[0].scores.names().map(str::to_owned).collect();
        assert!(names.len() > 4 && names.contains(&"weighted_accuracy".to_owned()), "{names:?}");
        for name in names.iter().cloned().chain(names.iter().map(|name| format!("val_{name}"))) {
            let expected = cases.array(&format!("{case}/{name}"));
            for (found, expected) in history.get(&name).unwrap().iter().zip(expected) {
                let near = NEAR_IN_THE_END * expected.abs().max(1.0);
                assert!((*found as f32 - expected).abs() <= near, "{case}/{name}: {found}, not {expected}");
            }
        }
        check_end(&model, &cases, case, NEAR_IN_THE_END);
        let prefix = format!("{case}/evaluated.");
        check_scores(&model.evaluate(&data).unwrap(), &cases, &prefix, NEAR_IN_THE_END);
    }
}

#[test]
fn batches_weight_rows_and_classes_as_in_keras() {
    let (cases, case) = (load("counted.txt"), "on_batch");
    let network = Sequential::new([4]).add(Dense::new(3).activation(Activation::Softmax));
    let mut model = compiled(&cases, case, network);
    let data = rows(&cases, case, "");
    let by_class = classes(&cases, case);
    let batch =
        by_class.into_iter().fold(Batch::new(&data), |batch, (class, weight)| batch.class_weight(class, weight));
    let scores = model.train_on_batch(batch).unwrap();
    check_scores(&scores, &cases, "on_batch/reported.", NEAR);
    check_end(&model, &cases, case, NEAR);
    let scores = model.test_on_batch(&weighted(&cases, case, "")).unwrap();
    check_scores(&scores, &cases, "on_batch/tested.", NEAR);
}

fn two_outputs() -> Model {
    let (graph, settings) = kind_and_mood();
    let settings = settings.metric_of("kind", Accuracy).metric_of("mood", metrics::MeanSquaredError);
    let settings = settings.weighted_metric_of("kind", Accuracy);
    let settings = settings.weighted_metric_of("mood", metrics::MeanSquaredError);
    graph.compile(settings.weighted_metric_of("mood", metrics::R2Score)).unwrap()
}

#[test]
fn every_output_has_sample_weights_as_in_keras() {
    let cases = load("counted.txt");
    let array = |name: &str| cases.array(&format!("outputs/{name}"));
    let mut model = two_outputs();
    set(&mut model, &cases, "outputs");
    let data = NamedArrays::new().with_input("x", array("x")).unwrap();
    let data = data.with_target("kind", array("kind").mapv(|kind| kind as i64)).unwrap();
    let data = data.with_target("mood", array("mood")).unwrap();
    let data = data.with_sample_weight_of("kind", array("kind_weights").iter().copied()).unwrap();
    let data = data.with_sample_weight_of("mood", array("mood_weights").iter().copied()).unwrap();
    check_scores(&model.train_on_batch(&data).unwrap(), &cases, "outputs/reported.", NEAR);
    check_scores(&model.test_on_batch(&data).unwrap(), &cases, "outputs/tested.", NEAR);
    let fit = Fit::new().epochs(2).batch_size(4).shuffle(false).validation(&data).progress(Progress::Quiet);
    let history = model.fit(&data, fit).unwrap();
    for (name, expected) in cases.starting_with("outputs/fit.") {
        let found = history.get(name).unwrap();
        assert_eq!(found.len(), expected.len(), "{name}");
        for (found, expected) in found.iter().zip(expected) {
            let near = NEAR_IN_THE_END * expected.abs().max(1.0);
            assert!((*found as f32 - expected).abs() <= near, "{name}: {found}, not {expected}");
        }
    }
    check_end(&model, &cases, "outputs", NEAR_IN_THE_END);
}
