//! Losses and metrics of outputs with masks, compared with those of Keras (`tests/golden/make_masks.py`).

use super::*;
use crate::data::NamedArrays;
use crate::golden::{Cases, assert_close, load};
use crate::layers::{Cursor, Layer, Weights};
use crate::losses::{self, Loss};
use crate::metrics;
use crate::optimizers::Sgd;
use crate::spec::Spec;
use crate::{Compile, Graph, Model};
use std::sync::Arc;

/// Tolerance relative to the largest value of Keras or 1.
const NEAR: f32 = 2e-6;

fn loss(case: &str) -> Arc<dyn Loss> {
    let (name, logits) = (case.split('-').next().unwrap(), case.contains("-logits") || case.contains("-ignore"));
    match name {
        "mean_squared_error" => Arc::new(losses::MeanSquaredError::new()),
        "mean_absolute_error" => Arc::new(losses::MeanAbsoluteError::new()),
        "huber" => Arc::new(losses::Huber::new()),
        "log_cosh" => Arc::new(losses::LogCosh::new()),
        "hinge" => Arc::new(losses::Hinge::new()),
        "kl_divergence" => Arc::new(losses::KlDivergence::new()),
        "binary_crossentropy" => Arc::new(losses::BinaryCrossentropy::new().from_logits(logits)),
        "categorical_crossentropy" => Arc::new(losses::CategoricalCrossentropy::new().from_logits(logits)),
        "sparse_categorical_crossentropy" => {
            let ignored = case.contains("-ignore").then_some(1);
            Arc::new(losses::SparseCategoricalCrossentropy::new().from_logits(logits).ignore_class(ignored))
        }
        other => panic!("{other} is not compared"),
    }
}

fn metric(name: &str) -> Arc<dyn Metric> {
    match name {
        "mean_absolute_error" => Arc::new(metrics::MeanAbsoluteError),
        "mean_squared_error" => Arc::new(metrics::MeanSquaredError),
        "sparse_categorical_accuracy" => Arc::new(metrics::SparseCategoricalAccuracy),
        "categorical_accuracy" => Arc::new(metrics::CategoricalAccuracy),
        "top_k_categorical_accuracy" => Arc::new(metrics::TopKCategoricalAccuracy::new(2)),
        "binary_accuracy" => Arc::new(metrics::BinaryAccuracy::default()),
        "precision" => Arc::new(metrics::Precision::default()),
        "recall" => Arc::new(metrics::Recall::default()),
        other => panic!("{other} is not compared"),
    }
}

/// The targets of a case, with their name.
fn targets<'a>(cases: &'a Cases, case: &str) -> (bool, &'a ndarray::ArrayD<f32>) {
    let labels = cases.contains(&format!("{case}/labels"));
    (labels, cases.array(&format!("{case}/{}", if labels { "labels" } else { "targets" })))
}

#[test]
fn losses_and_their_gradients_are_those_of_keras() {
    let cases = load("masked_losses.txt");
    for case in cases.cases() {
        let array = |name: &str| cases.array(&format!("{case}/{name}"));
        let shape = |name: &str| Shape::new(array(name).shape()).unwrap();
        let recorder = Recorder::new(Mode::Training);
        let (x, mask) = (recorder.variable(shape("outputs")), recorder.input(shape("m")));
        let (_, values) = targets(&cases, case);
        let target = recorder.input(Shape::new(values.shape()).unwrap());
        let weighted = cases.contains(&format!("{case}/weights"));
        let weights = weighted.then(|| {
            let axes: Vec<usize> =
                (0..x.shape().rank()).map(|axis| if axis == 0 { x.shape().axis(0) } else { 1 }).collect();
            recorder.input(Shape::new(&axes).unwrap()).with_origin(Origin::SampleWeights)
        });
        let y = TrainedOutput::new(0, loss(case), 1.0).record(&[x.with_mask(mask)], target, weights);
        recorder.minimize(y);
        let (x, mask, target, weights, y) =
            (x.id(), mask.id(), target.id(), weights.map(|weights| weights.id()), y.id());
        let mut tape = recorder.finish().unwrap();
        tape.input_mut(x).assign(array("outputs"));
        tape.input_mut(mask).assign(array("m"));
        tape.input_mut(target).assign(values);
        if let Some(weights) = weights {
            tape.input_slices([weights])[0].copy_from_slice(array("weights").as_slice().unwrap());
        }
        let params = Params::new();
        tape.run(&params, Key::from_seed(0)).unwrap();
        tape.backward(&params, &mut ParamGradients::new(&params));
        assert_close(
            &format!("{case}/loss"),
            tape.value(y).to_shape([1]).unwrap().into_dyn().view(),
            array("loss").view(),
            NEAR,
        );
        assert_close(&format!("{case}/doutputs"), tape.gradient(x).unwrap(), array("doutputs").view(), NEAR);
    }
}

