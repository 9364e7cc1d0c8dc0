//! Faults that are detected while a model runs, and impossible settings: each is a typed error, and a failed step does
//! not change the model.

use gradus::data::{Arrays, NamedArrays};
use gradus::formats::onnx;
use gradus::initializers::{HeNormal, Ones};
use gradus::layers::{
    Activation, AveragePool2d, BatchNorm, Conv2d, Cursor, Dense, Dropout, Embedding, Flatten, Layer, MaxPool2d,
    Padding, Weights,
};
use gradus::losses::{MeanSquaredError, SparseCategoricalCrossentropy};
use gradus::metrics::Accuracy;
use gradus::optimizers::{Adam, Clip, Optimizer, RmsProp};
use gradus::regularizers::L2;
use gradus::tape::{Context, Gradients, Inputs, Mode, Op, ParamGradients, Params, Recorder, Var, arity};
use gradus::testing::with_threads;
use gradus::{
    Checkpoints, Compile, Error, Fit, Graph, Key, Model, OptimizerState, Progress, Result, Sequential, Shape, Spec,
};
use ndarray::{Array1, Array2, Array4, arr1, arr2, s};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::tempdir;

/// Indices < 5 for 16 samples, 3 per sample.
fn indices() -> Array2<f32> {
    Array2::from_shape_fn((16, 3), |(i, j)| ((3 * i + 7 * j) % 5) as f32)
}

fn labels() -> Array1<u8> {
    Array1::from_shape_fn(16, |i| (i % 3) as u8)
}

fn good() -> Arrays {
    Arrays::new(indices(), labels()).unwrap()
}

/// The rows of [`good`] with one index replaced.
fn bad(row: usize, index: f32) -> Arrays {
    let mut indices = indices();
    indices[[row, 1]] = index;
    Arrays::new(indices, labels()).unwrap()
}

/// A model with every kind of state: weights, running statistics, optimizer state, and random draws of dropout.
fn model() -> Model {
    let network = Sequential::new([3])
        .add(Embedding::new(5, 4))
        .add(Flatten)
        .add(BatchNorm::new())
        .add(Dropout::new(0.2))
        .add(Dense::new(3));
    let loss = SparseCategoricalCrossentropy::new().from_logits(true);
    network.compile(Compile::new(Adam::new(0.01), loss).metric(Accuracy).seed(4)).unwrap()
}

fn fit<'a>() -> Fit<'a> {
    Fit::new().batch_size(4).progress(Progress::Quiet)
}

/// The state of a model in a file: weights, running statistics, the optimizer's state and the counters.
fn state(model: &Model) -> Vec<u8> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    fs::read(path).unwrap()
}

const RANGE: &str = "index must be an integer ≥ 0 and < 5";

#[test]
fn the_error_names_the_layer_the_row_and_the_index() {
    for (index, shown) in
        [(5.0, "5"), (-1.0, "-1"), (-0.5, "-0.5"), (1e30, "1000000000000000000000000000000"), (f32::NAN, "NaN")]
    {
        let error = model().fit(&bad(9, index), fit()).unwrap_err();
        let text = format!("embedding: row 9 of the dataset: {RANGE}, got {shown}; correct the data");
        assert_eq!(error.to_string(), text);
        let Error::Fault { place, row: 9, rows: "dataset", problem } = error else { panic!("{error:?}") };
        assert_eq!(place, "embedding");
        let Error::Index { name: "index", value, count: 5 } = *problem else { panic!("{problem:?}") };
        assert_eq!(value.to_bits(), f64::from(index).to_bits());
    }
    assert!(model().fit(&bad(9, 4.9), fit()).is_ok(), "a fraction is cut off, as in Keras");
}

