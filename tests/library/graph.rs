//! Non-sequential models: several inputs and outputs, skip connections, shared layers.

use crate::golden::{Cases, assert_close, load};
use gradus::data::{Arrays, Columns, Dataset, NamedArrays, Target};
use gradus::layers::{Activation, BatchNorm, Cursor, Dense, Dropout, Layer, Weights};
use gradus::losses::{CategoricalCrossentropy, SparseCategoricalCrossentropy};
use gradus::metrics::{Accuracy, Scores};
use gradus::model::Node;
use gradus::optimizers::{Adam, Sgd};
use gradus::save::Registry;
use gradus::tape::Var;
use gradus::{BatchEnd, Callback, Checkpoints, Compile, Error, Fit, Flow, FromSpec, Graph, Losses, Model, Progress};
use gradus::{Result, Sequential, Settings, Shape, Spec, Stop};
use ndarray::{Array1, Array2, ArrayView1, Axis};
use std::fs;
use tempfile::tempdir;

/// The sum of all inputs, as a custom layer.
#[derive(Debug)]
struct Sum;

impl Layer for Sum {
    fn build(&self, inputs: &[Shape], _: &mut Weights<'_>) -> Result<Vec<Shape>> {
        match inputs.iter().all(|shape| *shape == inputs[0]) {
            true => Ok(vec![inputs[0]]),
            false => Err(Error::expected("inputs of one shape")),
        }
    }

    fn record<'r>(&self, _: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[1..].iter().fold(inputs[0], |sum, next| sum + *next)]
    }

    fn spec(&self) -> Spec {
        Spec::new(Sum::CLASS)
    }
}

impl FromSpec for Sum {
    const CLASS: &'static str = "Sum";

    fn from_spec(_: &mut Settings<'_>) -> Result<Sum> {
        Ok(Sum)
    }
}

/// The model of `functional` in tests/golden/make.py; `drop` adds dropout to the skip connection.
fn branches(drop: f32) -> Graph {
    let mut graph = Graph::new();
    let (left, right) = (graph.input("left", [4]), graph.input("right", [4]));
    let encoder = graph.layer("encoder", Dense::new(5).activation(Activation::Tanh));
    let norm = graph.layer("norm", BatchNorm::new());
    let encoded = [left, right].map(|input| {
        let encoded = graph.apply(encoder, input);
        graph.apply(norm, encoded)
    });
    let both = graph.apply(Sum, encoded);
    let layer = graph.layer("hidden", Dense::new(5).activation(Activation::Sigmoid));
    let hidden = graph.apply(layer, both);
    let dropped = if drop > 0.0 { graph.apply(Dropout::new(drop), both) } else { both };
    let skip = graph.apply(Sum, [hidden, dropped]);
    for (name, units, from) in [("kind", 3, skip), ("mood", 2, hidden)] {
        let layer = graph.layer(name, Dense::new(units).activation(Activation::Softmax));
        let node = graph.apply(layer, from);
        graph.output(name, node);
    }
    graph
}

fn settings() -> Compile {
    let losses = Losses::new().output("mood", CategoricalCrossentropy::new());
    let losses = losses.output("kind", SparseCategoricalCrossentropy::new());
    let settings = Compile::new(Sgd::new(0.1).momentum(0.9), losses).loss_weight("mood", 0.5);
    settings.metric_of("kind", Accuracy).seed(5)
}

fn quiet<'a>(epochs: usize) -> Fit<'a> {
    Fit::new().epochs(epochs).batch_size(8).progress(Progress::Quiet)
}

/// Rows computed by a formula, with columns in another order than those of the model.
fn data(rows: usize) -> NamedArrays {
    let input =
        |salt: usize| Array2::from_shape_fn((rows, 4), |(i, j)| ((i * 31 + j * 17 + salt) % 23) as f32 / 11.0 - 1.0);
    let mood = Array2::from_shape_fn((rows, 2), |(i, j)| f32::from(u8::from(i % 2 == j)));
    let kind = Array1::from_shape_fn(rows, |i| (i * 7 % 3) as u8);
    let data = NamedArrays::new().with_input("unused", Array2::<u8>::zeros((rows, 9))).unwrap();
    let data = data.with_input("right", input(5)).unwrap().with_input("left", input(0)).unwrap();
    data.with_target("mood", mood).unwrap().with_target("kind", kind).unwrap()
}

