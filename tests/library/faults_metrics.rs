//! Targets, losses, metrics and monitors that could be silently wrong: each has the right value or is an error before
//! training.

use gradus::callbacks::{EarlyStopping, ReduceLrOnPlateau};
use gradus::data::{Arrays, Dataset, NamedArrays, Target};
use gradus::layers::{Activation, Conv2d, Dense, Dropout, Layer, Reshape};
use gradus::losses::{
    BinaryCrossentropy, CategoricalCrossentropy, Hinge, KlDivergence, Loss, MeanSquaredError,
    SparseCategoricalCrossentropy,
};
use gradus::metrics::{
    self, Accuracy, BinaryAccuracy, CategoricalAccuracy, ConfusionMatrix, Direction, F1Score, Metric, Precision,
    R2Score, Recall, ScoredBatch, SparseCategoricalAccuracy,
};
use gradus::optimizers::Sgd;
use gradus::report::Predictions;
use gradus::{
    Accepts, Batch, BatchEnd, Callback, Checkpoints, Compile, Error, Fit, Flow, Graph, Losses, Model, Monitor,
    OutputScale, Progress, Result, Sequential, Shape, Spec, TargetKind, TrainBegin,
};
use ndarray::{Array1, Array2, Array3, Array4, ArrayD, IxDyn, arr1, arr2};
use std::fmt::Debug;

fn quiet<'a>() -> Fit<'a> {
    Fit::new().batch_size(3).progress(Progress::Quiet)
}

fn rejected<T: Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

/// A model whose outputs are its inputs.
fn identity(outputs: usize, settings: Compile) -> Result<Model> {
    Sequential::new([outputs]).add(Activation::Linear).compile(settings)
}

fn with(loss: impl Loss + 'static) -> Compile {
    Compile::new(Sgd::new(0.1), loss)
}

/// A model of one dense layer, which can be trained.
fn trainable(inputs: usize, outputs: usize, settings: Compile) -> Model {
    Sequential::new([inputs]).add(Dense::new(outputs)).compile(settings.seed(5)).unwrap()
}

/// Four rows of probabilities for the classes 0, 1, 2, 1, of which the last is wrong.
fn four_rows() -> (Array2<f32>, Array1<i64>, Array2<f32>) {
    let outputs = arr2(&[[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.3, 0.5], [0.1, 0.6, 0.3]]);
    let labels = arr1(&[0i64, 1, 2, 2]);
    let one_hot = Array2::from_shape_fn((4, 3), |(row, class)| f32::from(u8::from(labels[row] == class as i64)));
    (outputs, labels, one_hot)
}

/// The value of a metric on integer labels, which must equal that on one-hot rows.
fn on_labels(metric: impl Metric + Clone + 'static) -> f64 {
    let (outputs, labels, one_hot) = four_rows();
    let sparse = with(SparseCategoricalCrossentropy::new()).metric(metric.clone());
    let dense = with(CategoricalCrossentropy::new()).metric(metric);
    let found = identity(3, sparse).unwrap().evaluate(&Arrays::new(&outputs, &labels).unwrap()).unwrap();
    let expected = identity(3, dense).unwrap().evaluate(&Arrays::new(&outputs, &one_hot).unwrap()).unwrap();
    assert_eq!(found.metrics, expected.metrics);
    found.metrics[0].1
}

#[test]
fn f1_of_integer_labels_is_that_of_one_hot_rows() {
    assert!((on_labels(F1Score::new()) - 0.777_777_8).abs() < 1e-6, "Keras and scikit-learn");
}

/// Keras' values for one-hot rows.
#[test]
fn classification_metrics_accept_integer_labels() {
    assert!((on_labels(Precision::new()) - 2.0 / 3.0).abs() < 1e-12);
    assert_eq!(on_labels(Recall::new()), 0.5);
    assert_eq!(on_labels(BinaryAccuracy::default()), 0.75);
    assert_eq!(on_labels(CategoricalAccuracy), 0.75);
    assert_eq!(on_labels(Accuracy), 0.75);
    assert_eq!(on_labels(Precision::new().class(1)), 0.5);
}

#[test]
fn regression_metrics_reject_integer_labels_of_several_classes() {
    let message = |metric: Box<dyn Metric>| {
        let class = metric.spec().class().to_owned();
        let text = rejected(identity(3, with(SparseCategoricalCrossentropy::new()).metric(metric)));
        let expected = format!(
            "metric {class}: it takes numbers of shape 3 per row, but the loss SparseCategoricalCrossentropy takes one integer \
             label per row; metrics of classes, such as Accuracy, take integer labels"
        );
        assert_eq!(text, expected);
    };
    message(Box::new(R2Score));
    message(Box::new(metrics::MeanSquaredError));
    message(Box::new(metrics::MeanAbsoluteError));
}