#[test]
fn every_call_reports_the_row_of_its_argument() {
    let mut model = model();
    let before = state(&model);
    let found = |error: Error| {
        let text = error.to_string();
        let Error::Fault { row, rows, .. } = error else { panic!("{text}") };
        format!("{row} of the {rows}")
    };
    let data = bad(9, 7.0);
    let x = {
        let mut x = indices();
        x[[9, 1]] = 7.0;
        x
    };
    assert_eq!(found(model.evaluate(&data).unwrap_err()), "9 of the dataset");
    assert_eq!(found(model.test_on_batch(&data).unwrap_err()), "9 of the batch");
    assert_eq!(found(model.test_on_batch(&data.rows(8..).unwrap()).unwrap_err()), "1 of the batch");
    assert_eq!(found(model.train_on_batch(&data).unwrap_err()), "9 of the batch");
    assert_eq!(found(model.fit(&data, fit().batch_size(16)).unwrap_err()), "9 of the dataset");
    assert_eq!(found(model.predict(&x).unwrap_err()), "9 of the samples");
    assert_eq!(found(model.predict_classes(&x).unwrap_err()), "9 of the samples");
    assert_eq!(found(model.predict_on_batch(&x).unwrap_err()), "9 of the samples");
    let named = NamedArrays::new().with_input("input", &x).unwrap();
    assert_eq!(found(model.predict_dataset(&named).unwrap_err()), "9 of the dataset");
    assert!(state(&model) == before, "a failed call changes nothing");
    assert_eq!((model.step(), model.epoch()), (0, 0));
    // Only the data was wrong; all other calls work.
    let fresh = self::model();
    assert_eq!(model.predict(&indices()).unwrap(), fresh.predict(&indices()).unwrap());
    assert_eq!(model.evaluate(&good()).unwrap(), fresh.evaluate(&good()).unwrap());
}

#[test]
fn a_failed_step_does_not_change_the_model() {
    let data = bad(9, 5.0);
    let mut failed = model();
    failed.fit(&data, fit().shuffle(false)).unwrap_err(); // in the third batch of four rows
    let mut expected = model();
    for first in [0, 4] {
        expected.train_on_batch(&data.rows(first..first + 4).unwrap()).unwrap();
    }
    assert_eq!((failed.step(), failed.epoch()), (2, 0));
    assert!(state(&failed) == state(&expected));
    // Training continues from there.
    let [one, other] = [&mut failed, &mut expected].map(|model| model.fit(&good(), fit().epochs(2)).unwrap());
    assert_eq!(one.get("loss"), other.get("loss"));
    assert!(state(&failed) == state(&expected));
}

#[test]
fn a_fault_in_validation_ends_training_after_its_epoch() {
    let (mut failed, mut expected, data) = (model(), model(), bad(2, -3.0));
    let error = failed.fit(&good(), fit().epochs(3).validation(&data)).unwrap_err().to_string();
    assert!(error.starts_with("embedding: row 2 of the validation dataset: "), "{error}");
    expected.fit(&good(), fit()).unwrap();
    assert!(state(&failed) == state(&expected));
}

#[test]
fn the_loss_detects_labels_that_a_dataset_does_not_check() {
    let recorder = Recorder::new(Mode::Training);
    let (logits, labels) = (recorder.variable([2, 2, 3]), recorder.input([2, 2]));
    recorder.minimize(recorder.scope("loss", || logits.softmax_crossentropy(labels)));
    let labels = labels.id();
    let mut tape = recorder.finish().unwrap();
    tape.input_mut(labels).assign(&arr2(&[[0.0, 2.0], [3.0, 1.5]]));
    let error = tape.run(&Params::new(), Key::from_seed(0)).unwrap_err().to_string();
    let text = "loss: softmax_crossentropy: row 1 of the batch: label must be an integer ≥ 0 and < 3, got 3; \
                correct the data";
    assert_eq!(error, text);
    tape.input_mut(labels).fill(1.0);
    assert!(tape.run(&Params::new(), Key::from_seed(0)).is_ok());
}

