//! Layers with several outputs.

use gradus::data::NamedArrays;
use gradus::layers::{Activation, Concatenate, Cursor, Dense, Layer, Weights};
use gradus::losses::MeanSquaredError;
use gradus::optimizers::Sgd;
use gradus::save::Registry;
use gradus::tape::Var;
use gradus::testing::LayerSample;
use gradus::{Compile, Error, Fit, FromSpec, Graph, Model, Progress, Result, Sequential, Settings, Shape, Spec};
use ndarray::Array2;

/// Scales a sample by learned factors, and splits it in two parts.
#[derive(Debug)]
struct Split {
    first: usize,
}

impl Layer for Split {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [x] = inputs else { return Err(Error::expected("one input")) };
        weights.add("scale", x.len(), &gradus::initializers::Constant::new(0.5))?;
        Ok(vec![Shape::from(self.first), Shape::from(x.len() - self.first)])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let [scale] = weights.take();
        let x = inputs[0] * scale;
        let [rows, columns] = [0, 1].map(|axis| x.shape().axis(axis));
        vec![x.slice(&[0, 0], [rows, self.first]), x.slice(&[0, self.first], [rows, columns - self.first])]
    }

    fn spec(&self) -> Spec {
        Spec::new("Split").with("first", self.first)
    }
}

impl FromSpec for Split {
    const CLASS: &'static str = "Split";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Split> {
        Ok(Split { first: settings.uint("first")? })
    }
}

fn settings() -> Compile {
    Compile::new(Sgd::new(0.05), MeanSquaredError::new()).seed(4)
}

/// 5 features, of which two bypass the hidden layer.
fn graph() -> Graph {
    let mut graph = Graph::new();
    let x = graph.input("x", [5]);
    let split = graph.layer("split", Split { first: 2 });
    let [first, others] = graph.apply_multi(split, x);
    let hidden = graph.apply(Dense::new(3).activation(Activation::Tanh), others);
    let y = graph.apply(Concatenate::new(), [hidden, first]);
    graph.output("y", y);
    graph
}

#[test]
fn a_layer_with_two_outputs_passes_the_checks_of_layers() {
    LayerSample::new(Split { first: 1 }).input([4]).check().unwrap();
}

#[test]
fn a_model_trains_saves_and_loads() {
    let mut model = graph().compile(settings()).unwrap();
    let x = Array2::from_shape_fn((20, 5), |(row, column)| ((3 * row + 5 * column) % 7) as f32 / 7.0);
    let y = x.map(|value| 1.0 - value);
    let data = NamedArrays::new().with_input("x", &x).unwrap().with_target("y", &y).unwrap();
    let history = model.fit(&data, Fit::new().epochs(40).progress(Progress::Quiet)).unwrap();
    let loss = history.get("loss").unwrap();
    assert!(loss[39] < 0.5 * loss[0], "{loss:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    let loaded = Model::load_with(&path, &Registry::new().layer::<Split>()).unwrap();
    assert_eq!(loaded.predict(&x).unwrap(), model.predict(&x).unwrap());
    assert_eq!(loaded.summary(), model.summary());
}

#[test]
fn the_summary_names_every_output() {
    let summary = graph().summary().unwrap();
    assert!(summary.contains("[(None, 2), (None, 3)]"), "{summary}");
    assert!(summary.contains("split[0][1]") && summary.contains("dense[0][0], split[0][0]"), "{summary}");
}

#[test]
fn an_unused_output_is_not_an_error_if_another_is_used() {
    let mut graph = Graph::new();
    let x = graph.input("x", [5]);
    let [_, others] = graph.apply_multi(Split { first: 2 }, x);
    graph.output("y", others);
    assert_eq!(graph.compile(settings()).unwrap().output_shapes(), [Shape::from(3)]);
}

#[test]
fn the_number_of_outputs_can_be_known_at_run_time_only() {
    let split = |many: bool| {
        let mut graph = Graph::new();
        let x = graph.input("x", [5]);
        let outputs = match many {
            true => graph.apply_many(Split { first: 2 }, x, 2),
            false => graph.apply_multi::<2>(Split { first: 2 }, x).to_vec(),
        };
        let y = graph.apply(Concatenate::new(), [outputs[1], outputs[0]]);
        graph.output("y", y);
        let model = graph.compile(settings()).unwrap();
        model.predict(&Array2::from_shape_fn((3, 5), |(row, column)| (5 * row + column) as f32)).unwrap()
    };
    assert_eq!(split(true), split(false));
    assert_eq!(split(true).iter().take(5).copied().collect::<Vec<f32>>(), [1.0, 1.5, 2.0, 0.0, 0.5]);
}

#[test]
fn a_wrong_number_of_outputs_is_an_error() {
    let message = |build: fn(&mut Graph, gradus::model::Node) -> gradus::model::Node| {
        let mut graph = Graph::new();
        let x = graph.input("x", [5]);
        let y = build(&mut graph, x);
        graph.output("y", y);
        graph.compile(settings()).unwrap_err().to_string()
    };
    let one = message(|graph, x| graph.apply(Split { first: 2 }, x));
    assert_eq!(one, "layer 1 (split): it has 2 outputs, but the call expects 1; use Graph::apply_multi::<2>");
    let three = message(|graph, x| graph.apply_multi::<3>(Split { first: 2 }, x)[2]);
    assert_eq!(three, "layer 1 (split): it has 2 outputs, but the call expects 3; use Graph::apply_multi::<2>");
    let dense = message(|graph, x| graph.apply_multi::<2>(Dense::new(2), x)[1]);
    let many = message(|graph, x| graph.apply_many(Split { first: 2 }, x, 3)[2]);
    assert_eq!(many, three);
    assert_eq!(dense, "layer 1 (dense): it has 1 output, but the call expects 2; use Graph::apply");
    let chain = Sequential::new([5]).add(Split { first: 2 }).compile(settings()).unwrap_err().to_string();
    assert_eq!(chain, "layer 1 (split): it has 2 outputs, but layers of a Sequential must have 1; use a Graph");
}