/// A loss that does not restrict targets leaves the check to the metrics, which check the dataset before any step.
#[test]
fn a_metric_rejects_a_dataset_before_training_in_every_call() {
    let settings = || with(Anything).metric(R2Score);
    let (outputs, labels, _) = four_rows();
    let (mut model, data) = (trainable(3, 3, settings()), Arrays::new(outputs, labels).unwrap());
    let before = model.params().sha256();
    let text = "targets for R2Score: found one integer label per row, expected numbers of shape 3 per row; metrics of classes, \
                such as Accuracy, take integer labels";
    assert_eq!(rejected(model.fit(&data, quiet())), text);
    assert_eq!(rejected(model.evaluate(&data)), text);
    assert_eq!(rejected(model.train_on_batch(&data)), text);
    assert_eq!(rejected(model.test_on_batch(&data)), text);
    let values = Arrays::new(Array2::<f32>::zeros((4, 3)), Array2::<f32>::zeros((4, 3))).unwrap();
    assert_eq!(
        rejected(model.fit(&values, quiet().validation(&data))),
        text,
        "validation is checked before training as well"
    );
    assert_eq!((model.params().sha256(), model.step()), (before, 0));
}

/// Accepts any targets, and minimizes outputs.
#[derive(Clone, Debug)]
struct Anything;

impl Loss for Anything {
    fn accepts(&self, _output: Shape) -> Accepts {
        Accepts::new(&[TargetKind::Any])
    }

    fn record<'r>(&self, prediction: gradus::tape::Var<'r>, _: gradus::tape::Var<'r>) -> gradus::tape::Var<'r> {
        (prediction * prediction).mean()
    }

    fn spec(&self) -> Spec {
        Spec::new("Anything")
    }
}

#[test]
fn sparse_accuracy_rejects_one_hot_rows() {
    let text = "metric SparseCategoricalAccuracy: it takes one integer label per row, but the loss CategoricalCrossentropy takes \
                numbers from 0 to 1 of shape 3 per row, such as one-hot rows; CategoricalAccuracy takes one-hot rows";
    assert_eq!(rejected(identity(3, with(CategoricalCrossentropy::new()).metric(SparseCategoricalAccuracy))), text);
    let (outputs, _, one_hot) = four_rows();
    let model = identity(3, with(Anything).metric(SparseCategoricalAccuracy)).unwrap();
    let text = "targets for SparseCategoricalAccuracy: found numbers of shape 3 per row, expected one integer label per row; \
                CategoricalAccuracy takes one-hot rows";
    assert_eq!(rejected(model.evaluate(&Arrays::new(outputs, one_hot).unwrap())), text);
}

#[test]
fn classes_beyond_the_output_are_rejected_by_compile() {
    let text = "metric Precision: found shape 3, expected a last axis with a class 7; classes are counted from 0";
    let precision = || Precision::new().class(7);
    assert_eq!(rejected(identity(3, with(CategoricalCrossentropy::new()).metric(precision()))), text);
    assert_eq!(rejected(identity(3, with(CategoricalCrossentropy::new()).weighted_metric(precision()))), text);
    assert!(identity(8, with(CategoricalCrossentropy::new()).metric(precision())).is_ok());
    let mut graph = Graph::new();
    let x = graph.input("x", [4]);
    for name in ["kind", "mood"] {
        let y = graph.apply(Dense::new(3), x);
        graph.output(name, y);
    }
    let settings = with(CategoricalCrossentropy::new()).metric_of("mood", precision());
    let text = "metric Precision of output \"mood\": found shape 3, expected a last axis with a class 7; classes are counted from 0";
    assert_eq!(rejected(graph.compile(settings)), text);
}

/// As in Keras on TensorFlow, every finite output is correct then.
#[test]
fn top_k_above_the_number_of_classes_is_1() {
    assert_eq!(on_labels(metrics::TopKCategoricalAccuracy::new(5)), 1.0);
}