/// The error is that of the first row, whichever thread detects a fault first.
#[test]
fn the_error_does_not_depend_on_threads() {
    let rows = 3000;
    let mut x = Array2::from_shape_fn((rows, 3), |(i, j)| ((i + j) % 5) as f32);
    for row in [2900, 700, 1500, 701] {
        x[[row, 2]] = row as f32;
    }
    for threads in 1..=4 {
        let mut model = model();
        model.set_threads(threads).unwrap();
        for _ in 0..5 {
            let error = model.predict(&x).unwrap_err().to_string();
            let start = format!("embedding: row 700 of the samples: {RANGE}, got 700");
            assert!(error.starts_with(&start), "{error}");
        }
    }
}

#[test]
fn the_first_of_several_operations_reports() {
    let model = {
        let mut graph = Graph::new();
        let (a, b) = (graph.input("a", [1]), graph.input("b", [1]));
        let [first, second] = ["first", "second"].map(|name| graph.layer(name, Embedding::new(5, 1)));
        let nodes = [graph.apply(first, a), graph.apply(second, b)];
        let y = graph.apply(gradus::layers::Add, nodes);
        graph.output("y", y);
        graph.compile(Compile::new(Adam::new(0.1), MeanSquaredError::new())).unwrap()
    };
    // The second layer's fault is in an earlier row.
    let data = NamedArrays::new().with_input("a", arr2(&[[0.0], [9.0]])).unwrap();
    let data = data.with_input("b", arr2(&[[8.0f32], [0.0]])).unwrap();
    let error = model.predict_dataset(&data).unwrap_err().to_string();
    assert!(error.starts_with("first: embedding: row 1 of the dataset: "), "{error}");
}

/// y = √x; a negative x is a fault.
struct Root;

impl Op for Root {
    fn name(&self) -> &'static str {
        "root"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        arity(inputs).map(|[x]| x)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], context: Context<'_>) {
        let [x] = inputs.each();
        let columns = x.len() / x.shape().axis(0);
        assert_eq!(context.first_row(), 0);
        // Rows are reported by several threads, the last first.
        std::thread::scope(|scope| {
            for (row, x) in x.chunks_exact(columns).enumerate().rev() {
                let wrong = x.iter().find(|x| **x < 0.0);
                scope.spawn(move || {
                    wrong.map(|x| context.fault(row, || Error::other(format!("{x} has no square root"))))
                });
            }
        });
        y.iter_mut().zip(x.data()).for_each(|(y, x)| *y = x.sqrt());
    }

    fn backward(&mut self, _inputs: Inputs<'_>, y: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let [Some(dx)] = gradients.each() else { return };
        dx.iter_mut().zip(y).zip(dy).for_each(|((dx, y), dy)| *dx = *dy / (2.0 * y));
    }
}

#[derive(Debug)]
struct RootLayer;

impl Layer for RootLayer {
    fn build(&self, inputs: &[Shape], _: &mut Weights<'_>) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0]])
    }

    fn record<'r>(&self, _: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].recorder().apply(Root, inputs)]
    }

    fn spec(&self) -> Spec {
        Spec::new("Root")
    }
}

#[test]
fn a_custom_operation_reports_faults() {
    let network = Sequential::new([2]).add(RootLayer).add(Dense::new(1));
    let mut model = network.compile(Compile::new(Adam::new(0.1), MeanSquaredError::new())).unwrap();
    let x = arr2(&[[1.0f32, 4.0], [9.0, -16.0], [-25.0, 36.0]]);
    let before = model.params().sha256();
    let data = Arrays::new(&x, arr2(&[[1.0f32], [2.0], [3.0]])).unwrap();
    let text = |rows: &str| format!("root: row 1 of the {rows}: -16 has no square root");
    assert_eq!(model.train_on_batch(&data).unwrap_err().to_string(), text("batch"));
    assert_eq!(model.predict(&x).unwrap_err().to_string(), text("samples"));
    assert_eq!(model.params().sha256(), before);
    let positive = Arrays::new(x.mapv(f32::abs), arr2(&[[1.0f32], [2.0], [3.0]])).unwrap();
    model.train_on_batch(&positive).unwrap();
    assert_ne!(model.params().sha256(), before);
}