fn golden_data(cases: &Cases) -> NamedArrays {
    let array = |name: &str| cases.array(&format!("branches/{name}"));
    let data =
        NamedArrays::new().with_input("left", array("left")).unwrap().with_input("right", array("right")).unwrap();
    let kinds = array("kind").mapv(|kind| kind as i64);
    data.with_target("kind", kinds).unwrap().with_target("mood", array("mood")).unwrap()
}

/// Each array of the model with the array of the same name in Keras.
fn check_weights(model: &Model, cases: &Cases, when: &str, near: f32) {
    let expected = cases.starting_with(&format!("branches/{when}."));
    assert_eq!(expected.len(), model.params().len());
    for (name, expected) in expected {
        assert_close(name, model.params().get(model.params().id(&ours(name)).unwrap()), expected.view(), near);
    }
}

fn ours(name: &str) -> String {
    let (layer, array) = name.split_once('.').unwrap();
    let array = match array {
        "weight" => "kernel",
        "mean" => "moving_mean",
        "variance" => "moving_variance",
        same => same,
    };
    format!("{layer}/{array}")
}

const NAMES: [&str; 4] = ["loss", "kind_loss", "mood_loss", "kind_accuracy"];

#[test]
fn a_graph_trains_as_in_keras() {
    let cases = load("functional.txt");
    let (mut model, data) = (branches(0.0).compile(settings()).unwrap(), golden_data(&cases));
    for (name, array) in cases.starting_with("branches/start.") {
        model.params_mut().set(&ours(name), &**array).unwrap();
    }
    let halves = [data_rows(&data, 0..8), data_rows(&data, 8..16)];
    let mut reported: Vec<Scores> = Vec::new();
    for step in 0..10 {
        reported.push(model.train_on_batch(&halves[step % 2]).unwrap());
        if step == 0 {
            check_weights(&model, &cases, "first", 1e-5);
        }
    }
    check_weights(&model, &cases, "end", 1e-4);
    assert_eq!((model.step(), model.epoch()), (10, 0));
    let evaluated = model.evaluate(&data).unwrap();
    assert_eq!(evaluated.names().collect::<Vec<_>>(), NAMES);
    assert_eq!(model.test_on_batch(&data).unwrap(), evaluated);
    for name in NAMES {
        let column: Vec<f32> = reported.iter().map(|scores| scores.get(name).unwrap() as f32).collect();
        let expected = cases.array(&format!("branches/reported.{name}"));
        assert_close(name, ArrayView1::from(&column).into_dyn(), expected.view(), 1e-4);
        let expected = cases.scalar(&format!("branches/evaluated.{name}"));
        approx::assert_relative_eq!(evaluated.get(name).unwrap() as f32, expected, max_relative = 1e-4);
    }
    let predictions = model.predict_dataset(&data).unwrap();
    for name in ["kind", "mood"] {
        assert_close(name, predictions[name].view(), cases.array(&format!("branches/predicted_{name}")).view(), 1e-4);
    }
}

fn data_rows(data: &NamedArrays, range: std::ops::Range<usize>) -> gradus::data::Rows<'_> {
    gradus::data::Rows::range(data, range).unwrap()
}

#[test]
fn fit_makes_the_steps_of_a_manual_loop() {
    let (data, graph) = (data(20), branches(0.3));
    let mut fitted = graph.compile(settings()).unwrap();
    let history = fitted.fit(&data, quiet(1).shuffle(false).validation_split(0.2)).unwrap();
    let mut stepped = graph.compile(settings()).unwrap();
    let steps = [0..8, 8..16].map(|range| stepped.train_on_batch(&data_rows(&data, range)).unwrap());
    assert_eq!(fitted.params().sha256(), stepped.params().sha256());
    for name in NAMES {
        let mean = steps.iter().map(|scores| scores.get(name).unwrap()).sum::<f64>() / 2.0;
        approx::assert_relative_eq!(history.get(name).unwrap()[0], mean, max_relative = 1e-12);
    }
    assert_eq!(history.epochs[0].validation, Some(stepped.evaluate(&data_rows(&data, 16..20)).unwrap()));
    let names = NAMES.iter().map(|name| format!("val_{name}"));
    assert_eq!(history.names(), NAMES.iter().map(|name| name.to_string()).chain(names).collect::<Vec<_>>());
}

