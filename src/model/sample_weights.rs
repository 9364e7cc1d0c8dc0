//! How much the loss of each row counts: by weights that the dataset brings, or by the row's class.

use super::Model;
use super::plan::Plan;
use super::targets::TargetColumn;
use crate::accepts::{TargetKind, are_labels, positions};
use crate::data::{Columns, Dataset};
use crate::error::{Error, Result, check_setting};
use crate::metrics::argmax;
use std::borrow::Cow;

/// What the loss of a row is multiplied by, for one output.
pub(super) enum SampleWeights<'a> {
    /// Nothing.
    Alike,
    /// Its weight in the dataset.
    Rows(&'a dyn Dataset),
    /// Its weight in the dataset for the target with this number.
    Target(&'a dyn Columns, usize),
    /// The weight of its class: Keras' `class_weight`.
    Classes(Vec<f32>),
}

impl<'a> SampleWeights<'a> {
    /// By the weights of rows, where they have any.
    pub(super) fn rows(data: &'a dyn Dataset) -> SampleWeights<'a> {
        if data.has_sample_weight() { SampleWeights::Rows(data) } else { SampleWeights::Alike }
    }

    /// By those for this target, where rows have any.
    pub(super) fn target(columns: &'a dyn Columns, target: usize) -> SampleWeights<'a> {
        if columns.has_target_weight(target) { SampleWeights::Target(columns, target) } else { SampleWeights::Alike }
    }

    /// By classes. Those that are not named count 1.
    ///
    /// # Errors
    /// A class that is not one, a weight that is not finite, weights of rows beside these, several outputs, and targets
    /// that name no class.
    pub(super) fn classes(
        sample_weights: &[SampleWeights<'a>],
        classes: &[(usize, f32)],
        model: &Model,
        targets: &TargetColumn<'_>,
    ) -> Result<SampleWeights<'a>> {
        let ([sample_weights], [trained]) = (sample_weights, model.trained_outputs()) else {
            return wrong("it is for models of which one output is trained; give each row a weight instead");
        };
        if sample_weights.differs() {
            return wrong("the dataset's rows have weights already; leave one of both out");
        }
        let output = model.architecture.output(trained.output);
        if positions(output).len() > 1 {
            return wrong("it is for targets of one class a row; give each row a weight instead");
        }
        // A single output tells two classes apart.
        let known = output.last().max(2);
        let mut weights = vec![1.0; known];
        for (class, weight) in classes {
            if *class >= known {
                return wrong(format!("there is no class {class}; classes are 0 to {}", known - 1));
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

    /// Whether rows count differently.
    pub(super) fn differs(&self) -> bool {
        !matches!(self, SampleWeights::Alike)
    }

    /// Writes the rows' weights for the trained output with this number into a plan whose targets are filled in.
    pub(super) fn fill(&self, trained: usize, rows: &[usize], plan: &mut Plan) {
        let Some([targets, weights]) = plan.targets_and_weights_mut(trained) else { return };
        match self {
            SampleWeights::Alike => weights.fill(1.0),
            SampleWeights::Rows(data) => data.gather_sample_weight(rows, weights),
            SampleWeights::Target(columns, target) => columns.gather_target_weight(*target, rows, weights),
            SampleWeights::Classes(classes) => {
                let targets = targets.chunks_exact(targets.len() / rows.len());
                weights.iter_mut().zip(targets).for_each(|(weight, target)| *weight = of_class(classes, target));
            }
        }
    }

    /// The weights of rows, or of classes: what training depends on.
    pub(super) fn values(&self, rows: &[usize]) -> Vec<f32> {
        let mut weights = vec![0.0; rows.len()];
        match self {
            SampleWeights::Alike => return Vec::new(),
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

/// Whether a target of numbers is a one-hot row, or 0 or 1 for a single output.
fn names_class(target: &[f32]) -> bool {
    let ones = target.iter().filter(|number| **number == 1.0).count();
    let binary = target.iter().all(|number| *number == 0.0 || *number == 1.0);
    binary && (target.len() == 1 || ones == 1)
}

fn no_class(loss: &str, row: usize) -> String {
    format!(
        "the target of row {row} names no class, as {loss} takes numbers; class weights are for integer labels, one-hot rows, \
         and 0 and 1, so give each row a weight instead"
    )
}

/// The weight of the class that a label, or a row of one for each class, names.
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

    fn refused(mut model: Model, data: &Arrays, fit: Fit<'_>) -> String {
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
    fn validation_is_not_weighed_by_class() {
        let data = data();
        let validation = data.rows(6..).unwrap();
        let fit = quiet().class_weight(0, 9.0).validation(&validation);
        let mut model = model();
        let history = model.fit(&data, fit).unwrap();
        assert_eq!(history.epochs[0].validation, Some(model.evaluate(&validation).unwrap()));
    }

    #[test]
    fn classes_and_weights_that_do_not_fit_are_refused() {
        let message = |fit: Fit<'_>| refused(model(), &data(), fit);
        assert_eq!(message(quiet().class_weight(3, 1.0)), "class_weight: there is no class 3; classes are 0 to 2");
        let text = "class_weight: weight must be finite, got NaN";
        assert_eq!(message(quiet().class_weight(1, f32::NAN)), text);
        let weighted = data().with_sample_weight([1.0; 12]).unwrap();
        let text = "class_weight: the dataset's rows have weights already; leave one of both out";
        assert_eq!(refused(model(), &weighted, quiet().class_weight(1, 2.0)), text);
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
        let text = "class_weight: it is for models of which one output is trained; give each row a weight instead";
        assert_eq!(two.fit(&named, quiet().class_weight(0, 2.0)).unwrap_err().to_string(), text);
    }

    /// A loss of another crate that knows nothing of weights.
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
    fn a_loss_without_weights_says_so_before_the_first_step() {
        let model = Sequential::new([4]).add(Dense::new(3)).compile(Compile::new(Sgd::new(0.1), Plain)).unwrap();
        let weighted = data().with_sample_weight([1.0; 12]).unwrap();
        assert_eq!(refused(model, &weighted, quiet()), "Plain takes no sample weights; remove them");
    }

    /// Weights decide the bits, so training that resumes needs the same.
    #[test]
    fn training_does_not_resume_under_other_weights() {
        let folder = tempfile::tempdir().unwrap();
        let weighted = |last: f32| data().with_sample_weight((0..12).map(|i| if i < 11 { 1.0 } else { last })).unwrap();
        model().fit(&weighted(2.0), quiet().checkpoints(Checkpoints::new(folder.path()))).unwrap();
        let message = refused(model(), &weighted(3.0), quiet().epochs(2).resume(folder.path()));
        assert!(message.contains("it was trained on other rows"), "{message}");
        assert!(model().fit(&weighted(2.0), quiet().epochs(2).resume(folder.path())).is_ok());
    }

    #[test]
    fn penalties_are_saved_and_end_where_a_layer_is_frozen() {
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