#[test]
fn logits_of_one_output_are_class_1_above_0() {
    let logits = arr2(&[[-2.0f32], [0.25], [0.4], [3.0]]);
    let labels = arr1(&[0u8, 1, 0, 1]);
    let data = Arrays::new(&logits, &labels).unwrap();
    let of_logits = || with(BinaryCrossentropy::new().from_logits(true));
    let settings = of_logits().metric(Accuracy).metric(Precision::new()).metric(F1Score::new().threshold(0.5));
    let model = identity(1, settings).unwrap();
    assert_eq!(model.predict_classes(&logits).unwrap().to_vec(), [0, 1, 1, 1]);
    assert_eq!(model.output_scales(), [OutputScale::SigmoidLogits]);
    let scores = model.evaluate(&data).unwrap();
    assert_eq!(scores.get("accuracy"), Some(0.75));
    assert_eq!(scores.get("precision"), Some(2.0 / 3.0));
    assert_eq!(scores.get("f1_score"), Some(0.8));
    let confusion = model.confusion_matrix(&data).unwrap();
    assert_eq!((confusion.count(0, 0), confusion.count(0, 1), confusion.count(1, 1)), (1, 1, 2));
    let predictions = Predictions::of(&model, &data).unwrap();
    assert_eq!((predictions.mistakes(), predictions.confusion().unwrap()), (vec![2], confusion));
    // The probabilities of these logits.
    let probabilities = logits.mapv(|logit| 1.0 / (1.0 + (-logit).exp()));
    let model = identity(1, with(BinaryCrossentropy::new()).metric(Accuracy)).unwrap();
    let data = Arrays::new(&probabilities, &labels).unwrap();
    assert_eq!(model.predict_classes(&probabilities).unwrap().to_vec(), [0, 1, 1, 1]);
    assert_eq!(model.evaluate(&data).unwrap().get("accuracy"), Some(0.75));
    assert_eq!(Predictions::of(&model, &data).unwrap().mistakes(), [2]);
    // Margins are compared with 0, and have no other threshold.
    let model = identity(1, with(Hinge::new()).metric(Accuracy)).unwrap();
    assert_eq!(model.predict_classes(&logits).unwrap().to_vec(), [0, 1, 1, 1]);
    let text = "metric BinaryAccuracy: found shape 1, expected probabilities, for the threshold 0.7; the loss trains \
                margins, for which only the threshold 0.5, a margin of 0, is defined";
    assert_eq!(rejected(identity(1, with(Hinge::new()).metric(BinaryAccuracy::new(0.7)))), text);
}

/// A custom metric that reads the scale of the outputs.
#[derive(Clone, Debug)]
struct Positives;

impl Metric for Positives {
    fn name(&self) -> &str {
        "positives"
    }

    fn direction(&self) -> Option<Direction> {
        None
    }

    fn accepts(&self, _output: Shape) -> Accepts {
        Accepts::new(&[TargetKind::Any])
    }

    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]) {
        let threshold = batch.threshold(0.5);
        for position in batch.positions() {
            totals[0] += f64::from(u8::from(threshold.row(position.outputs()).is_above(position.outputs()[0])));
        }
    }

    fn spec(&self) -> Spec {
        Spec::new("Positives")
    }
}

#[test]
fn a_custom_metric_receives_the_scale_of_the_outputs() {
    let outputs = arr2(&[[-2.0f32], [0.25], [0.4], [3.0]]);
    let data = Arrays::new(&outputs, arr1(&[0u8, 1, 0, 1])).unwrap();
    for (logits, expected) in [(true, 0.75), (false, 0.25)] {
        let settings = with(BinaryCrossentropy::new().from_logits(logits)).metric(Positives);
        assert_eq!(identity(1, settings).unwrap().evaluate(&data).unwrap().get("positives"), Some(expected));
    }
}

#[test]
fn r2_of_constant_targets_is_1_or_0() {
    let targets = arr2(&[[0.1f32], [0.1], [0.1]]);
    let score = |outputs: &Array2<f32>| {
        let model = identity(1, with(MeanSquaredError::new()).metric(R2Score)).unwrap();
        model.evaluate(&Arrays::new(outputs, &targets).unwrap()).unwrap().get("r2_score")
    };
    assert_eq!(
        (score(&targets), score(&targets.mapv(|t| t + 0.5))),
        (Some(1.0), Some(0.0)),
        "as scikit-learn's r2_score"
    );
}

/// An output of 8 × 6 positions with 3 classes.
fn segmentation(loss: impl Loss + 'static) -> Model {
    let network = Sequential::new([8, 6, 2]).add(Conv2d::new(3, 1));
    network.compile(with(loss).metric(Accuracy).seed(3)).unwrap()
}

