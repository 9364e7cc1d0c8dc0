//! Tests of all losses: for each kind of targets, they give the value of Keras or an error before any work.

use super::*;
use crate::accepts::{Accepts, TargetKind};
use crate::data::Arrays;
use crate::error::{Error, Result};
use crate::golden::{self, Cases};
use crate::layers::{Activation, Dense};
use crate::optimizers::Sgd;
use crate::registry::BUILT_IN;
use crate::settings::check_options::check_options;
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::{Mode, Recorder, Var};
use crate::target::Target;
use crate::{Compile, Fit, Progress, Sequential};
use ndarray::Array2;
use std::collections::BTreeSet;

/// Tolerance relative to the value of Keras or 1.
const NEAR: f64 = 1e-6;

/// The error messages about targets or outputs: `Loss(settings)/rows: message`. For a new loss, the test prints the lines to
/// add; read them first.
const REJECTED: &str = include_str!("../../tests/golden/losses_rejected.txt");

/// Rows whose targets are integers: labels of several classes, and counts.
const INTEGERS: [&str; 3] = ["labels", "label_positions", "counts"];

/// Every loss, and those that accept logits also with logits.
fn every_kind() -> Vec<Box<dyn Loss>> {
    let mut losses = all();
    for loss in all() {
        let spec = loss.spec();
        if spec.settings().iter().any(|(name, _)| name == "from_logits") {
            let others = spec.settings().iter().filter(|(name, _)| name != "from_logits");
            let start = Spec::new(spec.class()).with("from_logits", true);
            let spec = others.fold(start, |spec, (name, value)| spec.with(name.clone(), value.clone()));
            losses.push(BUILT_IN.make(&spec).unwrap());
        }
    }
    losses
}

/// The loss over all rows, or the error message, which must be equal before and after training with the loss.
fn evaluated(loss: &dyn Loss, cases: &Cases, rows: &str, integers: bool, scale: &str) -> Result<f64> {
    let (outputs, targets) = (cases.array(&format!("{rows}/{scale}")), cases.array(&format!("{rows}/targets")));
    let network = Sequential::new(Shape::new(&outputs.shape()[1..])?).add(Activation::Linear);
    let again: Box<dyn Loss> = BUILT_IN.make(&loss.spec())?;
    let mut model = network.compile(Compile::new(Sgd::new(0.1), again))?;
    let data = match integers {
        true => Arrays::new(outputs, targets.mapv(|label| label as i64))?,
        false => Arrays::new(outputs, targets)?,
    };
    let quiet = Fit::new().batch_size(3).shuffle(false).progress(Progress::Quiet);
    let (evaluated, fitted, tested) = (model.evaluate(&data), model.fit(&data, quiet), model.test_on_batch(&data));
    match (evaluated, fitted, tested) {
        (Ok(evaluated), Ok(fitted), Ok(tested)) => {
            let losses = [evaluated.loss, fitted.epochs[0].scores.loss, tested.loss];
            let near = |loss: f64| (loss - losses[0]).abs() <= 10.0 * NEAR * losses[0].abs().max(1.0);
            assert!(losses.into_iter().all(near), "{loss:?}/{rows}@{scale}: {losses:?}");
            Ok(evaluated.loss)
        }
        (Err(evaluated), Err(fitted), Err(tested)) => {
            let messages = [&evaluated, &fitted, &tested].map(Error::to_string);
            assert!(messages.iter().all(|message| *message == messages[0]), "{messages:?}");
            Err(evaluated)
        }
        (evaluated, fitted, tested) => {
            panic!("{loss:?}/{rows}@{scale}: {evaluated:?}, {:?}, {tested:?}", fitted.map(|history| history.epochs))
        }
    }
}