#[test]
fn threads_do_not_change_a_bit() {
    let fingerprint = |threads: usize| {
        let mut model = branches(0.3).compile(settings().threads(threads)).unwrap();
        let history = model.fit(&data(50), quiet(2).validation_split(0.2)).unwrap();
        let scores: Vec<u64> = NAMES.iter().flat_map(|name| history.get(name).unwrap()).map(f64::to_bits).collect();
        (model.params().sha256(), scores, model.predict_dataset(&data(9)).unwrap())
    };
    let expected = fingerprint(1);
    for threads in [2, 3, 4, 7] {
        assert_eq!(fingerprint(threads), expected, "{threads} threads");
    }
}

#[test]
fn a_sequential_graph_has_the_bits_of_a_sequential() {
    let chain = Sequential::new([4])
        .add(Dense::new(5))
        .add(Dropout::new(0.4))
        .add(Dense::new(3).activation(Activation::Softmax));
    let mut graph = Graph::new();
    let x = graph.input("x", [4]);
    let x = graph.apply(Dense::new(5), x);
    let x = graph.apply(Dropout::new(0.4), x);
    let x = graph.apply(Dense::new(3).activation(Activation::Softmax), x);
    graph.output("y", x);
    let inputs = Array2::from_shape_fn((30, 4), |(i, j)| ((i * 5 + j * 3) % 7) as f32);
    let data = Arrays::new(&inputs, Array1::from_shape_fn(30, |i| (i % 3) as u8)).unwrap();
    let settings = || Compile::new(Adam::default(), SparseCategoricalCrossentropy::new()).metric(Accuracy).seed(1);
    let [mut chain, mut graph] = [chain.compile(settings()).unwrap(), graph.compile(settings()).unwrap()];
    let histories = [&mut chain, &mut graph].map(|model| model.fit(&data, quiet(2)).unwrap().get("accuracy"));
    assert_eq!(histories[0], histories[1]);
    assert_eq!(chain.params().sha256(), graph.params().sha256());
    assert_eq!(chain.predict(&inputs).unwrap(), graph.predict(&inputs).unwrap());
    assert_eq!(graph.predict_on_batch(&inputs).unwrap(), graph.predict(&inputs).unwrap());
    assert_eq!(graph.predict_dataset(&data).unwrap()["y"], graph.predict(&inputs).unwrap());
}

#[test]
fn loaded_models_predict_and_train_like_saved_ones() {
    let folder = tempdir().unwrap();
    let (path, data, graph) = (folder.path().join("model.safetensors"), data(24), branches(0.3));
    let mut model = graph.compile(settings()).unwrap();
    model.fit(&data, quiet(1)).unwrap();
    model.save(&path).unwrap();
    let mut loaded = Model::load_with(&path, &Registry::new().layer::<Sum>()).unwrap();
    assert_eq!(loaded.predict_dataset(&data).unwrap(), model.predict_dataset(&data).unwrap());
    assert_eq!(loaded.evaluate(&data).unwrap(), model.evaluate(&data).unwrap());
    assert_eq!(loaded.summary(), model.summary());
    loaded.save(path.with_extension("again")).unwrap();
    assert_eq!(fs::read(&path).unwrap(), fs::read(path.with_extension("again")).unwrap(), "equal models, equal files");
    loaded.fit(&data, quiet(1)).unwrap();
    let mut whole = graph.compile(settings()).unwrap();
    whole.fit(&data, quiet(2)).unwrap();
    assert_eq!(loaded.params().sha256(), whole.params().sha256(), "training resumes at its step");
}

/// Stops within the second epoch.
struct Interrupt;

impl Callback for Interrupt {
    fn batch_end(&mut self, model: &mut Model, _: &BatchEnd<'_>) -> Result<Flow> {
        Ok(if model.step() == 4 { Flow::Break(Stop::Paused) } else { Flow::Continue(()) })
    }
}

