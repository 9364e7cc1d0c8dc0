//! Values, gradients, optimizer steps and training runs compared with Keras (`golden/make.py`).

use crate::golden::{Cases, assert_close, load};
use gradus::data::{Arrays, Dataset};
use gradus::initializers::{GlorotNormal, GlorotUniform, HeNormal, HeUniform, Initializer, LecunNormal, LecunUniform};
use gradus::layers::{Activation, BatchNorm, Conv2d, Dense, Flatten, MaxPool2d, Padding};
use gradus::losses::{CategoricalCrossentropy, Loss, SparseCategoricalCrossentropy};
use gradus::metrics::{ConfusionMatrix, Metric, ScoredBatch, TopKCategoricalAccuracy};
use gradus::ops::Conv2dOptions;
use gradus::optimizers::{Adam, Optimizer, ParamSlice, RmsProp, Sgd, Step};
use gradus::tape::{Mode, ParamGradients, ParamId, Params, Recorder, Tape, ValueId, Var};
use gradus::{BatchEnd, Callback, Compile, Fit, Flow, Key, Model, Progress, Result, Sequential, Shape, View};
use ndarray::{ArrayD, Axis, IxDyn};

/// Tolerance relative to the largest value of an array or 1.
const NEAR: f32 = 1e-5;

/// Tolerance after ten training steps.
const NEAR_AFTER_TEN_STEPS: f32 = 1e-4;

/// One golden case of a layer, recorded with its parameters under their names in the file.
struct Recorded {
    params: Params,
    ids: Vec<(&'static str, ParamId)>,
}

impl Recorded {
    fn new(cases: &Cases, case: &str, trainable: &[&'static str], states: &[&'static str]) -> Recorded {
        let mut params = Params::new();
        let mut ids = Vec::new();
        for name in trainable {
            ids.push((*name, params.add(name, cases.array(&format!("{case}/{name}"))).unwrap()));
        }
        for name in states {
            ids.push((*name, params.add_state(name, cases.array(&format!("{case}/{name}"))).unwrap()));
        }
        Recorded { params, ids }
    }

    fn id(&self, name: &str) -> ParamId {
        self.ids.iter().find(|(known, _)| *known == name).expect("a parameter of the case").1
    }

