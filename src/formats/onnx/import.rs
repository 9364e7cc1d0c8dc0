//! From a file to a network that can be trained on.

use super::check::{Checked, Fact, check};
use super::graph::{self, Nodes};
use super::layer::{Given, OnnxGraph};
use super::limit::check_size;
use super::network::{Network, Output};
use super::node::Node;
use super::operators;
use super::order;
use super::rebuild::rebuild;
use super::run::Graph;
use crate::architecture::Architecture;
use crate::layers::Layer;
use crate::model::{Compile, Model};
use crate::{AxisOrder, Error, Result, Shape, ValueInfo};
use std::path::Path;
use std::sync::Arc;

/// Reads an ONNX file as a network with its weights. Where a file has several outputs, choose one with
/// [`Graph::output`] and [`Graph::import`].
///
/// ```no_run
/// use gradus::{Compile, formats::onnx, losses::SparseCategoricalCrossentropy, optimizers::Adam};
/// let settings = Compile::new(Adam::default(), SparseCategoricalCrossentropy::new());
/// let model = onnx::import("model.onnx")?.compile(settings)?;
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// Those of [`Graph::load`] and [`Graph::import`].
pub fn import(path: impl AsRef<Path>) -> Result<Imported> {
    Graph::load(path)?.import()
}

/// A network from a file, with its weights.
#[derive(Clone, Debug)]
pub struct Imported(Network);

impl Imported {
    /// The layers with the file's weights: a chain like that of a [`Sequential`](crate::Sequential), or else like that of a
    /// [`Graph`](crate::Graph) with the file's inputs and outputs by name. It becomes a model for inference by
    /// [`Architecture::into_model`].
    ///
    /// # Errors
    /// Layers that do not fit together or that the file has other weights for.
    pub fn architecture(&self) -> Result<Architecture> {
        self.0.architecture()
    }

    /// A model with the file's weights, to be trained on or evaluated.
    ///
    /// # Errors
    /// Those of [`architecture`](Imported::architecture) and of [`Architecture::compile`].
    pub fn compile(&self, settings: Compile) -> Result<Model> {
        self.architecture()?.compile(settings)
    }
}

/// The rows that a graph is tried with where the file fixes none; more than 1, so that an axis of 1 is not taken for them.
const ROWS: usize = 2;

impl Graph {
    /// The graph as a network of this library's layers where there is one for each node, and otherwise as an
    /// [`OnnxGraph`], which is one layer. Its images are channels last where convolutions, pooling or normalisation of
    /// channels read them.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with every node that cannot be run, and [`Error::Format`] where the inputs and outputs are
    /// not arrays with a row for each sample, or a graph that becomes one layer has several outputs; choose one with
    /// [`Graph::output`].
    pub fn import(&self) -> Result<Imported> {
        let wrong = |problem: String| Error::Format { path: self.path.clone(), problem };
        let unsupported = |parts| Error::Unsupported { path: self.path.clone(), parts };
        let outputs = self.predictions();
        if outputs.is_empty() {
            return Err(match self.unknown() {
                unknown if unknown.is_empty() => {
                    wrong("none of its outputs is an array of floats; choose a value with Graph::output".into())
                }
                unknown => unsupported(unknown),
            });
        }
        let nodes = self.nodes.needed_for(&outputs.iter().map(String::as_str).collect::<Vec<_>>());
        let given = nodes.inputs.iter().map(|input| Ok((given(&nodes, input)?, rows(input))));
        let given = given.collect::<std::result::Result<Vec<_>, String>>().map_err(wrong)?;
        let fixed: Vec<usize> = given.iter().filter_map(|(_, rows)| *rows).collect();
        let given: Vec<Given> = given.into_iter().map(|(given, _)| given).collect();
        if given.is_empty() || fixed.iter().any(|rows| *rows != fixed[0]) {
            return Err(wrong("its outputs depend on no input, or on inputs with different numbers of rows".into()));
        }
        let rows = fixed.first().copied();
        let batch = rows.unwrap_or(ROWS);
        let facts = given.iter().map(|given| given.fact(batch)).collect::<std::result::Result<Vec<_>, _>>();
        let checked = check(&nodes, &facts.map_err(wrong)?, rows.map(|rows| [rows, rows]));
        if !checked.unsupported.is_empty() {
            return Err(unsupported(checked.unsupported));
        }
        let shapes = nodes.outputs.iter().map(|output| output_shape(&output.name, &checked, batch));
        let shapes = shapes.collect::<std::result::Result<Vec<_>, _>>().map_err(wrong)?;
        let inputs: Vec<ValueInfo> = given.iter().map(Given::input).collect();
        if let Some(network) = rebuild(&nodes, &checked, &inputs, false) {
            return Ok(Imported(network));
        }
        let ([(output, axis_order)], [name]) = (&shapes[..], &outputs[..]) else {
            // One layer has one output, so what layers share has to be parted.
            if let Some(network) = rebuild(&nodes, &checked, &inputs, true) {
                return Ok(Imported(network));
            }
            let names = outputs.join(", ");
            return Err(wrong(format!("it has the outputs {names}; choose one with Graph::output")));
        };
        let arrays = checked.weights.iter().map(|weight| weight.values.clone()).collect();
        let count = inputs.len();
        let outputs = vec![Output { name: name.clone(), value: count, axis_order: *axis_order }];
        let (nodes, weights) = (Arc::new(nodes), Arc::new(checked.weights));
        let layer = OnnxGraph { nodes, weights, inputs: given, output: *output, rows };
        let layers: Vec<(Arc<dyn Layer>, _)> = vec![(Arc::new(layer), (0..count).collect())];
        Ok(Imported(Network { inputs, layers, outputs, arrays }))
    }