#[test]
fn training_resumes_from_a_checkpoint() {
    let folder = tempdir().unwrap();
    let (data, graph) = (data(20), branches(0.3));
    let mut interrupted = graph.compile(settings()).unwrap();
    let mut interrupt = Interrupt;
    let fit = quiet(2).callback(&mut interrupt).checkpoints(Checkpoints::new(folder.path()));
    interrupted.fit(&data, fit).unwrap();
    assert_eq!(interrupted.step(), 4);
    let mut resumed = graph.compile(settings()).unwrap();
    let history = resumed.fit(&data, quiet(2).resume(folder.path())).unwrap();
    let mut whole = graph.compile(settings()).unwrap();
    let expected = whole.fit(&data, quiet(2)).unwrap();
    assert_eq!(resumed.params().sha256(), whole.params().sha256());
    for name in NAMES {
        assert_eq!(history.get(name), expected.get(name));
    }
    let rejected = |model: &mut Model| message(model.fit(&data, quiet(2).resume(folder.path())));
    let weighted = rejected(&mut graph.compile(settings().loss_weight("mood", 0.25)).unwrap());
    assert!(weighted.contains("its losses have different outputs or loss weights"), "{weighted}");
    let moods = Array2::from_shape_fn((20, 2), |(_, j)| j as f32);
    let others = NamedArrays::new().with_input("left", Array2::<f32>::zeros((20, 4))).unwrap();
    let others = others.with_input("right", Array2::<f32>::zeros((20, 4))).unwrap();
    let others = others.with_target("mood", moods).unwrap().with_target("kind", Array1::<u8>::zeros(20)).unwrap();
    let text = message(graph.compile(settings()).unwrap().fit(&others, quiet(2).resume(folder.path())));
    assert!(text.contains("it was trained on different rows"), "{text}");
}

#[test]
fn the_summary_shows_the_connections() {
    let table = branches(0.0).summary().unwrap();
    let words: Vec<String> = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "Model: \"functional\"",
        "Layer (type) Output Shape Param # Connected to",
        "left (InputLayer) (None, 4) 0 -",
        "right (InputLayer) (None, 4) 0 -",
        "encoder (Dense) (None, 5) 25 left[0][0], right[0][0]",
        "norm (BatchNormalization) (None, 5) 20 encoder[0][0], encoder[1][0]",
        "sum (Sum) (None, 5) 0 norm[0][0], norm[1][0]",
        "hidden (Dense) (None, 5) 30 sum[0][0]",
        "sum_1 (Sum) (None, 5) 0 hidden[0][0], sum[0][0]",
        "kind (Dense) (None, 3) 18 sum_1[0][0]",
        "mood (Dense) (None, 2) 12 hidden[0][0]",
        "Total params: 105 (420.00 B)",
        "Trainable params: 95 (380.00 B)",
        "Non-trainable params: 10 (40.00 B)",
    ];
    let shown: Vec<&String> = words.iter().filter(|line| !line.starts_with(['_', '='])).collect();
    assert_eq!(shown, expected.iter().collect::<Vec<_>>());
}

/// The error message of compiling a graph.
fn rejected(build: impl FnOnce(&mut Graph, Node)) -> String {
    let mut graph = Graph::new();
    let x = graph.input("x", [4]);
    build(&mut graph, x);
    graph.compile(Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new())).unwrap_err().to_string()
}

#[test]
fn parts_that_do_not_fit_together_are_named() {
    let text = rejected(|graph, x| {
        let wide = graph.apply(Dense::new(5), x);
        let both = graph.apply(Sum, [x, wide]);
        graph.output("y", both);
    });
    assert_eq!(text, "layer 2 (sum): found shapes 4 and 5, expected inputs of one shape");
    let text = rejected(|graph, x| {
        let shared = graph.layer("shared", Dense::new(5));
        let once = graph.apply(shared, x);
        let twice = graph.apply(shared, once);
        graph.output("y", twice);
    });
    let expected = "layer 1 (shared): found shape 5, expected inputs that fit the weights of its first call, whose \
                    inputs had the shape 4, since all calls of a layer share its weights (shared/kernel: found shape 4 × 5, expected 5 × 5)";
    assert_eq!(text, expected);
    let text = rejected(|graph, x| {
        let y = graph.apply(Dense::new(0), x);
        graph.output("y", y);
    });
    assert_eq!(text, "Dense: units must be at least 1, got 0");
}