#[test]
fn labels_per_position_train_as_one_hot_rows_do() {
    let inputs = Array4::from_shape_fn((9, 8, 6, 2), |(n, y, x, c)| ((n + 2 * y + 3 * x + 5 * c) % 7) as f32 / 7.0);
    let labels = Array3::from_shape_fn((9, 8, 6), |(n, y, x)| ((n + y * x) % 3) as u8);
    let data = Arrays::new(&inputs, &labels).unwrap();
    assert_eq!(data.target(), Target::Labels(Shape::from([8, 6])));
    let mut sparse = segmentation(SparseCategoricalCrossentropy::new().from_logits(true));
    let mut dense = segmentation(CategoricalCrossentropy::new().from_logits(true));
    let fit = || quiet().epochs(3);
    let found = sparse.fit(&data, fit()).unwrap();
    let expected = dense.fit(&data.clone().one_hot(3).unwrap(), fit()).unwrap();
    assert_eq!(found.get("loss"), expected.get("loss"));
    assert_eq!(found.get("accuracy"), expected.get("accuracy"));
    assert!(found.get("loss").unwrap()[2] < found.get("loss").unwrap()[0]);
    assert_eq!(sparse.params().sha256(), dense.params().sha256());
    assert_eq!(sparse.predict_classes(&inputs).unwrap().len(), 9 * 8 * 6);
    assert_eq!(sparse.confusion_matrix(&data).unwrap().accuracy(), sparse.evaluate(&data).unwrap().metrics[0].1);
    let wide = Arrays::new(&inputs, Array3::<u8>::zeros((9, 8, 5))).unwrap();
    let text = "targets for SparseCategoricalCrossentropy: found integer labels of shape 8 × 5 per row, expected integer labels of \
                shape 8 × 6 per row; give the targets the shape of the model's output, or change the number of units of the \
                last layer";
    assert_eq!(rejected(sparse.fit(&wide, quiet())), text);
}

/// If the width equals the number of classes, labels have the shape of one-hot rows.
#[test]
fn labels_per_position_are_checked_where_the_width_is_the_number_of_classes() {
    let settings = with(SparseCategoricalCrossentropy::new().from_logits(true));
    let mut model = Sequential::new([4, 3, 2]).add(Dense3).compile(settings).unwrap();
    let inputs = Array4::<f32>::zeros((2, 4, 3, 2));
    let mut labels = Array3::<u8>::zeros((2, 4, 3));
    labels[(1, 2, 1)] = 7;
    let text = "row 1: label must be an integer ≥ 0 and < 3, the number of classes, got 7";
    assert_eq!(rejected(model.fit(&Arrays::new(&inputs, &labels).unwrap(), quiet())), text);
    let floats = Arrays::new(&inputs, labels.mapv(f32::from)).unwrap();
    let text = "targets for SparseCategoricalCrossentropy: found numbers of shape 4 × 3 per row, expected integer labels of shape \
                4 × 3 per row; CategoricalCrossentropy takes one-hot rows, and arrays of integers are labels";
    assert_eq!(rejected(model.fit(&floats, quiet())), text);
    labels[(1, 2, 1)] = 2;
    assert!(model.fit(&Arrays::new(&inputs, &labels).unwrap(), quiet()).unwrap().epochs[0].scores.loss.is_finite());
}

/// Three outputs per position.
#[derive(Debug)]
struct Dense3;

impl Layer for Dense3 {
    fn build(&self, inputs: &[Shape], weights: &mut gradus::layers::Weights<'_>) -> Result<Vec<Shape>> {
        Conv2d::new(3, 1).build(inputs, weights)
    }

    fn record<'r>(
        &self,
        weights: &mut gradus::layers::Cursor<'_, 'r>,
        inputs: &[gradus::tape::Var<'r>],
    ) -> Vec<gradus::tape::Var<'r>> {
        Conv2d::new(3, 1).record(weights, inputs)
    }

    fn spec(&self) -> Spec {
        Spec::new("Dense3")
    }
}

/// A custom dataset that marks rows without a target.
struct Made {
    target: Target,
    number: f32,
}

impl Dataset for Made {
    fn len(&self) -> usize {
        130
    }

    fn input_shape(&self) -> Shape {
        Shape::from([3])
    }

    fn target(&self) -> Target {
        self.target
    }

    fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]) {
        inputs.fill(0.5);
        targets.fill(1.0);
        let length = self.target.len();
        for (row, target) in rows.iter().zip(targets.chunks_exact_mut(length)).filter(|(row, _)| **row == 99) {
            target[length - 1] = if *row == 99 { self.number } else { 1.0 };
        }
    }
}

#[test]
fn targets_of_a_custom_dataset_are_checked() {
    let target = Target::LABEL;
    let mut model = trainable(3, 3, with(SparseCategoricalCrossentropy::new()));
    let text = "row 99: label must be an integer ≥ 0 and < 3, the number of classes, got 0.5";
    assert_eq!(rejected(model.fit(&Made { target, number: 0.5 }, quiet())), text);
    assert!(
        rejected(model.fit(&Made { target, number: f32::NAN }, quiet()))
            .starts_with("row 99: label must be an integer")
    );
    let part = Made { target, number: 3.0 };
    let part = gradus::data::Rows::range(&part, 90..).unwrap();
    assert!(
        rejected(model.fit(&part, quiet())).starts_with("row 99: label must be an integer"),
        "the row's number in the whole dataset"
    );
    assert!(model.fit(&Made { target, number: 2.0 }, quiet()).is_ok());
}

const PROBABILITIES: &str =
    "expected numbers from 0 to 1; scale the targets, or choose a loss and metrics of values, such as MeanSquaredError";

