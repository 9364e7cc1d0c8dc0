//! Names of arrays and columns: they must be those of the model's inputs and outputs, and one message has all problems.

use gradus::data::{Arrays, NamedArrays};
use gradus::layers::{Add, Concatenate, Dense, Flatten};
use gradus::losses::MeanSquaredError;
use gradus::optimizers::Sgd;
use gradus::{Compile, Error, Fit, Graph, Model, PredictInputs, Progress, Result, Sequential};
use ndarray::{Array2, Array3};

fn settings() -> Compile {
    Compile::new(Sgd::new(0.1), MeanSquaredError::new())
}

fn one() -> Model {
    Sequential::new([2]).add(Dense::new(1)).compile(settings()).unwrap()
}

/// The sum of the inputs `a` and `b` of two numbers each.
fn two() -> Model {
    let mut graph = Graph::new();
    let nodes = [graph.input("a", [2]), graph.input("b", [2])];
    let y = graph.apply(Add, nodes);
    graph.output("y", y);
    graph.architecture(0).unwrap().into_model().unwrap()
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

fn rows() -> Array2<f32> {
    Array2::ones((3, 2))
}

const REMEDY: &str = "give each of them exactly once, under its name";

#[test]
fn predict_outputs_takes_the_inputs_of_the_model_alone() {
    let (x, model) = (rows(), one());
    let expected = model.predict(&x).unwrap();
    assert_eq!(model.predict_outputs(&x).unwrap()["output"], expected);
    assert_eq!(model.predict_outputs([("input", &x)]).unwrap()["output"], expected);
    let text = format!("inputs of predict_outputs: missing: input; unknown: x; the model has: input; {REMEDY}");
    assert_eq!(message(model.predict_outputs([("x", &x)])), text);
    let text = format!("inputs of predict_outputs: repeated: input; the model has: input; {REMEDY}");
    assert_eq!(message(model.predict_outputs([("input", &x), ("input", &x)])), text);
    let model = two();
    let error = model.predict_outputs([("c", &x), ("a", &x), ("a", &x), ("c", &x)]).unwrap_err();
    let text = format!("inputs of predict_outputs: missing: b; unknown: c; repeated: a; the model has: a, b; {REMEDY}");
    assert_eq!(error.to_string(), text);
    assert!(matches!(error, Error::Names(names) if names.missing == ["b"]));
    let text = format!("inputs of predict_outputs: unknown: c; the model has: a, b; {REMEDY}");
    assert_eq!(message(model.predict_outputs([("a", &x), ("b", &x), ("c", &x)])), text);
    let text = format!("inputs of predict_outputs: missing: a, b; the model has: a, b; {REMEDY}");
    assert_eq!(message(model.predict_outputs(PredictInputs::new())), text);
    let text = "predict_outputs: it got one array without a name, but the model has the inputs a, b; give an array for each, as \
                in PredictInputs::new().with(name, &array)";
    assert_eq!(message(model.predict_outputs(&x)), text);
    let text = "input \"b\": found shape 2 × 2, expected 3 rows, like input \"a\"";
    assert_eq!(message(model.predict_outputs([("a", &x), ("b", &Array2::ones((2, 2)))])), text);
}

#[test]
fn arrays_of_different_ranks_are_given_in_any_order() {
    let mut graph = Graph::new();
    let (image, height) = (graph.input("image", [2, 2]), graph.input("height", [1]));
    let flat = graph.apply(Flatten, image);
    let both = graph.apply(Concatenate::new(), [flat, height]);
    graph.output("both", both);
    let model = graph.architecture(0).unwrap().into_model().unwrap();
    let (image, height) = (Array3::<f32>::ones((3, 2, 2)), Array2::<f32>::zeros((3, 1)));
    let expected = model.predict_outputs(PredictInputs::new().with("image", &image).with("height", &height)).unwrap();
    assert_eq!(expected["both"].shape(), [3, 5]);
    let views = || [("height", height.view().into_dyn()), ("image", image.view().into_dyn())];
    assert_eq!(model.predict_outputs(views()).unwrap(), expected);
    assert_eq!(model.predict_outputs(Vec::from(views())).unwrap(), expected);
}

#[test]
fn a_dataset_has_the_names_of_the_model() {
    let mut model = one();
    let fit = || Fit::new().progress(Progress::Quiet);
    let data = |input: &str, target: &str| {
        NamedArrays::new().with_input(input, rows()).unwrap().with_target(target, Array2::<f32>::ones((3, 1))).unwrap()
    };
    model.fit(&data("input", "output"), fit()).unwrap();
    let text = format!("inputs of the dataset: missing: input; unknown: foo; the model has: input; {REMEDY}");
    assert_eq!(message(model.fit(&data("foo", "output"), fit())), text);
    assert_eq!(message(model.predict_dataset(&data("foo", "output"))), text);
    let text = format!("targets of the dataset: missing: output; unknown: y; the model has: output; {REMEDY}");
    assert_eq!(message(model.evaluate(&data("input", "y"))), text);
    let without = NamedArrays::new().with_input("input", rows()).unwrap();
    let text = format!("targets of the dataset: missing: output; the model has: output; {REMEDY}");
    assert_eq!(message(model.fit(&without, fit())), text);
    let more = data("input", "output").with_input("other", rows()).unwrap();
    model.fit(&more.with_target("more", rows()).unwrap(), fit()).unwrap();
    model.fit(&Arrays::new(rows(), Array2::<f32>::ones((3, 1))).unwrap(), fit()).unwrap();
}

#[test]
fn names_must_not_be_empty() {
    let text = "layer 1: its name is empty; give it a name of at least one character";
    assert_eq!(message(Sequential::new([2]).add_named("", Dense::new(1)).architecture(0)), text);
    let mut graph = Graph::new();
    let x = graph.input("", [2]);
    graph.output("", x);
    let y = graph.apply(Dense::new(1), x);
    graph.output("", y);
    let problem = "its name is empty; give it a name of at least one character";
    let text = format!("Graph: 3 problems: input 1: {problem}; output 1: {problem}; output 2: {problem}");
    assert_eq!(message(graph.architecture(0)), text);
    let slash = Sequential::new([2]).add_named("a/b", Dense::new(1)).architecture(0).unwrap();
    assert_eq!(slash.params().iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a/b/kernel", "a/b/bias"]);
}