    /// Compares y, dx and the gradient of every trainable parameter of Σ y·r.
    fn check(
        &mut self,
        cases: &Cases,
        case: &str,
        mode: Mode,
        record: impl for<'r> Fn(Var<'r>, &dyn Fn(&str) -> Var<'r>) -> Var<'r>,
    ) {
        let array = |name: &str| cases.array(&format!("{case}/{name}"));
        let recorder = Recorder::new(mode);
        let x = recorder.variable(Shape::new(array("x").shape()).unwrap());
        let y = record(x, &|name| recorder.parameter(&self.params, self.id(name)));
        let r = recorder.input(y.shape());
        recorder.minimize((y * r).sum());
        let (x, y, r) = (x.id(), y.id(), r.id());
        let mut tape = recorder.finish().unwrap();
        tape.input_mut(x).assign(array("x"));
        tape.input_mut(r).assign(array("r"));
        let mut gradients = ParamGradients::new(&self.params);
        tape.run(&self.params, Key::from_seed(0)).unwrap();
        tape.backward(&self.params, &mut gradients);
        tape.commit(&mut self.params);
        assert_close(&format!("{case}/y"), tape.value(y), array("y").view(), NEAR);
        assert_close(&format!("{case}/dx"), tape.gradient(x).unwrap(), array("dx").view(), NEAR);
        for (name, id) in self.ids.iter().filter(|(_, id)| self.params.trainable(*id)) {
            let expected = array(&format!("d{name}"));
            assert_close(&format!("{case}/d{name}"), gradients.get(*id).unwrap(), expected.view(), NEAR);
        }
    }
}

#[test]
fn dense() {
    let cases = load("dense.txt");
    for case in cases.cases() {
        let mut recorded = Recorded::new(&cases, case, &["weight", "bias"], &[]);
        recorded.check(&cases, case, Mode::Training, |x, parameter| {
            let affine = |activation| x.affine(parameter("weight"), parameter("bias"), activation);
            match case.strip_prefix("dense_").unwrap() {
                "linear" => affine(Activation::Linear),
                "relu" => affine(Activation::Relu),
                "sigmoid" => affine(Activation::Sigmoid),
                "tanh" => affine(Activation::Tanh),
                "softmax" => affine(Activation::Linear).softmax(),
                other => panic!("an activation that is not compared: {other}"),
            }
        });
    }
}

#[test]
fn conv2d() {
    let cases = load("conv2d.txt");
    for case in cases.cases() {
        let padding = if case.contains("same") { Padding::Same } else { Padding::Valid };
        let options = Conv2dOptions::new().padding(padding).strides(match case {
            case if case.contains("stride2x1") => [2, 1],
            case if case.contains("stride2") => [2, 2],
            _ => [1, 1],
        });
        let mut recorded = Recorded::new(&cases, case, &["weight", "bias"], &[]);
        recorded.check(&cases, case, Mode::Training, |x, parameter| {
            x.conv2d(parameter("weight"), Some(parameter("bias")), options)
        });
    }
}

#[test]
fn max_pool2d() {
    let cases = load("max_pool2d.txt");
    for case in cases.cases() {
        let padding = if case.contains("same") { Padding::Same } else { Padding::Valid };
        let (window, strides) = match case {
            "max_pool2d_valid_2x2" | "max_pool2d_same_2x2" => ([2, 2], [2, 2]),
            "max_pool2d_valid_3x2_strides2x1" | "max_pool2d_same_3x2_strides2x1" => ([3, 2], [2, 1]),
            "max_pool2d_ties" => ([2, 2], [1, 1]),
            other => panic!("a pooling that is not compared: {other}"),
        };
        let mut recorded = Recorded::new(&cases, case, &[], &[]);
        recorded.check(&cases, case, Mode::Training, |x, _| x.max_pool2d(window, strides, padding));
    }
}

#[test]
fn batch_norm() {
    let cases = load("batch_norm.txt");
    for case in cases.cases() {
        let (momentum, epsilon) = if case.contains("momentum0.9") { (0.9, 1e-5) } else { (0.99, 1e-3) };
        let mut recorded = Recorded::new(&cases, case, &["gamma", "beta"], &["mean", "variance"]);
        let moving = [recorded.id("mean"), recorded.id("variance")];
        recorded.check(&cases, case, Mode::Training, |x, parameter| {
            let (gamma, beta) = (parameter("gamma"), parameter("beta"));
            if case.contains("inference") {
                return x.batch_norm_inference([gamma, beta], [parameter("mean"), parameter("variance")], epsilon);
            }
            let moving = ["mean", "variance"].map(parameter);
            x.batch_norm(gamma, beta, momentum, epsilon, Some(moving))
        });
        if case.contains("training") {
            for (name, id) in ["mean_after", "variance_after"].into_iter().zip(moving) {
                let expected = cases.array(&format!("{case}/{name}"));
                assert_close(&format!("{case}/{name}"), recorded.params.get(id), expected.view(), NEAR);
            }
        }
    }
}

#[test]
fn metrics() {
    let cases = load("metrics.txt");
    let array = |name: &str| cases.array(&format!("classes/{name}"));
    let (predictions, targets) = (array("predictions"), array("targets"));
    let largest = |row: ndarray::ArrayViewD<'_, f32>| {
        (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).expect("a row of several classes")
    };
    let predicted: Vec<usize> = predictions.outer_iter().map(largest).collect();
    let matrix = ConfusionMatrix::new(&cases.integers("classes/labels"), &predicted, 7).unwrap();
    let by_class = |score: fn(&ConfusionMatrix, usize) -> f64| {
        ArrayD::from_shape_fn(IxDyn(&[7]), |class| score(&matrix, class[0]) as f32)
    };
    assert_close("precision", by_class(ConfusionMatrix::precision).view(), array("precision").view(), NEAR);
    assert_close("recall", by_class(ConfusionMatrix::recall).view(), array("recall").view(), NEAR);
    assert_close("f1", by_class(ConfusionMatrix::f1).view(), array("f1").view(), NEAR);
    let view = |array: &ArrayD<f32>| (Shape::new(array.shape()).unwrap(), array.iter().copied().collect::<Vec<f32>>());
    let ((shape, predictions), (target_shape, targets)) = (view(predictions), view(targets));
    let top = ArrayD::from_shape_fn(IxDyn(&[5]), |k| {
        let metric = TopKCategoricalAccuracy::new(k[0] + 1);
        let batch = ScoredBatch::values(View::new(shape, &predictions), View::new(target_shape, &targets));
        metric.score(&batch).unwrap() as f32
    });
    assert_close("top", top.view(), array("top").view(), NEAR);
}