#[test]
fn cross_entropies_accept_targets_from_0_to_1() {
    let target = Target::Values(Shape::from([3]));
    let losses: [Box<dyn Loss>; 3] =
        [Box::new(CategoricalCrossentropy::new()), Box::new(BinaryCrossentropy::new()), Box::new(KlDivergence::new())];
    for loss in losses {
        let class = loss.spec().class().to_owned();
        let mut model = trainable(3, 3, with(loss));
        let before = model.params().sha256();
        for (number, text) in [(1.5, "1.5"), (-0.25, "-0.25"), (f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
            let expected = format!("targets for {class}: row 99 holds {text}, {PROBABILITIES}");
            assert_eq!(rejected(model.fit(&Made { target, number }, quiet())), expected);
            assert_eq!(rejected(model.evaluate(&Made { target, number })), expected);
        }
        assert_eq!(model.params().sha256(), before);
        assert!(model.fit(&Made { target, number: 0.25 }, quiet()).is_ok());
    }
    let mut model = trainable(3, 3, with(MeanSquaredError::new()));
    let text = "targets for MeanSquaredError: row 99 holds NaN, expected finite numbers; remove rows without a target";
    assert_eq!(rejected(model.fit(&Made { target, number: f32::NAN }, quiet())), text);
    assert!(model.fit(&Made { target, number: -7.5 }, quiet()).is_ok());
    let mut model = trainable(3, 3, with(Hinge::new()));
    let text = "targets for Hinge: row 99 holds 0.5, expected −1 or 1, or 0 or 1";
    assert_eq!(rejected(model.fit(&Made { target, number: 0.5 }, quiet())), text);
    let mixed =
        Arrays::new(Array2::<f32>::zeros((3, 3)), arr2(&[[1.0f32, 1.0, -1.0], [1.0, 1.0, 1.0], [1.0, 0.0, 1.0]]));
    let text = "targets for Hinge: row 2 holds 0, expected −1 and 1, or 0 and 1, but not all three";
    assert_eq!(rejected(model.fit(&mixed.unwrap(), quiet())), text);
}

#[test]
fn class_weights_need_targets_that_are_classes() {
    let inputs = Array2::from_shape_fn((6, 2), |(i, j)| (i + j) as f32 / 6.0);
    let fit = |loss: Box<dyn Loss>, outputs: usize, data: &Arrays| {
        let mut model = trainable(2, outputs, with(loss));
        let before = model.params().sha256();
        let result = model.fit(data, quiet().class_weight(1, 3.0)).map(|history| history.get("loss"));
        if result.is_err() {
            assert_eq!(model.params().sha256(), before);
            assert!(model.train_on_batch(Batch::new(data).class_weight(1, 3.0)).is_err());
        }
        result
    };
    let values = Arrays::new(&inputs, Array1::from_shape_fn(6, |i| i as f32 / 5.0)).unwrap();
    let text = "class_weight: the target of row 1 is not a class; class weights with MeanSquaredError need integer labels, \
                one-hot rows, or 0 and 1; use sample weights instead";
    assert_eq!(rejected(fit(Box::new(MeanSquaredError::new()), 1, &values)), text);
    let counts = Arrays::new(&inputs, Array1::from_shape_fn(6, |i| i as i64)).unwrap();
    assert!(rejected(fit(Box::new(MeanSquaredError::new()), 1, &counts)).contains("row 2 is not a class"));
    let signs = Arrays::new(&inputs, Array1::from_shape_fn(6, |i| if i % 2 == 0 { 1.0f32 } else { -1.0 })).unwrap();
    assert!(
        rejected(fit(Box::new(Hinge::new()), 1, &signs))
            .contains("row 1 is not a class; class weights with Hinge need")
    );
    // Labels and one-hot rows, also with a regression loss.
    let labels = Arrays::new(&inputs, Array1::from_shape_fn(6, |i| (i % 3) as u8)).unwrap();
    let one_hot = labels.clone().one_hot(3).unwrap();
    let sparse = fit(Box::new(SparseCategoricalCrossentropy::new().from_logits(true)), 3, &labels).unwrap();
    let dense = fit(Box::new(CategoricalCrossentropy::new().from_logits(true)), 3, &one_hot).unwrap();
    assert_eq!(sparse, dense);
    assert!(fit(Box::new(MeanSquaredError::new()), 3, &one_hot).is_ok());
    let bits = Arrays::new(&inputs, Array1::from_shape_fn(6, |i| (i % 2) as u8)).unwrap();
    assert!(fit(Box::new(BinaryCrossentropy::new().from_logits(true)), 1, &bits).is_ok());
}

#[test]
fn confusion_counts_integer_labels_and_one_hot_rows_alike() {
    let (outputs, labels, one_hot) = four_rows();
    let expected = ConfusionMatrix::new(&[0, 1, 2, 2], &[0, 1, 2, 1], 3).unwrap();
    let model = identity(3, with(Anything)).unwrap();
    let [labels, one_hot] = [Arrays::new(&outputs, &labels).unwrap(), Arrays::new(&outputs, &one_hot).unwrap()];
    for data in [&labels, &one_hot] {
        assert_eq!(model.confusion_matrix(data).unwrap(), expected);
        let predictions = Predictions::of(&model, data).unwrap();
        assert_eq!((predictions.confusion().unwrap(), predictions.mistakes()), (expected.clone(), vec![3]));
    }
    let values = Arrays::new(&outputs, Array2::<f32>::ones((4, 3)) * 2.0).unwrap();
    let text = format!("targets for confusion_matrix: row 0 holds 2, {PROBABILITIES}");
    assert_eq!(rejected(model.confusion_matrix(&values)), text);
    let named = NamedArrays::new().with_input("input", &outputs).unwrap();
    let named = named.with_target("output", arr1(&[0i64, 1, 2, 2])).unwrap();
    assert_eq!(model.confusion_matrix(&named).unwrap(), expected);
}

#[test]
fn an_unknown_score_is_none() {
    let mut model = trainable(3, 3, with(SparseCategoricalCrossentropy::new().from_logits(true)).metric(Accuracy));
    let (inputs, labels, _) = four_rows();
    let history = model.fit(&Arrays::new(inputs, labels).unwrap(), quiet().epochs(2)).unwrap();
    assert_eq!(history.get("loss").map(|losses| losses.len()), Some(2));
    assert_eq!((history.get("val_loss"), history.get("acc"), history.get("")), (None, None, None));
}

/// A custom metric whose name suggests no direction or the wrong one.
#[derive(Clone, Debug)]
struct Named {
    name: &'static str,
    direction: Option<Direction>,
}

impl Metric for Named {
    fn name(&self) -> &str {
        self.name
    }

    fn direction(&self) -> Option<Direction> {
        self.direction
    }

    fn accepts(&self, _output: Shape) -> Accepts {
        Accepts::new(&[TargetKind::Any])
    }

    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]) {
        totals[0] += batch.rows() as f64;
    }

    fn spec(&self) -> Spec {
        Spec::new("Named")
    }
}

fn named(name: &'static str, direction: Option<Direction>) -> Named {
    Named { name, direction }
}

/// The direction of each reported score.
struct Directions(Vec<(String, Option<Direction>)>);

impl Callback for Directions {
    fn train_begin(&mut self, _: &mut Model, begin: &TrainBegin<'_>) -> Result<()> {
        self.0 = begin.scores.iter().map(|score| (score.name.clone(), score.direction)).collect();
        Ok(())
    }

    fn batch_end(&mut self, _: &mut Model, _: &BatchEnd<'_>) -> Result<Flow> {
        Ok(Flow::Continue(()))
    }
}

