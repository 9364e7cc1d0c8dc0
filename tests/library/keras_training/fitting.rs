//! The reports of `fit` and `evaluate` with penalties on weights and with sample weights.

use super::NEAR;
use crate::golden::{Cases, assert_close, load};
use gradus::callbacks::{CsvLogger, LearningRateScheduler, SwapEmaWeights};
use gradus::constraints::{Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm};
use gradus::data::{Arrays, Dataset, NamedArrays};
use gradus::layers::*;
use gradus::losses::{CategoricalCrossentropy, MeanSquaredError, SparseCategoricalCrossentropy};
use gradus::metrics::Accuracy;
use gradus::optimizers::Sgd;
use gradus::regularizers::{L1, L1L2, L2, OrthogonalMode, OrthogonalRegularizer, Regularizer};
use gradus::tape::{Mode, ParamGradients, Params, Recorder};
use gradus::{Compile, Fit, Graph, Key, Losses, Model, Progress, Sequential, Shape};
use ndarray::{ArrayD, IxDyn};
use std::path::Path;
use tempfile::tempdir;

/// Tolerance after twelve steps.
const NEAR_IN_THE_END: f32 = 1e-4;

fn regularizer(case: &str) -> Option<Box<dyn Regularizer>> {
    match case {
        "l1" => Some(Box::new(L1::new(0.3))),
        "l1_default" => Some(Box::new(L1::default())),
        "l2" => Some(Box::new(L2::new(0.4))),
        "l2_default" => Some(Box::new(L2::default())),
        "l1_l2" => Some(Box::new(L1L2::new(0.3, 0.4))),
        "orthogonal_rows" => Some(Box::new(OrthogonalRegularizer::new(0.3))),
        "orthogonal_columns" => Some(Box::new(OrthogonalRegularizer::new(0.3).mode(OrthogonalMode::Columns))),
        _ => None,
    }
}

fn constraint(case: &str) -> Option<Box<dyn Constraint>> {
    match case {
        "max_norm" => Some(Box::new(MaxNorm::new(1.5))),
        "max_norm_axes" => Some(Box::new(MaxNorm::new(1.0).axis([0, -1]))),
        "min_max_norm" => Some(Box::new(MinMaxNorm::new(1.5, 2.0))),
        "min_max_norm_rate" => Some(Box::new(MinMaxNorm::new(0.5, 1.0).rate(0.25).axis(1))),
        "non_neg" => Some(Box::new(NonNeg)),
        "unit_norm" => Some(Box::new(UnitNorm::new())),
        "unit_norm_axes" => Some(Box::new(UnitNorm::new().axis([0, 1]))),
        _ => None,
    }
}

fn check_constrained(cases: &Cases, case: &str, constraint: &dyn Constraint) {
    let x = cases.array(&format!("{case}/x"));
    let recorder = Recorder::new(Mode::Inference);
    let input = recorder.input(Shape::new(x.shape()).unwrap());
    let (input, y) = (input.id(), constraint.record(input).id());
    let mut tape = recorder.finish().unwrap();
    tape.input_mut(input).assign(x);
    tape.run(&Params::new(), Key::from_seed(0)).unwrap();
    assert_close(&format!("{case}/y"), tape.value(y), cases.array(&format!("{case}/y")).view(), NEAR);
}

fn check_penalty(cases: &Cases, case: &str, regularizer: &dyn Regularizer) {
    let x = cases.array(&format!("{case}/x"));
    let recorder = Recorder::new(Mode::Training);
    let input = recorder.variable(Shape::new(x.shape()).unwrap());
    let penalty = regularizer.record(input);
    recorder.minimize(penalty);
    let (input, penalty) = (input.id(), penalty.id());
    let mut tape = recorder.finish().unwrap();
    tape.input_mut(input).assign(x);
    let params = Params::new();
    tape.run(&params, Key::from_seed(0)).unwrap();
    tape.backward(&params, &mut ParamGradients::new(&params));
    let expected = ArrayD::from_elem(IxDyn(&[]), cases.scalar(&format!("{case}/penalty")));
    assert_close(&format!("{case}/penalty"), tape.value(penalty), expected.view(), NEAR);
    let expected = cases.array(&format!("{case}/slope"));
    assert_close(&format!("{case}/slope"), tape.gradient(input).unwrap(), expected.view(), NEAR);
}