/// A fault that occurs once. Checkpoints before it must remain.
static BROKEN: AtomicBool = AtomicBool::new(false);

struct Sometimes;

impl Op for Sometimes {
    fn name(&self) -> &'static str {
        "sometimes"
    }

    fn prepare(&mut self, inputs: &[Shape]) -> Result<Shape> {
        arity(inputs).map(|[x]| x)
    }

    fn forward(&mut self, inputs: Inputs<'_>, y: &mut [f32], context: Context<'_>) {
        let [x] = inputs.each();
        y.copy_from_slice(&x);
        if BROKEN.load(Ordering::Relaxed) && x.contains(&15.0) {
            context.fault(0, || Error::other("broken"));
        }
    }

    fn backward(&mut self, _: Inputs<'_>, _: &[f32], dy: &mut [f32], gradients: Gradients<'_>) {
        let [dx] = gradients.each();
        dx.into_iter().for_each(|dx| dx.copy_from_slice(dy));
    }
}

#[derive(Debug)]
struct SometimesLayer;

impl Layer for SometimesLayer {
    fn build(&self, inputs: &[Shape], _: &mut Weights<'_>) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0]])
    }

    fn record<'r>(&self, _: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].recorder().apply(Sometimes, inputs)]
    }

    fn spec(&self) -> Spec {
        Spec::new("Sometimes")
    }
}

#[test]
fn checkpoints_before_a_failed_step_can_be_resumed() {
    let compile = || {
        let network =
            Sequential::new([1]).add(SometimesLayer).add(Dense::new(4)).add(Dropout::new(0.5)).add(Dense::new(1));
        network.compile(Compile::new(Adam::new(0.01), MeanSquaredError::new()).seed(3)).unwrap()
    };
    let x = Array2::from_shape_fn((16, 1), |(i, _)| i as f32);
    let data = Arrays::new(&x, x.mapv(|x| (0.3 * x).sin())).unwrap();
    let mut whole = compile();
    let expected = whole.fit(&data, fit().epochs(2)).unwrap();

    let folder = tempdir().unwrap();
    let checkpoints = || Checkpoints::new(folder.path()).every_steps(1).keep(100);
    let mut interrupted = compile();
    BROKEN.store(true, Ordering::Relaxed);
    interrupted.fit(&data, fit().epochs(2).checkpoints(checkpoints())).unwrap_err();
    BROKEN.store(false, Ordering::Relaxed);
    let steps = interrupted.step();
    assert!(steps < 4, "row 15 is in the first epoch");
    let mut resumed = compile();
    let history = resumed.fit(&data, fit().epochs(2).checkpoints(checkpoints()).resume(folder.path())).unwrap();
    assert_eq!(history.get("loss"), expected.get("loss"));
    assert!(state(&resumed) == state(&whole));
}