#[test]
fn every_loss_has_keras_value_for_each_kind_of_targets_or_rejects_it() {
    let cases = golden::load("losses_of_targets.txt");
    let (mut used, mut wrong) = (BTreeSet::new(), Vec::new());
    for loss in every_kind() {
        let text = loss.spec().to_string().replace(", ", ",");
        let scales = if text.contains("from_logits=true") { &["logits"][..] } else { &["probabilities", "values"] };
        for rows in cases.cases() {
            let kinds = if rows == "column" { vec![false, true] } else { vec![INTEGERS.contains(&rows)] };
            let scales = scales.iter().filter(|scale| cases.contains(&format!("{rows}/{scale}")));
            for (scale, integers) in scales.flat_map(|scale| kinds.iter().map(move |integers| (scale, *integers))) {
                let golden = format!("{rows}/{text}@{scale}");
                match evaluated(loss.as_ref(), &cases, rows, integers, scale) {
                    Ok(found) if cases.contains(&golden) => {
                        let expected = f64::from(cases.scalar(&golden));
                        if (found - expected).abs() > NEAR * expected.abs().max(1.0) {
                            wrong.push(format!("{golden}: {found}, not {expected}"));
                        }
                        used.insert(golden);
                    }
                    Ok(found) => wrong.push(format!("{golden}: {found}, and tests/golden/targets.py has no value")),
                    Err(error) => {
                        let line = format!("{text}/{rows}: {error}");
                        if !REJECTED.lines().any(|expected| expected == line) {
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
        wrong.extend(unused.map(|name| format!("no loss gives {name}")));
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_loss_is_a_scalar_with_its_own_spec() {
    for loss in all() {
        let recorder = Recorder::new(Mode::Inference);
        let labels = loss.accepts(Shape::from(3)).read(Shape::from(3), Target::LABEL).is_some();
        let target = if labels { recorder.input([5]) } else { recorder.input([5, 3]) };
        let prediction = recorder.input([5, 3]);
        assert_eq!(loss.record(prediction, target).shape(), Shape::SCALAR);
        for weights in [recorder.input([5]), recorder.input([5, 1])] {
            assert_eq!(loss.record_weighted(prediction, target, weights).shape(), Shape::SCALAR);
        }
        assert!(loss.check_settings().is_ok());
        assert!(recorder.finish().is_ok());
        let spec = loss.spec();
        assert_eq!(format!("{:?}", BUILT_IN.make::<dyn Loss>(&spec).unwrap()), format!("{loss:?}"));
    }
}

#[test]
fn settings_out_of_range_are_errors() {
    let message = |loss: &dyn Loss| loss.check_settings().unwrap_err().to_string();
    let smooth = BinaryCrossentropy::new().label_smoothing(1.5);
    assert_eq!(message(&smooth), "BinaryCrossentropy: label_smoothing must be ≥ 0 and ≤ 1, got 1.5");
    let smooth = CategoricalCrossentropy::new().label_smoothing(-0.5);
    assert_eq!(message(&smooth), "CategoricalCrossentropy: label_smoothing must be ≥ 0 and ≤ 1, got -0.5");
    assert_eq!(message(&Huber::new().delta(0.0)), "Huber: delta must be finite and > 0, got 0");
}

#[test]
fn losses_without_sample_weights_are_errors() {
    #[derive(Debug)]
    struct Plain;
    impl Loss for Plain {
        fn accepts(&self, _: Shape) -> Accepts {
            Accepts::new(&[TargetKind::Any])
        }
        fn record<'r>(&self, prediction: Var<'r>, _: Var<'r>) -> Var<'r> {
            prediction.mean()
        }
        fn spec(&self) -> Spec {
            Spec::new("Plain")
        }
    }
    let recorder = Recorder::new(Mode::Inference);
    let [x, t, w] = [&[5, 3][..], &[5, 3], &[5]].map(|sizes| recorder.input(Shape::new(sizes).unwrap()));
    let _ = Plain.record_weighted(x, t, w);
    let message = recorder.finish().unwrap_err().to_string();
    assert_eq!(message, "Plain: it takes no sample weights; remove them");
}

#[test]
fn options_are_kept_missing_ones_have_their_default_and_unknown_ones_are_errors() {
    let changed = [
        BinaryCrossentropy::new().from_logits(true).label_smoothing(0.1).spec(),
        CategoricalCrossentropy::new().from_logits(true).label_smoothing(0.1).spec(),
        Huber::new().delta(2.0).spec(),
        SparseCategoricalCrossentropy::new().from_logits(true).ignore_class(-1).spec(),
    ];
    let specs: Vec<Spec> = all().iter().map(|loss| loss.spec()).chain(changed).collect();
    check_options::<dyn Loss>(&specs, |loss| loss.spec());
}

/// A loss whose weighted form is the given function of squared errors and weights.
#[derive(Debug)]
struct Weighted(for<'r> fn(Var<'r>, Var<'r>) -> Var<'r>);

impl Loss for Weighted {
    fn accepts(&self, _: Shape) -> Accepts {
        Accepts::new(&[TargetKind::Values])
    }
    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        prediction.mean_squared_error(target)
    }
    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        (self.0)((prediction - target) * (prediction - target), weights)
    }
    fn spec(&self) -> Spec {
        Spec::new("Weighted")
    }
}

/// The loss of a batch of four rows with sample weights, in a model with this number of outputs.
fn weighted_loss(loss: impl Loss + 'static, outputs: usize) -> Result<f64> {
    let network = Sequential::new([2]).add(Dense::new(outputs));
    let mut model = network.compile(Compile::new(Sgd::new(0.1), loss).seed(1))?;
    let x = Array2::from_shape_fn((4, 2), |(i, j)| (3 * i + j) as f32);
    let t = Array2::from_shape_fn((4, outputs), |(i, j)| (i * i + j) as f32);
    let batch = Arrays::new(x, t)?.with_sample_weight([1.0, 2.0, 3.0, 4.0])?;
    Ok(model.train_on_batch(&batch)?.loss)
}

#[test]
fn sample_weights_broadcast_along_the_outputs() {
    for outputs in [1, 3, 4] {
        let expected = weighted_loss(MeanSquaredError::new(), outputs).unwrap();
        let rows: [for<'r> fn(Var<'r>, Var<'r>) -> Var<'r>; 3] = [
            |errors, weights| (errors * weights).mean(),
            |errors, weights| (weights * errors.mean_axes(&[-1], true)).mean(),
            |errors, weights| (errors.mean_axes(&[-1], false) * weights.reshape(weights.shape().len())).mean(),
        ];
        for of_errors in rows {
            let found = weighted_loss(Weighted(of_errors), outputs).unwrap();
            assert!((found - expected).abs() < 1e-4 * expected, "{found}, expected {expected}, {outputs} outputs");
        }
        let message =
            weighted_loss(Weighted(|errors, weights| (errors.mean_axes(&[-1], false) * weights).mean()), outputs);
        let message = message.unwrap_err().to_string();
        assert!(
            message.starts_with("loss: multiply: found shapes 4 and 4 × 1, expected arrays with equal numbers"),
            "{message}"
        );
    }
}

#[test]
fn losses_that_are_not_scalars_are_named() {
    let message = weighted_loss(Weighted(|errors, weights| errors * weights), 3).unwrap_err().to_string();
    assert_eq!(message, "loss Weighted: found shape 4 × 3, expected a scalar; apply mean to the errors of the rows");
}