    /// The nodes whose operators are not known.
    fn unknown(&self) -> Vec<String> {
        self.nodes.nodes.iter().filter(|node| operators::find(node).is_none()).map(Node::to_string).collect()
    }

    /// The outputs that a model is trained for: those of floats. Behind scikit-learn's table of classes (`ZipMap`) it is
    /// what the table is made of.
    fn predictions(&self) -> Vec<String> {
        let zipped = |name: &str| {
            let node = self.nodes.source(name).filter(|node| node.operator == "ZipMap")?;
            node.inputs.first().cloned()
        };
        let name =
            |output: &graph::Output| if output.floats { Some(output.name.clone()) } else { zipped(&output.name) };
        self.nodes.outputs.iter().filter_map(name).collect()
    }
}

impl Given {
    /// What is known of an input of so many rows.
    fn fact(&self, rows: usize) -> std::result::Result<(String, Fact), String> {
        let batch = self.sample.batch(rows).map_err(|error| error.to_string())?;
        check_size(batch.len())?;
        let order = self.order.clone();
        let fact = if self.whole { Fact::Whole(batch, order) } else { Fact::Computed(batch, order) };
        Ok((self.name.clone(), fact))
    }
}

impl Given {
    /// The model's input.
    fn input(&self) -> ValueInfo {
        let order = order::axis_order(&self.order).unwrap_or_default(); // the rows come first
        ValueInfo::new(&self.name, self.sample).with_axis_order(order)
    }
}

/// The number of rows, if it is fixed.
fn rows(input: &graph::Input) -> Option<usize> {
    input.sizes.as_ref().and_then(|sizes| sizes.first().copied().flatten())
}

/// What one sample of an input is.
fn given(nodes: &Nodes, input: &graph::Input) -> std::result::Result<Given, String> {
    let name = &input.name;
    let sizes = input.sizes.as_ref().ok_or_else(|| format!("the shape of its input \"{name}\" is open; fix it"))?;
    let Some((_, sizes)) = sizes.split_first() else {
        return Err(format!("its input \"{name}\" is one number, expected rows"));
    };
    let open =
        || format!("its input \"{name}\" has an open size beside the number of rows; export it with fixed sizes");
    let sizes = sizes.iter().copied().collect::<Option<Vec<usize>>>().ok_or_else(open)?;
    let channels_last = wants_channels_last(nodes, name, 0);
    let order = if channels_last { order::channels_last(sizes.len() + 1) } else { (0..=sizes.len()).collect() };
    let lying: Vec<usize> = order[1..].iter().map(|axis| sizes[axis - 1]).collect();
    let sample = Shape::new(&lying).map_err(|error| error.to_string())?;
    Ok(Given { name: name.clone(), sample, order, whole: input.whole })
}

/// Whether what reads a value wants its channels last: directly, or behind operators that work on single elements.
fn wants_channels_last(nodes: &Nodes, name: &str, depth: usize) -> bool {
    const IMAGES: [&str; 6] =
        ["Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization"];
    const ELEMENTS: [&str; 9] = ["Add", "Sub", "Mul", "Div", "Identity", "Cast", "Dropout", "Concat", "Pad"];
    depth < 8
        && nodes.readers(name).any(|node| {
            let operator = node.operator.as_str();
            let next = || node.outputs.iter().any(|output| wants_channels_last(nodes, output, depth + 1));
            let single = ELEMENTS.contains(&operator) || operators::works_on_elements(operator);
            IMAGES.contains(&operator) || (single && next())
        })
}

/// The shape and the axis order of one sample of an output, which must have a row for each of the inputs.
fn output_shape(name: &str, checked: &Checked, rows: usize) -> std::result::Result<(Shape, AxisOrder), String> {
    match checked.facts.get(name) {
        Some(Fact::Computed(shape, order)) => match order::axis_order(order) {
            Some(axis_order) if shape.axis(0) == rows => Ok((shape.sample(), axis_order)),
            _ => Err(format!("its output \"{name}\" is {shape} for {rows} rows; it has not a row for each")),
        },
        _ => Err(format!("its output \"{name}\" does not depend on its input, or is not of floats")),
    }
}