#[test]
fn every_score_has_the_direction_of_its_loss_or_metric() {
    use Direction::{Higher, Lower};
    let mut graph = Graph::new();
    let x = graph.input("x", [3]);
    for name in ["a", "b"] {
        let y = graph.apply(Dense::new(3), x);
        graph.output(name, y);
    }
    let losses = Losses::new().output("a", SparseCategoricalCrossentropy::new()).output("b", MeanSquaredError::new());
    let settings = Compile::new(Sgd::new(0.1), losses)
        .metric_of("a", named("kl_divergence", Some(Lower)))
        .metric_of("a", named("error_free", Some(Higher)))
        .weighted_metric_of("a", Accuracy)
        .metric_of("a", Accuracy)
        .metric_of("b", metrics::MeanAbsoluteError)
        .metric_of("b", named("share", None));
    let mut model = graph.compile(settings).unwrap();
    let data = NamedArrays::new().with_input("x", Array2::<f32>::ones((4, 3))).unwrap();
    let data =
        data.with_target("a", arr1(&[0u8, 1, 2, 0])).unwrap().with_target("b", Array2::<f32>::ones((4, 3))).unwrap();
    let mut directions = Directions(Vec::new());
    model.fit(&data, quiet().validation(&data).callback(&mut directions)).unwrap();
    let expected = [
        ("loss", Some(Lower)),
        ("a_loss", Some(Lower)),
        ("b_loss", Some(Lower)),
        ("a_kl_divergence", Some(Lower)),
        ("a_error_free", Some(Higher)),
        ("a_accuracy", Some(Higher)),
        ("b_mean_absolute_error", Some(Lower)),
        ("b_share", None),
        ("a_weighted_accuracy", Some(Higher)),
    ];
    let validation = expected.iter().map(|(name, direction)| (format!("val_{name}"), *direction));
    let expected = expected.iter().map(|(name, direction)| (name.to_string(), *direction)).chain(validation);
    assert_eq!(directions.0, expected.collect::<Vec<_>>());
}

/// A training run with constant scores: no epoch after the first is better in either direction.
fn trained(callback: &mut dyn Callback, checkpoints: Option<Checkpoints>) -> Result<usize> {
    let settings = with(SparseCategoricalCrossentropy::new().from_logits(true));
    let settings = settings.metric(named("undirected", None)).metric(named("hinge", Some(Direction::Lower)));
    let (inputs, labels, _) = four_rows();
    let fit = quiet().epochs(4).callback(callback);
    let fit = checkpoints.into_iter().fold(fit, |fit, checkpoints| fit.checkpoints(checkpoints));
    let history = trainable(3, 3, settings).fit(&Arrays::new(inputs, labels).unwrap(), fit)?;
    Ok(history.epochs.len())
}

#[test]
fn a_monitor_of_a_score_without_a_direction_must_state_one() {
    let text = |place: &str| {
        let problem =
            "unknown whether lower or higher is better; use Monitor::new(\"undirected\").lower() or .higher()";
        format!("{place}: score \"undirected\": {problem}")
    };
    let error = trained(&mut EarlyStopping::new("undirected"), None).unwrap_err();
    assert!(matches!(&error, Error::Undirected { score, .. } if score == "undirected"));
    assert_eq!(error.to_string(), text("EarlyStopping"));
    assert_eq!(rejected(trained(&mut ReduceLrOnPlateau::new("undirected"), None)), text("ReduceLrOnPlateau"));
    let folder = std::env::temp_dir().join(format!("gradus-faults-monitor-{}", std::process::id()));
    let checkpoints = |monitor: Monitor| Some(Checkpoints::new(&folder).best(monitor));
    let mut nothing = Directions(Vec::new());
    assert_eq!(rejected(trained(&mut nothing, checkpoints("undirected".into()))), text("Checkpoints::best"));
    assert_eq!(trained(&mut EarlyStopping::new(Monitor::new("undirected").lower()), None).unwrap(), 2);
    assert_eq!(trained(&mut EarlyStopping::new(Monitor::new("undirected").higher()), None).unwrap(), 2);
    assert_eq!(trained(&mut EarlyStopping::new("hinge"), None).unwrap(), 2);
    assert_eq!(trained(&mut nothing, checkpoints(Monitor::new("undirected").higher())).unwrap(), 4);
    std::fs::remove_dir_all(folder).unwrap();
}