#[test]
fn losses() {
    let cases = load("losses.txt");
    for case in cases.cases() {
        let array = |name: &str| cases.array(&format!("{case}/{name}"));
        let logits = cases.contains(&format!("{case}/logits"));
        let input = if logits { "logits" } else { "probabilities" };
        let labels = cases.contains(&format!("{case}/labels"));
        let target = if labels { array("labels") } else { array("targets") };
        let recorder = Recorder::new(Mode::Training);
        let x = recorder.variable(Shape::new(array(input).shape()).unwrap());
        let t = recorder.input(Shape::new(target.shape()).unwrap());
        let loss: &dyn Loss = match labels {
            true => &SparseCategoricalCrossentropy::new().from_logits(logits),
            false => &CategoricalCrossentropy::new().from_logits(logits),
        };
        let weights = cases.contains(&format!("{case}/weights")).then(|| array("weights"));
        let w = recorder.input([x.shape().axis(0)]);
        let loss = weights.map_or(loss.record(x, t), |_| loss.record_weighted(x, t, w));
        recorder.minimize(loss);
        let (ids, w) = ([x.id(), t.id(), loss.id()], w.id());
        let tape = recorder.finish().unwrap();
        check_loss(&cases, case, tape, ids, (w, weights), [array(input), target, array(&format!("d{input}"))]);
    }
}

fn check_loss(
    cases: &Cases,
    case: &str,
    mut tape: Tape,
    ids: [ValueId; 3],
    (w, weights): (ValueId, Option<&ArrayD<f32>>),
    arrays: [&ArrayD<f32>; 3],
) {
    let ([x, t, loss], [input, target, gradient]) = (ids, arrays);
    let params = Params::new();
    weights.into_iter().for_each(|weights| tape.input_mut(w).assign(weights));
    tape.input_mut(x).assign(input);
    tape.input_mut(t).assign(target);
    tape.run(&params, Key::from_seed(0)).unwrap();
    tape.backward(&params, &mut ParamGradients::new(&params));
    let expected = ArrayD::from_elem(IxDyn(&[]), cases.scalar(&format!("{case}/loss")));
    assert_close(&format!("{case}/loss"), tape.value(loss), expected.view(), NEAR);
    assert_close(&format!("{case} gradient"), tape.gradient(x).unwrap(), gradient.view(), NEAR);
}

#[test]
fn optimizers() {
    let cases = load("optimizers.txt");
    for case in cases.cases() {
        let optimizer: Box<dyn Optimizer> = match case {
            "sgd" => Box::new(Sgd::new(0.01)),
            "sgd_momentum" => Box::new(Sgd::new(0.01).momentum(0.9)),
            "sgd_nesterov" => Box::new(Sgd::new(0.01).momentum(0.9).nesterov(true)),
            "rmsprop" => Box::new(RmsProp::default()),
            "adam" => Box::new(Adam::default()),
            "adam_betas" => Box::new(Adam::new(0.01).beta_1(0.8).beta_2(0.95)),
            other => panic!("an optimizer that is not compared: {other}"),
        };
        for array in ["a", "b"] {
            check_optimizer(&cases, case, array, optimizer.as_ref());
        }
    }
}