#[test]
fn a_tape_can_be_run_again_after_a_fault() {
    let mut params = Params::new();
    let table = params.add("table", &arr2(&[[1.0, 2.0], [3.0, 4.0]])).unwrap();
    let recorder = Recorder::new(Mode::Training);
    let indices = recorder.input([3]);
    let y = indices.embedding(recorder.parameter(&params, table));
    recorder.minimize(y.sum());
    let (indices, y) = (indices.id(), y.id());
    let mut tape = recorder.finish().unwrap();
    tape.input_mut(indices).assign(&arr1(&[1.0, 2.0, -1.0]));
    let error = tape.run(&params, Key::from_seed(0)).unwrap_err().to_string();
    assert_eq!(error, "embedding: row 1 of the batch: index must be an integer ≥ 0 and < 2, got 2; correct the data");
    tape.input_mut(indices).assign(&arr1(&[1.0, 0.0, 1.9]));
    tape.run(&params, Key::from_seed(0)).unwrap();
    assert_eq!(tape.value(y), arr2(&[[3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]).into_dyn());
    let mut gradients = ParamGradients::new(&params);
    tape.backward(&params, &mut gradients);
    assert_eq!(gradients.get(table).unwrap(), arr2(&[[1.0, 1.0], [2.0, 2.0]]).into_dyn());
}

#[test]
fn onnx_gather_reports_the_index() {
    let network = Sequential::new([3]).add(Embedding::new(5, 2)).add(Flatten).add(Dense::new(2));
    let settings = || Compile::new(Adam::new(0.1), MeanSquaredError::new());
    let model = network.compile(settings()).unwrap();
    let graph = onnx::Graph::from_bytes(&onnx::to_bytes(&model).unwrap()).unwrap();
    let run = |x: &Array2<f32>| graph.run(&[(&**x).into()]);
    let x = indices();
    assert_eq!(run(&x).unwrap()[0].array().unwrap(), model.predict(&x).unwrap());
    let mut x = x.slice(s![..4, ..]).to_owned();
    x[[2, 1]] = 5.0;
    let error = run(&x).unwrap_err();
    let Error::Fault { row: 2, ref problem, .. } = error else { panic!("{error}") };
    assert!(matches!(**problem, Error::Index { value: 5.0, count: 5, .. }), "{problem:?}");
    let imported = graph.import().unwrap().compile(settings()).unwrap();
    assert!(matches!(imported.predict(&x), Err(Error::Fault { row: 2, .. })));
    with_threads(2, || assert!(run(&x).is_err()));
}

#[test]
fn sizes_that_overflow_are_errors_of_compile() {
    let compile = |layer: Conv2d| {
        let network = Sequential::new([6, 5, 3]).add(layer);
        network.compile(Compile::new(Adam::new(0.1), MeanSquaredError::new())).map(|_| ()).unwrap_err()
    };
    let setting = |layer: Conv2d| match compile(layer) {
        Error::Setting { owner, name, .. } => format!("{owner}: {name}"),
        error => panic!("{error}"),
    };
    let same = Conv2d::new(2, 3).padding(Padding::Same);
    assert_eq!(setting(same.clone().dilation_rate([usize::MAX, 1])), "Conv2d: dilation_rate");
    assert_eq!(setting(same.strides([1, usize::MAX])), "Conv2d: strides");
    let text = compile(Conv2d::new(2, usize::MAX).padding(Padding::Same)).to_string();
    assert!(text.starts_with("layer 1 (conv2d): an array of "), "{text}");
    let text = compile(Conv2d::new(usize::MAX, 3)).to_string();
    assert!(text.starts_with("conv2d/kernel: an array of shape 3 × 3 × 3 × "), "{text}");
    // The largest allowed steps leave one window, or taps only in the padding.
    for layer in
        [Conv2d::new(2, 3).strides([i32::MAX as usize; 2]), Conv2d::new(2, 3).dilation_rate([i32::MAX as usize, 1])]
    {
        let network = Sequential::new([6, 5, 3]).add(layer.padding(Padding::Same)).add(Flatten).add(Dense::new(1));
        let mut model = network.compile(Compile::new(Adam::new(0.1), MeanSquaredError::new())).unwrap();
        let data = Arrays::new(Array4::from_elem((2, 6, 5, 3), 0.5f32), arr1(&[0.5f32, 1.0])).unwrap();
        assert!(model.train_on_batch(&data).unwrap().loss.is_finite());
    }
}

#[test]
fn centered_rmsprop_stays_finite_on_a_constant_gradient() {
    let mut params = Params::new();
    params.add("weight", &arr1(&[1.0])).unwrap();
    let mut state = OptimizerState::new(RmsProp::new(1e-6).centered(true), &params).unwrap();
    let recorder = Recorder::new(Mode::Training);
    recorder.minimize((recorder.parameter(&params, params.id("weight").unwrap()) * 35.97).sum());
    let (mut tape, mut gradients) = (recorder.finish().unwrap(), ParamGradients::new(&params));
    for step in 1..=2000 {
        tape.run(&params, Key::from_seed(0)).unwrap();
        tape.backward(&params, &mut gradients);
        state.update(state.step(step), &mut params, &mut gradients);
        assert!(params.get(params.id("weight").unwrap())[[0]].is_finite(), "step {step}");
    }
}

/// Calls of builder methods.
macro_rules! setters {
    ($T:ty: $($name:ident($($value:expr),*)),* $(,)?) => {
        &[$(|builder: $T| builder.$name($($value),*)),*]
    };
}

/// Applies setters in both orders of each pair, and compares the results.
fn check_order<T>(what: &str, new: impl Fn() -> T, setters: &[fn(T) -> T], shown: impl Fn(T) -> String) {
    for (first, one) in setters.iter().enumerate() {
        for (second, other) in setters.iter().enumerate().skip(first + 1) {
            let (a, b) = (shown(other(one(new()))), shown(one(other(new()))));
            assert_eq!(a, b, "{what}: setters {first} and {second}");
        }
    }
}

fn spec(layer: impl Layer) -> String {
    layer.spec().to_string()
}

#[test]
fn the_order_of_builder_calls_does_not_matter() {
    check_order("MaxPool2d", || MaxPool2d::new(2), setters!(MaxPool2d: strides([1, 4]), padding(Padding::Same)), spec);
    check_order(
        "AveragePool2d",
        || AveragePool2d::new(2),
        setters!(AveragePool2d: strides([1, 4]), padding(Padding::Same)),
        spec,
    );
    check_order(
        "Conv2d",
        || Conv2d::new(4, 2),
        setters!(
            Conv2d: strides([1, 2]), padding(Padding::Same), dilation_rate([2, 1]), groups(2),
            activation(Activation::Relu), use_bias(false), kernel_initializer(HeNormal), bias_initializer(Ones),
            kernel_regularizer(L2::new(0.1)), bias_regularizer(L2::new(0.2)),
        ),
        spec,
    );
    check_order(
        "RmsProp",
        || RmsProp::new(0.1),
        setters!(
            RmsProp: rho(0.5), momentum(0.3), epsilon(1e-3), centered(true), clip(Clip::Value(1.0)), weight_decay(0.1),
        ),
        |optimizer| optimizer.spec().to_string(),
    );
    // Windows do not overlap, unless strides are set.
    let sizes = |layer: MaxPool2d| Sequential::new([12, 12, 1]).add(layer.padding(Padding::Same)).summary().unwrap();
    assert!(sizes(MaxPool2d::new((3, 4))).contains("(None, 4, 3, 1)"));
    assert!(sizes(MaxPool2d::new((3, 4)).strides((1, 2))).contains("(None, 12, 6, 1)"));
}

#[test]
fn the_order_of_settings_does_not_matter() {
    let (data, validation) = (good(), bad(2, 1.0));
    let setters: [for<'a> fn(Fit<'a>, &'a Arrays) -> Fit<'a>; 6] = [
        |fit, _| fit.epochs(3),
        |fit, _| fit.batch_size(6),
        |fit, _| fit.shuffle(false),
        |fit, _| fit.class_weight(1, 2.0),
        |fit, validation| fit.validation(validation),
        |fit, _| fit.validation_split(0.25),
    ];
    let trained = |one: usize, other: usize| {
        let mut model = model();
        let fit = setters[other](setters[one](Fit::new().progress(Progress::Quiet), &validation), &validation);
        let history = model.fit(&data, fit).unwrap();
        let values: Vec<_> = history.names().into_iter().map(|name| history.get(&name)).collect();
        (format!("{values:?}"), model.params().sha256())
    };
    for one in 0..setters.len() {
        (0..one).for_each(|other| assert_eq!(trained(one, other), trained(other, one), "setters {one} and {other}"));
    }
}