#[test]
fn unused_inputs_and_layers_are_errors() {
    let output = |graph: &mut Graph, x: Node| {
        let y = graph.apply(Dense::new(2), x);
        graph.output("y", y);
    };
    let text = rejected(|graph, x| {
        graph.input("age", [1]);
        output(graph, x);
    });
    assert_eq!(text, "input \"age\": no layer uses it; apply a layer to it or remove it");
    let text = rejected(|graph, x| {
        output(graph, x);
        graph.apply(Dense::new(3), x);
    });
    let expected =
        "layer 2 (dense_1): its output is not used; apply a layer to it, make it an output of the graph, or remove it";
    assert_eq!(text, expected);
    let text = rejected(|graph, x| {
        graph.layer("spare", Dense::new(3));
        output(graph, x);
    });
    assert_eq!(text, "layer 1 (spare): it is never applied; apply or remove it");
    let text = rejected(|graph, _| {
        graph.apply(Dense::new(3), []);
    });
    assert_eq!(text, "layer 1 (dense): it has no inputs; apply it to at least one node");
    let text = rejected(|graph, _| {
        let y = graph.apply(Dense::new(3), []);
        graph.output("y", y);
    });
    assert_eq!(text, "layer 1 (dense): it has no inputs; apply it to at least one node");
    assert_eq!(rejected(|graph, x| graph.output("y", x)), "Graph: layers must be at least 1, got 0");
}

#[test]
fn names_are_unique_and_nodes_belong_to_their_graph() {
    let text = rejected(|graph, x| {
        let y = graph.apply(Dense::new(2), x);
        graph.output("y", y);
        graph.output("y", x);
    });
    assert_eq!(text, "output \"y\": several outputs have this name; names must be unique");
    let text = rejected(|graph, x| {
        let first = graph.apply(Dense::new(2), x);
        let named = graph.layer("dense", Dense::new(2));
        let second = graph.apply(named, first);
        graph.output("y", second);
    });
    assert_eq!(text, "layer \"dense\": several layers have this name; names must be unique");
    let mut other = Graph::new();
    let (foreign, layer) = (other.input("foreign", [4]), other.layer("foreign", Dense::new(2)));
    let text = rejected(|graph, x| {
        let y = graph.apply(Sum, [x, foreign]);
        graph.output("y", y);
    });
    let expected = "layer 1 (sum): it uses a node of another graph; use nodes that this graph returned";
    assert_eq!(text, expected);
    let text = rejected(|graph, x| {
        let first = graph.apply(Dense::new(2), x);
        let y = graph.apply(layer, first);
        graph.output("y", y);
    });
    assert_eq!(text, "call 2: it applies a layer of another graph; add the layer to this graph with Graph::layer");
}

#[test]
fn all_wrong_names_and_connections_are_reported() {
    let mut other = Graph::new();
    let foreign = other.input("foreign", [4]);
    let text = rejected(|graph, x| {
        graph.input("x", [4]);
        let first = graph.apply(Dense::new(2), foreign);
        let second = graph.apply(Dense::new(2), []);
        let sum = graph.apply(Sum, [x, first, second]);
        graph.output("y", sum);
        graph.output("z", foreign);
    });
    let expected = [
        "Graph: 4 problems: input \"x\": several inputs have this name; names must be unique",
        "layer 1 (dense): it uses a node of another graph; use nodes that this graph returned",
        "layer 2 (dense_1): it has no inputs; apply it to at least one node",
        "output \"z\": it uses a node of another graph; use nodes that this graph returned",
    ];
    assert_eq!(text, expected.join("; "));
    let text = rejected(|graph, x| {
        graph.layer("spare", Dense::new(3));
        graph.input("age", [1]);
        let y = graph.apply(Dense::new(2), x);
        graph.output("y", y);
    });
    let expected = "Graph: 2 problems: layer 1 (spare): it is never applied; apply or remove it; \
                    input \"age\": no layer uses it; apply a layer to it or remove it";
    assert_eq!(text, expected);
}