fn check_optimizer(cases: &Cases, case: &str, array: &str, optimizer: &dyn Optimizer) {
    let mut value: Vec<f32> = cases.array(&format!("{case}/start.{array}")).iter().copied().collect();
    let mut state: Vec<Vec<f32>> = optimizer.initial_state().iter().map(|first| vec![*first; value.len()]).collect();
    let gradients = cases.array(&format!("{case}/gradients.{array}"));
    let after = cases.array(&format!("{case}/after.{array}"));
    for (step, (gradient, after)) in gradients.outer_iter().zip(after.outer_iter()).enumerate() {
        let gradient: Vec<f32> = gradient.iter().copied().collect();
        let number = step as u64 + 1;
        let rate = optimizer.options().unwrap().learning_rate.rate(step as u64);
        optimizer.update(
            Step::new(number, rate),
            ParamSlice::new(&mut value, &gradient, state.iter_mut().map(Vec::as_mut_slice)),
        );
        let found = ArrayD::from_shape_vec(after.raw_dim(), value.clone()).unwrap();
        assert_close(&format!("{case}, array {array}, step {}", step + 1), found.view(), after, NEAR);
    }
}

/// Records the loss of every step, computed from the means over the epoch so far.
#[derive(Default)]
struct StepLosses {
    total: f64,
    losses: Vec<f32>,
}

impl Callback for StepLosses {
    fn batch_end(&mut self, _: &mut Model, batch: &BatchEnd<'_>) -> Result<Flow> {
        let before = if batch.batch == 1 { 0.0 } else { self.total };
        self.total = batch.scores.loss * batch.batch as f64;
        self.losses.push((self.total - before) as f32);
        Ok(Flow::Continue(()))
    }
}

fn set_weights(model: &mut Model, cases: &Cases, prefix: &str) {
    let ids: Vec<ParamId> = model.params().ids().collect();
    let arrays = cases.starting_with(prefix);
    assert_eq!(ids.len(), arrays.len(), "{prefix}");
    ids.into_iter().zip(arrays).for_each(|(id, (_, array))| model.params_mut().get_mut(id).assign(array));
}

fn check_weights(model: &Model, cases: &Cases, prefix: &str, near: f32) {
    for (id, (name, expected)) in model.params().ids().zip(cases.starting_with(prefix)) {
        assert_close(&format!("{prefix}{name}"), model.params().get(id), expected.view(), near);
    }
}

/// Ten steps on two alternating batches of eight rows, as unshuffled epochs.
fn check_training(case: &str, network: &Sequential, settings: impl Fn() -> Compile) {
    let cases = load("models.txt");
    let array = |name: &str| cases.array(&format!("{case}/{name}"));
    let labels = cases.contains(&format!("{case}/labels"));
    let data = if labels {
        Arrays::new(array("x"), array("labels").mapv(|label| label as i64)).unwrap()
    } else {
        Arrays::new(array("x"), array("targets")).unwrap()
    };
    let fit = |epochs: usize| Fit::new().epochs(epochs).batch_size(8).shuffle(false).progress(Progress::Quiet);
    let mut first = network.compile(settings()).unwrap();
    set_weights(&mut first, &cases, &format!("{case}/start."));
    let half: &dyn Dataset = &data.rows(..8).unwrap();
    first.fit(half, fit(1)).unwrap();
    check_weights(&first, &cases, &format!("{case}/first."), NEAR);

    let mut model = network.compile(settings()).unwrap();
    set_weights(&mut model, &cases, &format!("{case}/start."));
    let mut steps = StepLosses::default();
    model.fit(&data, fit(5).callback(&mut steps)).unwrap();
    let losses = ArrayD::from_shape_vec(IxDyn(&[10]), steps.losses).unwrap();
    assert_close(&format!("{case}/losses"), losses.view(), array("losses").view(), NEAR_AFTER_TEN_STEPS);
    check_weights(&model, &cases, &format!("{case}/end."), NEAR_AFTER_TEN_STEPS);
    let predictions = model.predict(array("x")).unwrap();
    assert_close(&format!("{case}/predictions"), predictions.view(), array("predictions").view(), NEAR_AFTER_TEN_STEPS);
}