fn network(case: &str) -> Sequential {
    let (l1, l2) = (L1::new, L2::new);
    match case {
        "dense_net" => Sequential::new([7])
            .add(Dense::new(6).activation(Activation::Relu).kernel_regularizer(l1(0.02)).bias_regularizer(l2(0.05)))
            .add(BatchNorm::new().gamma_regularizer(l2(0.03)).beta_regularizer(l1(0.04)))
            .add(LayerNorm::new().gamma_regularizer(l1(0.02)).beta_regularizer(l2(0.06)))
            .add(Dense::new(3).activation(Activation::Softmax).kernel_regularizer(L1L2::new(0.01, 0.02))),
        "conv_net" => Sequential::new([4])
            .add(Embedding::new(5, 3).embeddings_regularizer(l2(0.02)))
            .add(Reshape::new([4, 3, 1]))
            .add(Conv2d::new(2, 2).kernel_regularizer(l2(0.03)).bias_regularizer(l1(0.05)))
            .add(Flatten)
            .add(Dense::new(3).activation(Activation::Softmax)),
        "activity_net" => Sequential::new([7])
            .add(Dense::new(6).activation(Activation::Relu).activity_regularizer(l1(0.02)))
            .add(ActivityRegularization::new(0.01, 0.02))
            .add(BatchNorm::new().scale(false).activity_regularizer(l2(0.01)))
            .add(Dense::new(3).activation(Activation::Softmax)),
        "axes_net" => Sequential::new([4, 3])
            .add(BatchNorm::new().axis(1).center(false))
            .add(LayerNorm::new().axis([1, 2]))
            .add(BatchNorm::new().center(false).scale(false))
            .add(Flatten)
            .add(Dense::new(3).activation(Activation::Softmax)),
        "constrained_net" => Sequential::new([7])
            .add(
                Dense::new(6).activation(Activation::Relu).kernel_constraint(MaxNorm::new(0.8)).bias_constraint(NonNeg),
            )
            .add(BatchNorm::new().gamma_constraint(NonNeg).beta_constraint(MinMaxNorm::new(0.1, 0.2)))
            .add(
                Dense::new(3)
                    .activation(Activation::Softmax)
                    .kernel_constraint(MinMaxNorm::new(0.5, 1.0).rate(0.5).axis(1))
                    .bias_constraint(UnitNorm::new()),
            ),
        "frozen_dense" => Sequential::new([7])
            .add(Dense::new(6).activation(Activation::Relu).kernel_regularizer(l1(0.5)).frozen())
            .add(Dense::new(3).activation(Activation::Softmax).kernel_regularizer(l2(0.1))),
        "frozen_norm" => Sequential::new([7])
            .add(Dense::new(6))
            .add(BatchNorm::new().frozen())
            .add(Dense::new(3).activation(Activation::Softmax)),
        "plain" | "overwritten" | "swapped" | "swapped_on_epoch" => Sequential::new([4])
            .add(Dense::new(5).activation(Activation::Relu))
            .add(Dense::new(3).activation(Activation::Softmax)),
        "validated" | "alone" => Sequential::new([7])
            .add(Dense::new(6).activation(Activation::Tanh))
            .add(Dense::new(3).activation(Activation::Softmax)),
        _ => Sequential::new([7])
            .add(Dense::new(6).activation(Activation::Tanh))
            .add(Dense::new(3).activation(Activation::Softmax).kernel_regularizer(l2(0.01))),
    }
}

/// The rows of a case, or its validation rows.
fn rows(cases: &Cases, case: &str, end: &str) -> Arrays {
    let array = |name: &str| cases.array(&format!("{case}/{name}{end}"));
    let (x, targets) = (array("x"), array("targets"));
    let data = match targets.ndim() {
        1 => Arrays::new(x, targets.mapv(|label| label as i64)).unwrap(),
        _ => Arrays::new(x, targets).unwrap(),
    };
    if !cases.contains(&format!("{case}/weights{end}")) {
        return data;
    }
    data.with_sample_weight(array("weights").iter().copied()).unwrap()
}