/// Attaches its second input as the mask of the first.
#[derive(Debug)]
struct WithMask;

impl Layer for WithMask {
    fn build(&self, inputs: &[Shape], _: &mut Weights<'_>) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0]])
    }
    fn record<'r>(&self, _: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].with_mask(inputs[1])]
    }
    fn spec(&self) -> Spec {
        Spec::new("WithMask")
    }
}

/// A model whose outputs are its first input, with the second as the mask.
fn model(outputs: &[usize], mask: &[usize], settings: Compile) -> Result<Model> {
    let mut graph = Graph::new();
    let x = graph.input("x", Shape::new(outputs)?);
    let mask = graph.input("mask", Shape::new(mask)?);
    let y = graph.apply(WithMask, [x, mask]);
    graph.output("y", y);
    graph.compile(settings)
}

#[test]
fn scores_are_those_of_keras() {
    let cases = load("masked_losses.txt");
    for case in cases.cases() {
        let array = |name: &str| cases.array(&format!("{case}/{name}"));
        let (labels, target) = targets(&cases, case);
        let names: Vec<&str> = cases
            .starting_with(&format!("{case}/"))
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| !["outputs", "m", "labels", "targets", "weights", "loss", "doutputs"].contains(name))
            .collect();
        let settings = names.iter().fold(Compile::new(Sgd::new(0.1), loss(case)), |settings, name| {
            match name.strip_prefix("weighted/") {
                Some(name) => settings.weighted_metric(metric(name)),
                None => settings.metric(metric(name)),
            }
        });
        let model = model(&array("outputs").shape()[1..], &array("m").shape()[1..], settings).unwrap();
        let data =
            NamedArrays::new().with_input("x", array("outputs")).unwrap().with_input("mask", array("m")).unwrap();
        let data = match labels {
            true => data.with_target("y", target.mapv(|label| label as i64)),
            false => data.with_target("y", target),
        };
        let data = match cases.contains(&format!("{case}/weights")) {
            true => data.unwrap().with_sample_weight(array("weights").iter().copied()).unwrap(),
            false => data.unwrap(),
        };
        let scores = model.evaluate(&data).unwrap();
        let near = |found: f64, name: &str| {
            let expected = f64::from(cases.scalar(&format!("{case}/{name}")));
            assert!(
                (found - expected).abs() < 1e-6 * expected.abs().max(1.0),
                "{case}/{name}: {found}, not {expected}"
            );
        };
        near(scores.loss, "loss");
        for name in names {
            near(scores.get(&name.replace("weighted/", "weighted_")).unwrap(), name);
        }
    }
}

/// A loss without sample weights.
#[derive(Debug)]
struct Plain;

impl Loss for Plain {
    fn accepts(&self, _: Shape) -> accepts::Accepts {
        accepts::Accepts::new(&[TargetKind::Values])
    }
    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        (prediction - target).mean()
    }
    fn spec(&self) -> Spec {
        Spec::new("Plain")
    }
}

