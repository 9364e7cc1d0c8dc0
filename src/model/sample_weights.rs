//! Weights of rows in the loss: sample weights of the dataset, or class weights.

use super::Model;
use super::plan::Plan;
use super::targets::TargetColumn;
use crate::accepts::{TargetKind, are_labels};
use crate::data::{Columns, Dataset};
use crate::error::{Error, Result, check_setting};
use crate::metrics::argmax;
use std::borrow::Cow;

/// The weights of rows in the loss of one output.
pub(super) enum SampleWeights<'a> {
    /// Weight 1 for all rows.
    Uniform,
    /// Sample weights of the dataset.
    Rows(&'a dyn Dataset),
    /// Sample weights of the dataset for the target with this number.
    Target(&'a dyn Columns, usize),
    /// Weights of classes: Keras' `class_weight`.
    Classes(Vec<f32>),
}

impl<'a> SampleWeights<'a> {
    /// Uses the sample weights of a dataset, if it has any.
    pub(super) fn rows(data: &'a dyn Dataset) -> SampleWeights<'a> {
        if data.has_sample_weight() { SampleWeights::Rows(data) } else { SampleWeights::Uniform }
    }

    /// Uses the sample weights for a target, if the dataset has any.
    pub(super) fn target(columns: &'a dyn Columns, target: usize) -> SampleWeights<'a> {
        if columns.has_target_weight(target) { SampleWeights::Target(columns, target) } else { SampleWeights::Uniform }
    }

    /// Uses class weights. Classes without a weight have weight 1.
    ///
    /// # Errors
    /// A class does not exist, a weight is not finite, the dataset has sample weights, the model has several trained
    /// outputs, or targets are not classes.
    pub(super) fn classes(
        sample_weights: &[SampleWeights<'a>],
        classes: &[(usize, f32)],
        model: &Model,
        targets: &TargetColumn<'_>,
    ) -> Result<SampleWeights<'a>> {
        let ([sample_weights], [trained]) = (sample_weights, model.trained_outputs()) else {
            return wrong("the model must have exactly one output with a loss; use sample weights instead");
        };
        if sample_weights.differs() {
            return wrong("the dataset already has sample weights; use either class weights or sample weights");
        }
        let output = model.architecture.output(trained.output);
        let shape = model.architecture.outputs()[trained.output].shape();
        if shape.sizes().iter().rev().skip(1).any(|size| *size != Some(1)) {
            return wrong("each row must have exactly one class; use sample weights instead");
        }
        // A single output is a binary classifier.
        let known = output.last().max(2);
        let mut weights = vec![1.0; known];
        for (class, weight) in classes {
            if *class >= known {
                return wrong(format!("unknown class {class}; available: 0 to {}", known - 1));
            }
            check_setting(weight.is_finite(), "class_weight", "weight", f64::from(*weight), "finite")?;
            weights[*class] = *weight;
        }
        let loss = trained.loss.accepts(output).read(output, targets.target());
        match loss.map(|reading| reading.kind) {
            Some(TargetKind::Labels | TargetKind::Probabilities | TargetKind::Binary) => {}
            _ if are_labels(output, targets.target()) => {}
            _ => targets.for_each(|row, target| {
                let class = trained.loss.spec().class().to_owned();
                if names_class(target) { Ok(()) } else { wrong(no_class(&class, row)) }
            })?,
        }
        Ok(SampleWeights::Classes(weights))
    }

    /// Whether rows may have different weights.
    pub(super) fn differs(&self) -> bool {
        !matches!(self, SampleWeights::Uniform)
    }

    /// Writes the weights of rows for a trained output to a plan, whose targets must be set.
    pub(super) fn fill(&self, trained: usize, rows: &[usize], plan: &mut Plan) {
        let Some([targets, weights]) = plan.targets_and_weights_mut(trained) else { return };
        match self {
            SampleWeights::Uniform => weights.fill(1.0),
            SampleWeights::Rows(data) => data.gather_sample_weight(rows, weights),
            SampleWeights::Target(columns, target) => columns.gather_target_weight(*target, rows, weights),
            SampleWeights::Classes(classes) => {
                let targets = targets.chunks_exact(targets.len() / rows.len());
                weights.iter_mut().zip(targets).for_each(|(weight, target)| *weight = of_class(classes, target));
            }
        }
    }

    /// The weights of rows or classes, for digests.
    pub(super) fn values(&self, rows: &[usize]) -> Vec<f32> {
        let mut weights = vec![0.0; rows.len()];
        match self {
            SampleWeights::Uniform => return Vec::new(),
            SampleWeights::Rows(data) => data.gather_sample_weight(rows, &mut weights),
            SampleWeights::Target(columns, target) => columns.gather_target_weight(*target, rows, &mut weights),
            SampleWeights::Classes(classes) => return classes.clone(),
        }
        weights
    }
}

fn wrong<T>(problem: impl Into<Cow<'static, str>>) -> Result<T> {
    Err(Error::Graph { place: "class_weight".into(), problem: problem.into() })
}

/// Whether a numeric target is a one-hot row, or 0 or 1 for a single output.
fn names_class(target: &[f32]) -> bool {
    let ones = target.iter().filter(|number| **number == 1.0).count();
    let binary = target.iter().all(|number| *number == 0.0 || *number == 1.0);
    binary && (target.len() == 1 || ones == 1)
}

fn no_class(loss: &str, row: usize) -> String {
    format!(
        "the target of row {row} is not a class; class weights with {loss} need integer labels, one-hot rows, \
         or 0 and 1; use sample weights instead"
    )
}

/// The weight of the class given by a label or a one-hot row.
fn of_class(classes: &[f32], target: &[f32]) -> f32 {
    let class = match target {
        [label] => usize::try_from(label.round_ties_even() as i64).ok(),
        _ => Some(argmax(target)),
    };
    class.and_then(|class| classes.get(class)).copied().unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use crate::data::Arrays;
    use crate::layers::Dense;
    use crate::losses::{Loss, MeanSquaredError, SparseCategoricalCrossentropy};
    use crate::optimizers::Sgd;
    use crate::regularizers::L2;
    use crate::{
        Accepts, Checkpoints, Compile, Fit, Graph, Model, Progress, Sequential, Shape, Spec, TargetKind, tape::Var,
    };
    use ndarray::{Array1, Array2, Axis};

    fn model() -> Model {
        let loss = SparseCategoricalCrossentropy::new().from_logits(true);
        let network = Sequential::new([4]).add(Dense::new(3).kernel_regularizer(L2::new(0.1)));
        network.compile(Compile::new(Sgd::new(0.1), loss).seed(3)).unwrap()
    }

    fn data() -> Arrays {
        let x = Array2::from_shape_fn((12, 4), |(i, j)| ((3 * i + 5 * j) % 7) as f32 - 3.0);
        Arrays::new(x, Array1::from_shape_fn(12, |i| (i % 3) as u8)).unwrap()
    }

    fn quiet<'a>() -> Fit<'a> {
        Fit::new().batch_size(5).progress(Progress::Quiet)
    }

    fn rejected(mut model: Model, data: &Arrays, fit: Fit<'_>) -> String {
        let before = model.params().sha256();
        let message = model.fit(data, fit).unwrap_err().to_string();
        assert_eq!(model.params().sha256(), before);
        message
    }

    #[test]
    fn equal_weights_change_nothing_and_weights_of_0_leave_only_the_penalty() {
        let fit = |data: &Arrays, fit: Fit<'_>| {
            let mut model = model();
            let history = model.fit(data, fit.epochs(2)).unwrap();
            (model.params().sha256(), history.get("loss"))
        };
        let plain = fit(&data(), quiet());
        assert_eq!(fit(&data().with_sample_weight([1.0; 12]).unwrap(), quiet()), plain);
        assert_eq!(fit(&data(), quiet().class_weight(1, 1.0)), plain);
        let by_class = fit(&data(), quiet().class_weight(1, 2.5).class_weight(2, 0.0));
        let weights = (0..12).map(|i| [1.0, 2.5, 0.0][i % 3]);
        assert_eq!(fit(&data().with_sample_weight(weights).unwrap(), quiet()), by_class);
        let model = model();
        let nothing = model.evaluate(&data().with_sample_weight([0.0; 12]).unwrap()).unwrap();
        let kernel = model.params().get(model.params().id("dense/kernel").unwrap()).mapv(|w| w * w).sum();
        approx::assert_relative_eq!(nothing.loss as f32, 0.1 * kernel, max_relative = 1e-5);
    }

    #[test]
    fn validation_ignores_class_weights() {
        let data = data();
        let validation = data.rows(6..).unwrap();
        let fit = quiet().class_weight(0, 9.0).validation(&validation);
        let mut model = model();
        let history = model.fit(&data, fit).unwrap();
        assert_eq!(history.epochs[0].validation, Some(model.evaluate(&validation).unwrap()));
    }

    #[test]
    fn invalid_classes_and_weights_are_rejected() {
        let message = |fit: Fit<'_>| rejected(model(), &data(), fit);
        assert_eq!(message(quiet().class_weight(3, 1.0)), "class_weight: unknown class 3; available: 0 to 2");
        let text = "class_weight: weight must be finite, got NaN";
        assert_eq!(message(quiet().class_weight(1, f32::NAN)), text);
        let weighted = data().with_sample_weight([1.0; 12]).unwrap();
        let text = "class_weight: the dataset already has sample weights; use either class weights or sample weights";
        assert_eq!(rejected(model(), &weighted, quiet().class_weight(1, 2.0)), text);
        let mut graph = Graph::new();
        let x = graph.input("x", [4]);
        for name in ["a", "b"] {
            let y = graph.apply(Dense::new(3), x);
            graph.output(name, y);
        }
        let mut two = graph.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new())).unwrap();
        let named = crate::data::NamedArrays::new().with_input("x", Array2::<f32>::zeros((3, 4))).unwrap();
        let named = named.with_target("a", Array2::<f32>::zeros((3, 3))).unwrap();
        let named = named.with_target("b", Array2::<f32>::zeros((3, 3))).unwrap();
        let text = "class_weight: the model must have exactly one output with a loss; use sample weights instead";
        assert_eq!(two.fit(&named, quiet().class_weight(0, 2.0)).unwrap_err().to_string(), text);
    }

    /// A custom loss that does not support sample weights.
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

    #[test]
    fn a_loss_without_sample_weights_is_rejected_before_the_first_step() {
        let model = Sequential::new([4]).add(Dense::new(3)).compile(Compile::new(Sgd::new(0.1), Plain)).unwrap();
        let weighted = data().with_sample_weight([1.0; 12]).unwrap();
        assert_eq!(rejected(model, &weighted, quiet()), "Plain: it takes no sample weights; remove them");
    }

    /// The digest of a dataset includes its weights.
    #[test]
    fn training_does_not_resume_with_other_weights() {
        let folder = tempfile::tempdir().unwrap();
        let weighted = |last: f32| data().with_sample_weight((0..12).map(|i| if i < 11 { 1.0 } else { last })).unwrap();
        model().fit(&weighted(2.0), quiet().checkpoints(Checkpoints::new(folder.path()))).unwrap();
        let message = rejected(model(), &weighted(3.0), quiet().epochs(2).resume(folder.path()));
        assert!(message.contains("it was trained on different rows"), "{message}");
        assert!(model().fit(&weighted(2.0), quiet().epochs(2).resume(folder.path())).is_ok());
    }

    #[test]
    fn penalties_are_saved_and_frozen_layers_have_none() {
        let mut model = model();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        model.save(&path).unwrap();
        let loaded = Model::load(&path).unwrap();
        let loss = |model: &Model| model.evaluate(&data()).unwrap().loss;
        assert_eq!(loss(&loaded), loss(&model));
        let kernel = model.params().id("dense/kernel").unwrap();
        let penalty = 0.1 * model.params().get(kernel).lanes(Axis(0)).into_iter().map(|w| w.dot(&w)).sum::<f32>();
        let whole = loss(&model);
        model.set_trainable("dense", false).unwrap();
        approx::assert_relative_eq!((whole - loss(&model)) as f32, penalty, max_relative = 1e-5);
        model.set_trainable("dense", true).unwrap();
        assert_eq!(loss(&model), whole);
    }
}
