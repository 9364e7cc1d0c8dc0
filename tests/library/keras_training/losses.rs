//! Losses and their gradients, with and without weights for rows.

use super::NEAR;
use crate::golden::{Cases, assert_close, load};
use gradus::losses::*;
use gradus::tape::{Mode, ParamGradients, Params, Recorder};
use gradus::{Key, Shape};
use ndarray::{ArrayD, IxDyn};

fn loss(case: &str) -> Box<dyn Loss> {
    let name = case.strip_suffix("_weights").unwrap_or(case);
    match name.strip_suffix("_axes").unwrap_or(name) {
        "mean_squared_error" | "mean_squared_error_column" => Box::new(MeanSquaredError::new()),
        "mean_absolute_error" => Box::new(MeanAbsoluteError::new()),
        "huber" => Box::new(Huber::new()),
        "huber_delta" => Box::new(Huber::new().delta(0.5)),
        "log_cosh" => Box::new(LogCosh::new()),
        "kl_divergence" => Box::new(KlDivergence::new()),
        "hinge" | "hinge_bits" => Box::new(Hinge::new()),
        "binary_probabilities" | "binary_probabilities_clipped" => Box::new(BinaryCrossentropy::new()),
        "binary_probabilities_smooth" => Box::new(BinaryCrossentropy::new().label_smoothing(0.2)),
        "binary_logits" => Box::new(BinaryCrossentropy::new().from_logits(true)),
        "binary_logits_smooth" => Box::new(BinaryCrossentropy::new().from_logits(true).label_smoothing(0.2)),
        "categorical" => Box::new(CategoricalCrossentropy::new().from_logits(true)),
        "categorical_logits_smooth" => Box::new(CategoricalCrossentropy::new().from_logits(true).label_smoothing(0.1)),
        "categorical_probabilities_smooth" => Box::new(CategoricalCrossentropy::new().label_smoothing(0.1)),
        "sparse_ignoring_probabilities" => Box::new(SparseCategoricalCrossentropy::new().ignore_class(0)),
        "sparse_ignoring_logits" => Box::new(SparseCategoricalCrossentropy::new().from_logits(true).ignore_class(0)),
        "sparse_ignoring_all" => Box::new(SparseCategoricalCrossentropy::new().from_logits(true).ignore_class(1)),
        "sparse_ignoring_void" | "sparse_ignoring" => {
            Box::new(SparseCategoricalCrossentropy::new().from_logits(true).ignore_class(255))
        }
        other => panic!("a loss that is not compared: {other}"),
    }
}

fn check(cases: &Cases, case: &str) {
    let array = |name: &str| cases.array(&format!("{case}/{name}"));
    let shape = |name: &str| Shape::new(array(name).shape()).unwrap();
    let (loss, recorder) = (loss(case), Recorder::new(Mode::Training));
    let (p, t) = (recorder.variable(shape("predictions")), recorder.input(shape("targets")));
    let _ = loss.accepts(p.shape().sample());
    let weights = cases.contains(&format!("{case}/weights")).then(|| recorder.input(shape("weights")));
    let value = weights.map_or_else(|| loss.record(p, t), |weights| loss.record_weighted(p, t, weights));
    recorder.minimize(value);
    let (p, t, weights, value) = (p.id(), t.id(), weights.map(|weights| weights.id()), value.id());
    let mut tape = recorder.finish().unwrap();
    tape.input_mut(p).assign(array("predictions"));
    tape.input_mut(t).assign(array("targets"));
    weights.into_iter().for_each(|weights| tape.input_mut(weights).assign(array("weights")));
    let params = Params::new();
    tape.run(&params, Key::from_seed(0)).unwrap();
    tape.backward(&params, &mut ParamGradients::new(&params));
    let expected = ArrayD::from_elem(IxDyn(&[]), cases.scalar(&format!("{case}/loss")));
    assert_close(&format!("{case}/loss"), tape.value(value), expected.view(), NEAR);
    assert_close(&format!("{case}/gradient"), tape.gradient(p).unwrap(), array("gradient").view(), NEAR);
}

#[test]
fn values_and_gradients_are_those_of_keras() {
    let cases = load("losses_of_pairs.txt");
    cases.cases().into_iter().for_each(|case| check(&cases, case));
}