#[test]
fn a_convolutional_network_trains_alike() {
    let network = Sequential::new([9, 9, 1])
        .add(Conv2d::new(3, 2))
        .add(MaxPool2d::new(2))
        .add(Activation::Sigmoid)
        .add(Conv2d::new(4, 3))
        .add(Flatten)
        .add(Dense::new(5).activation(Activation::Tanh))
        .add(Dense::new(3).activation(Activation::Softmax));
    check_training("conv_net", &network, || Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new()));
}

#[test]
fn a_network_with_batch_normalization_trains_alike() {
    let width = load("models.txt").array("batch_norm_net/x").len_of(Axis(1));
    let network = Sequential::new([width])
        .add(BatchNorm::new())
        .add(Dense::new(6).activation(Activation::Sigmoid))
        .add(Dense::new(3).activation(Activation::Softmax));
    check_training("batch_norm_net", &network, || Compile::new(RmsProp::default(), CategoricalCrossentropy::new()));
}

#[test]
fn a_network_that_ends_in_logits_trains_alike() {
    let width = load("models.txt").array("logits_net/x").len_of(Axis(1));
    let network = Sequential::new([width]).add(Dense::new(6).activation(Activation::Relu)).add(Dense::new(3));
    let loss = || SparseCategoricalCrossentropy::new().from_logits(true);
    check_training("logits_net", &network, || Compile::new(Adam::default(), loss()));
}

#[test]
fn initializers() {
    let cases = load("init.txt");
    for case in cases.cases() {
        let (kind, shape) = case.rsplit_once('_').unwrap();
        let init: &dyn Initializer = match kind {
            "glorot_uniform" => &GlorotUniform,
            "glorot_normal" => &GlorotNormal,
            "he_uniform" => &HeUniform,
            "he_normal" => &HeNormal,
            "lecun_uniform" => &LecunUniform,
            "lecun_normal" => &LecunNormal,
            other => panic!("an initializer that is not compared: {other}"),
        };
        let sizes: Vec<usize> = shape.split('x').map(|size| size.parse().unwrap()).collect();
        check_init(&cases, case, init, Shape::new(&sizes).unwrap());
    }
}

/// Compares mean, deviation and extremes over the number of draws of Keras, within their standard errors.
fn check_init(cases: &Cases, case: &str, init: &dyn Initializer, shape: Shape) {
    let draws = cases.integers(&format!("{case}/draws"))[0];
    let arrays = (0..draws.div_ceil(shape.len()) as u64).map(|array| Key::from_seed(5).split(array));
    let values: Vec<f64> = arrays.flat_map(|key| init.values(shape, key).unwrap()).map(f64::from).collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
    let statistics = cases.array(&format!("{case}/statistics"));
    let [_, expected, least, greatest] = [0, 1, 2, 3].map(|at| f64::from(statistics[[at]]));
    assert!(mean.abs() < 5.0 * expected / n.sqrt(), "{case}: mean {mean}");
    assert!((deviation / expected - 1.0).abs() < 5.0 / n.sqrt(), "{case}: deviation {deviation}, Keras' {expected}");
    let bound = f64::from(cases.scalar(&format!("{case}/bound")));
    let limit = if case.contains("normal") { 2.0 * bound } else { bound };
    let inside = values.iter().all(|value| value.abs() <= limit * (1.0 + 1e-6));
    assert!(inside && least.abs().max(greatest) <= limit * (1.0 + 1e-6), "{case}: beyond {limit}");
    let farthest = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    assert!(farthest > 0.99 * limit, "{case}: only up to {farthest} of {limit}");
}