#[test]
fn inputs_are_checked_by_name() {
    let graph = |shape: Shape| {
        let mut graph = Graph::new();
        let x = graph.input("age", shape);
        let y = graph.apply(Dense::new(2), x);
        graph.output("y", y);
        graph.compile(Compile::new(Sgd::new(0.1), CategoricalCrossentropy::new())).unwrap_err().to_string()
    };
    let text = "input \"age\": found shape 4 × 0, expected at least one element along each axis";
    assert_eq!(graph(Shape::from([4, 0])), text);
    assert!(
        graph(Shape::from([1; 6])).starts_with("input \"age\": found shape 1 × 1 × 1 × 1 × 1 × 1, expected at most 5")
    );
}

fn message<T>(result: Result<T>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn unknown_outputs_are_errors() {
    let compile = |settings: Compile| message(branches(0.0).compile(settings));
    let losses = |name: &str| Losses::new().output(name, SparseCategoricalCrossentropy::new());
    let one = |name: &str| Compile::new(Sgd::new(0.1), losses(name));
    let unknown = "unknown output \"mod\"; available: kind, mood";
    assert_eq!(compile(one("mod")), unknown);
    assert_eq!(compile(settings().loss_weight("mod", 2.0)), unknown);
    assert_eq!(compile(settings().metric_of("mod", Accuracy)), unknown);
    let text = "metric accuracy: the model has the outputs kind, mood; use metric_of to choose one";
    assert_eq!(compile(settings().metric(Accuracy)), text);
    let text = "output \"mood\": it has no loss, so it has no targets for a loss weight or a metric; add a loss";
    assert_eq!(compile(one("kind").metric_of("mood", Accuracy)), text);
    let twice = losses("kind").output("kind", CategoricalCrossentropy::new());
    let text = "output \"kind\": it has two losses; combine them in one custom loss";
    assert_eq!(compile(Compile::new(Sgd::new(0.1), twice)), text);
    assert_eq!(compile(Compile::new(Sgd::new(0.1), Losses::new())), "Compile: losses must be at least 1, got 0");
    let text = "Compile: loss_weight must be finite, got NaN";
    assert_eq!(compile(settings().loss_weight("mood", f32::NAN)), text);
    let text = "mood/kernel: trainable, but the loss does not depend on it, so it would never change; use it in the \
                loss or make it non-trainable";
    assert_eq!(compile(one("kind")), text);
}

#[test]
fn datasets_that_do_not_fit_are_errors() {
    let mut model = branches(0.0).compile(settings()).unwrap();
    let plain = Arrays::new(Array2::<f32>::zeros((6, 4)), Array1::<u8>::zeros(6)).unwrap();
    let text = "dataset: it has one unnamed input, but the model has left, right; use NamedArrays, or implement Columns for \
                a custom dataset";
    assert_eq!(message(model.fit(&plain, quiet(1))), text);
    let rows = || NamedArrays::new().with_input("left", Array2::<f32>::zeros((6, 4))).unwrap();
    let text = "inputs of the dataset: missing: right; the model has: left, right; give each of them exactly once, under \
                its name";
    assert_eq!(message(model.evaluate(&rows())), text);
    let both = || rows().with_input("right", Array2::<f32>::zeros((6, 4))).unwrap();
    let text = "targets of the dataset: missing: kind, mood; the model has: kind, mood; give each of them exactly once, \
                under its name";
    assert_eq!(message(model.train_on_batch(&both())), text);
    let wide = rows().with_input("right", Array2::<f32>::zeros((6, 5))).unwrap();
    assert!(message(model.predict_dataset(&wide)).starts_with("input \"right\" per sample: found shape 5, expected 4"));
    let labels = both().with_target("mood", Array2::<f32>::zeros((6, 2))).unwrap();
    let wrong = labels.with_target("kind", Array1::from_iter([0u8, 1, 2, 0, 3, 1])).unwrap();
    let text = "row 4: label must be an integer ≥ 0 and < 3, the number of classes, got 3";
    assert_eq!(message(model.fit(&wrong, quiet(1))), text);
    let one_hot = both().with_target("mood", Array1::<u8>::zeros(6)).unwrap();
    let one_hot = one_hot.with_target("kind", Array1::<u8>::zeros(6)).unwrap();
    let text = "target \"mood\" for CategoricalCrossentropy: found one integer label per row, expected numbers from 0 to 1 of \
                shape 2 per row, such as one-hot rows; Arrays::one_hot and to_categorical make one-hot rows, and \
                SparseCategoricalCrossentropy takes labels";
    assert_eq!(message(model.fit(&one_hot, quiet(1))), text);
    let text = "predict: the model must have one input and one output; use predict_outputs for several";
    assert_eq!(message(model.predict(&Array2::<f32>::zeros((6, 4)))), text);
    assert_eq!((model.step(), model.epoch()), (0, 0), "nothing was trained");
}

#[test]
fn an_output_without_a_loss_is_predicted() {
    let mut graph = Graph::new();
    let x = graph.input("x", [4]);
    let code = graph.apply(Dense::new(2), x);
    let y = graph.apply(Dense::new(3).activation(Activation::Softmax), code);
    graph.output("code", code);
    graph.output("kind", y);
    let losses = Losses::new().output("kind", SparseCategoricalCrossentropy::new());
    let mut model = graph.compile(Compile::new(Sgd::new(0.1), losses).metric_of("kind", Accuracy)).unwrap();
    let inputs = Array2::from_shape_fn((10, 4), |(i, j)| ((i + j) % 5) as f32);
    let plain = Arrays::new(&inputs, Array1::from_shape_fn(10, |i| (i % 3) as u8)).unwrap();
    let history = model.fit(&plain, quiet(1)).unwrap();
    assert_eq!(history.names(), ["loss", "kind_accuracy"], "as Keras names them");
    let outputs = model.predict_dataset(&plain).unwrap();
    assert_eq!((outputs["code"].shape(), outputs["kind"].shape()), (&[10, 2][..], &[10, 3][..]));
    let again = model.predict_dataset(&NamedArrays::new().with_input("x", &inputs).unwrap()).unwrap();
    assert_eq!(again, outputs);
}

/// Two inputs and a target generated row by row, as a custom dataset.
struct Pairs;

impl Dataset for Pairs {
    fn len(&self) -> usize {
        40
    }

    fn input_shape(&self) -> Shape {
        Shape::from([4])
    }

    fn target(&self) -> Target {
        Target::LABEL
    }

    fn gather(&self, rows: &[usize], inputs: &mut [f32], targets: &mut [f32]) {
        self.gather_input(0, rows, inputs);
        self.gather_target(0, rows, targets);
    }

    fn columns(&self) -> Option<&dyn Columns> {
        Some(self)
    }
}

impl Columns for Pairs {
    fn input_columns(&self) -> Vec<(String, Shape)> {
        ["left", "right"].map(|name| (name.into(), Shape::from([4]))).into()
    }

    fn target_columns(&self) -> Vec<(String, Target)> {
        vec![("kind".into(), Target::LABEL), ("mood".into(), Target::Values(Shape::from([2])))]
    }

    fn gather_input(&self, input: usize, rows: &[usize], values: &mut [f32]) {
        for (row, values) in rows.iter().zip(values.chunks_exact_mut(4)) {
            values.fill((row * (input + 2) % 7) as f32 / 7.0);
        }
    }

    fn gather_target(&self, target: usize, rows: &[usize], values: &mut [f32]) {
        if target == 0 {
            rows.iter().zip(values).for_each(|(row, label)| *label = (row % 3) as f32);
        } else {
            values.fill(0.5);
        }
    }
}

#[test]
fn custom_datasets_can_have_columns() {
    let mut model = branches(0.0).compile(settings()).unwrap();
    let first = model.evaluate(&Pairs).unwrap();
    let history = model.fit(&Pairs, quiet(30).validation_split(0.25)).unwrap();
    assert!(history.get("loss").unwrap().last() < Some(&first.loss));
    let outputs = model.predict_dataset(&Pairs).unwrap();
    let part = model.predict_dataset(&gradus::data::Rows::range(&Pairs, 7..9).unwrap()).unwrap();
    assert_eq!(part["mood"], outputs["mood"].slice_axis(Axis(0), (7..9).into()));
}