fn compiled(cases: &Cases, case: &str, labels: bool) -> Model {
    let sgd = Sgd::new(0.1).momentum(0.5);
    let averaged = || sgd.clone().use_ema(true).ema_momentum(0.7);
    let optimizer = match case {
        "plain" | "swapped" | "swapped_on_epoch" => averaged(),
        "overwritten" => averaged().ema_overwrite_frequency(2),
        _ => sgd,
    };
    let settings = match labels {
        true => Compile::new(optimizer, SparseCategoricalCrossentropy::new()),
        false => Compile::new(optimizer, CategoricalCrossentropy::new()),
    };
    let mut model = network(case).compile(settings.metric(Accuracy)).unwrap();
    set(&mut model, cases, case);
    model
}

fn set(model: &mut Model, cases: &Cases, case: &str) {
    let start = cases.starting_with(&format!("{case}/start."));
    assert_eq!(start.len(), model.params().len(), "{case}");
    start.iter().for_each(|(name, array)| model.params_mut().set(name, &***array).unwrap());
}

fn check_end(model: &Model, cases: &Cases, case: &str) {
    for (name, expected) in cases.starting_with(&format!("{case}/end.")) {
        let found = model.params().get(model.params().id(name).unwrap());
        assert_close(&format!("{case}/end.{name}"), found, expected.view(), NEAR_IN_THE_END);
    }
}

fn check_fit(cases: &Cases, case: &str) {
    let (data, validation) = (rows(cases, case, ""), rows(cases, case, "_val"));
    let mut model = compiled(cases, case, cases.array(&format!("{case}/targets")).ndim() == 1);
    let batch = cases.integers(&format!("{case}/batch"))[0];
    let mut fit = Fit::new().epochs(4).batch_size(batch).shuffle(false).validation(&validation);
    if cases.contains(&format!("{case}/classes")) {
        let weights = cases.array(&format!("{case}/classes"));
        fit = weights.iter().enumerate().fold(fit, |fit, (class, weight)| fit.class_weight(class, *weight));
    }
    let mut swap = SwapEmaWeights::new().swap_on_epoch(case == "swapped_on_epoch");
    if case.starts_with("swapped") {
        fit = fit.callback(&mut swap);
    }
    let history = model.fit(&data, fit.progress(Progress::Quiet)).unwrap();
    for name in ["loss", "accuracy", "val_loss", "val_accuracy"] {
        let found: Vec<f32> = history.get(name).unwrap().iter().map(|value| *value as f32).collect();
        let found = ArrayD::from_shape_vec(IxDyn(&[4]), found).unwrap();
        let expected = cases.array(&format!("{case}/{name}"));
        assert_close(&format!("{case}/{name}"), found.view(), expected.view(), NEAR_IN_THE_END);
    }
    check_end(&model, cases, case);
    let scores = model.evaluate(&data).unwrap();
    let found = [scores.loss as f32, scores.get("accuracy").unwrap() as f32];
    let expected = cases.array(&format!("{case}/evaluated"));
    let found = ArrayD::from_shape_vec(IxDyn(&[2]), found.to_vec()).unwrap();
    assert_close(&format!("{case}/evaluated"), found.view(), expected.view(), NEAR_IN_THE_END);
}

#[test]
fn regularizers_count_as_in_keras() {
    let cases = load("regularizers.txt");
    for case in cases.cases() {
        match regularizer(case) {
            Some(regularizer) => check_penalty(&cases, case, regularizer.as_ref()),
            None => check_fit(&cases, case),
        }
    }
}

#[test]
fn constraints_act_as_in_keras() {
    let cases = load("constraints.txt");
    for case in cases.cases() {
        match constraint(case) {
            Some(constraint) => check_constrained(&cases, case, constraint.as_ref()),
            None => check_fit(&cases, case),
        }
    }
}

#[test]
fn averages_of_weights_are_those_of_keras() {
    let cases = load("averages.txt");
    cases.cases().into_iter().for_each(|case| check_fit(&cases, case));
}

#[test]
fn frozen_layers_stay_as_in_keras() {
    let cases = load("freezing.txt");
    cases.cases().into_iter().for_each(|case| check_fit(&cases, case));
}