#[test]
fn losses_and_metrics_that_cannot_ignore_padding_are_rejected() {
    let message = |mask: &[usize], settings: Compile| model(&[4, 3], mask, settings).unwrap_err().to_string();
    let squares = || Compile::new(Sgd::new(0.1), losses::MeanSquaredError::new());
    assert_eq!(
        message(&[4], squares().metric(metrics::R2Score)),
        "metric R2Score: it has totals or targets for whole rows only, so it cannot ignore the padding that the mask of the \
         output marks; remove the metric"
    );
    assert_eq!(
        message(&[4], Compile::new(Sgd::new(0.1), Plain)),
        "Plain: it takes no weights of positions, which the mask of the output needs; implement `Loss::record_weighted`"
    );
    assert_eq!(
        message(&[4, 3], squares()),
        "output: found shape 2 × 4 × 3, expected a mask without the last axis of the output, since a loss is a mean over it"
    );
    assert!(model(&[4, 3], &[4], squares()).is_ok());
}

/// The loss and its parts for rows in this order, of which every third is padding only.
fn shuffled(order: &[usize], targets: &[&str], ignored: Option<i32>) -> Vec<f64> {
    let rows = order.len();
    let mut graph = Graph::new();
    let [x, mask] =
        [("x", vec![4, 3]), ("mask", vec![4])].map(|(name, shape)| graph.input(name, Shape::new(&shape).unwrap()));
    let loss = losses::SparseCategoricalCrossentropy::new().from_logits(true).ignore_class(ignored);
    let mut losses = crate::Losses::new();
    for (number, name) in targets.iter().enumerate() {
        let regularizer = crate::regularizers::L2::new(0.01);
        let y = graph.apply(crate::layers::Dense::new(3).kernel_regularizer(regularizer), [x]);
        let y = if number == 0 { graph.apply(WithMask, [y, mask]) } else { y };
        graph.output(*name, y);
        losses = losses.output(*name, loss);
    }
    let settings = targets
        .iter()
        .skip(1)
        .fold(Compile::new(Sgd::new(0.1), losses).seed(3), |settings, name| settings.loss_weight(*name, 0.5));
    let model = graph.compile(settings).unwrap();
    let value = |row: usize, at: usize| ((row * 37 + at * 11) % 23) as f32 / 23.0;
    let inputs = ndarray::Array3::from_shape_fn((rows, 4, 3), |(row, step, at)| value(order[row], step * 3 + at));
    let valid = |row: usize, step: usize| f32::from(!row.is_multiple_of(3) && step <= row % 5);
    let mask = ndarray::Array2::from_shape_fn((rows, 4), |(row, step)| valid(order[row], step));
    let labels = ndarray::Array2::from_shape_fn((rows, 4), |(row, step)| (order[row] * 7 + step) as i64 % 3);
    let mut data = NamedArrays::new().with_input("x", &inputs).unwrap().with_input("mask", &mask).unwrap();
    for name in targets {
        data = data.with_target(*name, &labels).unwrap();
    }
    let scores = model.evaluate(&data).unwrap();
    let batch = model.test_on_batch(&data).unwrap();
    let parts = |scores: &crate::metrics::Scores| {
        std::iter::once(scores.loss).chain(scores.metrics.iter().map(|(_, value)| *value)).collect::<Vec<f64>>()
    };
    for (found, whole) in parts(&scores).iter().zip(parts(&batch)) {
        assert!((found - whole).abs() < 1e-6, "{found}, not {whole} as in one batch");
    }
    parts(&scores)
}

#[test]
fn the_loss_over_valid_positions_does_not_depend_on_the_order_of_rows() {
    let order: Vec<usize> = (0..300).collect();
    // Rows with many valid positions first.
    let mut sorted = order.clone();
    sorted.sort_by_key(|row| (row % 3 == 0, std::cmp::Reverse(row % 5)));
    for targets in [&["y"][..], &["y", "z"]] {
        for ignored in [None, Some(1)] {
            let (found, expected) = (shuffled(&sorted, targets, ignored), shuffled(&order, targets, ignored));
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-6, "{found}, not {expected} in another order");
            }
        }
    }
    let padding: Vec<usize> = (0..300).map(|row| row * 3).collect();
    let penalty = shuffled(&padding, &["y"], None)[0];
    assert!(penalty > 0.0 && penalty < 0.1, "{penalty} is not the penalty alone");
}