/// A metric with the values 1, 2, 3, … in successive epochs.
#[derive(Debug)]
struct Rising {
    name: &'static str,
    direction: Direction,
    asked: std::sync::atomic::AtomicUsize,
}

impl Metric for Rising {
    fn name(&self) -> &str {
        self.name
    }

    fn direction(&self) -> Option<Direction> {
        Some(self.direction)
    }

    fn accepts(&self, _output: Shape) -> Accepts {
        Accepts::new(&[TargetKind::Any])
    }

    fn add(&self, batch: &ScoredBatch<'_>, totals: &mut [f64]) {
        let epoch = self.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        totals[0] += (epoch * batch.rows()) as f64;
    }

    fn spec(&self) -> Spec {
        Spec::new("Rising")
    }
}

/// The names suggest the opposite of the directions.
#[test]
fn callbacks_follow_the_metric_and_not_its_name() {
    let fit = |name: &'static str, direction: Direction, callback: &mut dyn Callback| {
        let metric = Rising { name, direction, asked: 0.into() };
        let settings = with(SparseCategoricalCrossentropy::new().from_logits(true)).metric(metric);
        let (inputs, labels, _) = four_rows();
        let data = Arrays::new(inputs, labels).unwrap();
        let mut model = trainable(3, 3, settings);
        let history = model.fit(&data, quiet().batch_size(4).epochs(5).callback(callback)).unwrap();
        (history.epochs.len(), model.learning_rate())
    };
    let rising_is_worse = ("kl_divergence", Direction::Lower);
    let rising_is_better = ("freedom_from_error", Direction::Higher);
    for ((name, direction), stops, rate) in [(rising_is_worse, 2, 0.05), (rising_is_better, 5, 0.1)] {
        assert_eq!(fit(name, direction, &mut EarlyStopping::new(name)).0, stops, "{name}");
        let mut reducing = ReduceLrOnPlateau::new(name).factor(0.5).patience(4);
        assert_eq!(fit(name, direction, &mut reducing).1, rate, "{name}");
    }
}

#[test]
fn a_softmax_over_one_output_is_rejected_by_compile() {
    let network = || Sequential::new([3]).add(Dense::new(1).activation(Activation::Softmax));
    let text = "output: found shape 1, expected an output that depends on the inputs: a softmax over a single output is always 1; \
                take a sigmoid with BinaryCrossentropy, or two outputs or more";
    assert_eq!(rejected(network().compile(with(BinaryCrossentropy::new()))), text);
    assert_eq!(rejected(network().compile(with(MeanSquaredError::new()))), text);
    assert_eq!(rejected(network().add(Dropout::new(0.1)).compile(with(BinaryCrossentropy::new()))), text);
    let reshaped = network().add(Reshape::new([1, 1])).compile(with(BinaryCrossentropy::new()));
    assert_eq!(rejected(reshaped), text.replace("shape 1,", "shape 1 × 1,"));
    let logarithm = Sequential::new([3]).add(Dense::new(1).activation(Activation::LogSoftmax));
    assert_eq!(rejected(logarithm.compile(with(MeanSquaredError::new()))), text);
    let text = "loss CategoricalCrossentropy: found shape 1, expected a last axis of size 2 or more; BinaryCrossentropy takes one \
                output";
    assert_eq!(rejected(network().compile(with(CategoricalCrossentropy::new()))), text);
    let text = text.replace("loss CategoricalCrossentropy", "loss SparseCategoricalCrossentropy");
    assert_eq!(rejected(network().compile(with(SparseCategoricalCrossentropy::new()))), text);
    // A file written by Keras may contain such a model.
    let path = std::env::temp_dir().join(format!("gradus-softmax-of-one-{}.h5", std::process::id()));
    std::fs::write(&path, include_bytes!("../faults/softmax_of_one.h5")).unwrap();
    let mut model = gradus::formats::keras::load(&path).unwrap();
    let inputs = arr2(&[[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    assert_eq!(model.predict(&inputs).unwrap(), ArrayD::from_elem(IxDyn(&[2, 1]), 1.0));
    let exported = path.with_extension("onnx");
    gradus::formats::onnx::export(&model, &exported).unwrap();
    let data = Arrays::new(&inputs, arr2(&[[1.0f32], [0.0]])).unwrap();
    assert_eq!(rejected(model.fit(&data, quiet())), text.replace("Sparse", ""));
    assert_eq!(rejected(model.evaluate(&data)), text.replace("Sparse", ""));
    [path, exported].iter().for_each(|path| std::fs::remove_file(path).unwrap());
}