/// The lines of Keras' file, and those of this library with the same callbacks.
fn csv_lines(cases: &Cases, case: &str, path: &Path) -> [Vec<String>; 2] {
    let (data, validation) = (rows(cases, case, ""), rows(cases, case, "_val"));
    let mut model = compiled(cases, case, false);
    let (mut half, mut logger) = (LearningRateScheduler::new(|_, rate| 0.5 * rate), CsvLogger::new(path));
    let fit = Fit::new().epochs(4).batch_size(cases.integers(&format!("{case}/batch"))[0]).shuffle(false);
    let fit = if case == "validated" { fit.validation(&validation) } else { fit };
    model.fit(&data, fit.progress(Progress::Quiet).callback(&mut half).callback(&mut logger)).unwrap();
    let ours = std::fs::read_to_string(path).unwrap();
    assert!(ours.ends_with("\r\n"));
    let golden = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/csv.txt")).unwrap();
    let part = golden.split("\n# ").find(|part| part.starts_with(&format!("{case}:"))).unwrap();
    let keras = part.lines().filter_map(|line| line.strip_prefix("#|")).map(str::to_owned).collect();
    [keras, ours.split_terminator("\r\n").map(str::to_owned).collect()]
}

#[test]
fn the_csv_file_is_that_of_keras() {
    let (cases, folder) = (load("csv.txt"), tempdir().unwrap());
    let path = folder.path().join("epochs.csv");
    for case in ["validated", "alone"] {
        let [keras, ours] = csv_lines(&cases, case, &path);
        assert_eq!(keras.len(), 1 + 4, "{case}");
        assert_eq!(ours[0], keras[0], "{case}");
        assert_eq!(ours.len(), keras.len(), "{case}");
        for (ours, keras) in ours[1..].iter().zip(&keras[1..]) {
            assert_eq!(ours.split(',').count(), keras.split(',').count(), "{ours}, not {keras}");
            for (ours, keras) in ours.split(',').zip(keras.split(',')) {
                match (ours.parse::<f32>(), keras.parse::<f32>()) {
                    (Ok(found), Ok(expected)) => {
                        approx::assert_relative_eq!(found, expected, max_relative = NEAR_IN_THE_END);
                    }
                    _ => assert_eq!(ours, keras),
                }
            }
        }
    }
}

#[test]
fn weights_of_rows_and_classes_count_as_in_keras() {
    let cases = load("weights.txt");
    for case in cases.cases().into_iter().filter(|case| *case != "branches") {
        check_fit(&cases, case);
    }
}

/// Two outputs of one input, with their losses.
pub(super) fn kind_and_mood() -> (Graph, Compile) {
    let mut graph = Graph::new();
    let x = graph.input("x", [4]);
    for (name, layer) in [("kind", Dense::new(3).activation(Activation::Softmax)), ("mood", Dense::new(2))] {
        let layer = graph.layer(name, layer);
        let y = graph.apply(layer, x);
        graph.output(name, y);
    }
    let losses = Losses::new().output("kind", SparseCategoricalCrossentropy::new());
    let losses = losses.output("mood", MeanSquaredError::new());
    (graph, Compile::new(Sgd::new(0.1), losses).loss_weight("mood", 0.5))
}

/// Sample weights apply to the losses of both outputs, which are also reported separately.
#[test]
fn weights_of_rows_count_in_every_output() {
    let cases = load("weights.txt");
    let array = |name: &str| cases.array(&format!("branches/{name}"));
    let (graph, settings) = kind_and_mood();
    let mut model = graph.compile(settings.metric_of("kind", Accuracy)).unwrap();
    set(&mut model, &cases, "branches");
    let data = NamedArrays::new().with_input("x", array("x")).unwrap();
    let data = data.with_target("kind", array("kind").mapv(|kind| kind as i64)).unwrap();
    let data = data.with_target("mood", array("mood")).unwrap();
    let data = data.with_sample_weight(array("weights").iter().copied()).unwrap();
    assert!(data.has_sample_weight());
    let scores = model.train_on_batch(&data).unwrap();
    for (name, expected) in cases.starting_with("branches/reported.") {
        approx::assert_relative_eq!(scores.get(name).unwrap() as f32, expected[[0]], max_relative = NEAR);
    }
    check_end(&model, &cases, "branches");
}
