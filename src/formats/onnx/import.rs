//! Import of ONNX files as trainable models.

use super::check::{Checked, Fact, check};
use super::graph::{self, Nodes};
use super::layer::{GraphInput, OnnxGraph};
use super::network::{Network, Output};
use super::node::Node;
use super::operators;
use super::order;
use super::rebuild::rebuild;
use super::run::Graph;
use super::size_limit::check_size;
use crate::architecture::Architecture;
use crate::layers::Layer;
use crate::model::{Compile, Model};
use crate::{AxisOrder, Error, Result, Shape, ValueInfo};
use std::path::Path;
use std::sync::Arc;

/// Imports an ONNX file as a network with its weights. To import another value than the outputs of the file, use
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
/// The errors of [`Graph::load`] and [`Graph::import`].
pub fn import(path: impl AsRef<Path>) -> Result<Imported> {
    Graph::load(path)?.import()
}

/// An imported network with its weights.
#[derive(Clone, Debug)]
pub struct Imported(Network);

impl Imported {
    /// Returns the layers with the weights of the file: sequential if possible, otherwise a graph with the names of the
    /// file's inputs and outputs. [`Architecture::into_model`] converts it to a model for inference.
    ///
    /// # Errors
    /// Returns an error if the shapes of the layers or the weights do not match.
    pub fn architecture(&self) -> Result<Architecture> {
        self.0.architecture()
    }

    /// Returns a model with the weights of the file, for training and evaluation.
    ///
    /// # Errors
    /// The errors of [`architecture`](Imported::architecture) and of [`Architecture::compile`].
    pub fn compile(&self, settings: Compile) -> Result<Model> {
        self.architecture()?.compile(settings)
    }
}

/// Number of rows for the check of a graph without a fixed number. Greater than 1 to distinguish it from axes of size 1.
const CHECK_ROWS: usize = 2;

impl Graph {
    /// Converts the graph to layers of this library. A node without an equivalent layer becomes an [`OnnxGraph`] layer. If the
    /// graph cannot be converted node by node, it becomes a single [`OnnxGraph`] layer. Images that convolutions, pooling or
    /// channel normalization read are channels last.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with every unsupported node. [`Error::Format`] if the inputs and outputs are not arrays with
    /// one row per sample, or if a graph that becomes a single layer has several outputs; choose one with [`Graph::output`].
    pub fn import(&self) -> Result<Imported> {
        let wrong = |problem: String| Error::Format { path: self.path.clone(), problem };
        let unsupported = |parts| Error::Unsupported { path: self.path.clone(), parts };
        let outputs = self.predictions();
        if outputs.is_empty() {
            return Err(match self.unknown_nodes() {
                unknown if unknown.is_empty() => {
                    wrong("none of its outputs is a float array; choose a value with Graph::output".into())
                }
                unknown => unsupported(unknown),
            });
        }
        let nodes = self.nodes.needed_for(&outputs.iter().map(String::as_str).collect::<Vec<_>>());
        let given = nodes.inputs.iter().map(|input| Ok((graph_input(&nodes, input)?, rows(input))));
        let given = given.collect::<std::result::Result<Vec<_>, String>>().map_err(wrong)?;
        let fixed: Vec<usize> = given.iter().filter_map(|(_, rows)| *rows).collect();
        let given: Vec<GraphInput> = given.into_iter().map(|(given, _)| given).collect();
        if given.is_empty() || fixed.iter().any(|rows| *rows != fixed[0]) {
            return Err(wrong("its outputs depend on no input, or on inputs with different numbers of rows".into()));
        }
        let rows = fixed.first().copied();
        let batch = rows.unwrap_or(CHECK_ROWS);
        let facts = given.iter().map(|given| given.fact(batch)).collect::<std::result::Result<Vec<_>, _>>();
        let checked = check(&nodes, &facts.map_err(wrong)?, rows.map(|rows| [rows, rows]));
        if !checked.unsupported.is_empty() {
            return Err(unsupported(checked.unsupported));
        }
        let shapes = nodes.outputs.iter().map(|output| output_shape(&output.name, &checked, batch));
        let shapes = shapes.collect::<std::result::Result<Vec<_>, _>>().map_err(wrong)?;
        let inputs: Vec<ValueInfo> = given.iter().map(GraphInput::input).collect();
        if let Some(network) = rebuild(&nodes, &checked, &inputs, false) {
            return Ok(Imported(network));
        }
        let ([(output, axis_order)], [name]) = (&shapes[..], &outputs[..]) else {
            // A single layer has one output, so duplicate shared weights to obtain several layers.
            if let Some(network) = rebuild(&nodes, &checked, &inputs, true) {
                return Ok(Imported(network));
            }
            let names = outputs.join(", ");
            return Err(wrong(format!("its outputs are {names}; choose one with Graph::output")));
        };
        let arrays = checked.weights.iter().map(|weight| weight.values.clone()).collect();
        let count = inputs.len();
        let outputs = vec![Output { name: name.clone(), value: count, axis_order: *axis_order }];
        let (nodes, weights) = (Arc::new(nodes), Arc::new(checked.weights));
        let layer = OnnxGraph { nodes, weights, inputs: given, output: *output, rows };
        let layers: Vec<(Arc<dyn Layer>, _)> = vec![(Arc::new(layer), (0..count).collect())];
        Ok(Imported(Network { inputs, layers, outputs, arrays }))
    }

    /// The nodes with unknown operators.
    fn unknown_nodes(&self) -> Vec<String> {
        self.nodes.nodes.iter().filter(|node| operators::find(node).is_none()).map(Node::to_string).collect()
    }

    /// The float outputs. For an output of scikit-learn's `ZipMap`, its input.
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

impl GraphInput {
    /// The static information about the input with `rows` rows.
    fn fact(&self, rows: usize) -> std::result::Result<(String, Fact), String> {
        let batch = self.sample.batch(rows).map_err(|error| error.to_string())?;
        check_size(batch.len())?;
        let order = self.order.clone();
        let fact = if self.integer { Fact::Integers(batch, order) } else { Fact::Floats(batch, order) };
        Ok((self.name.clone(), fact))
    }
}

impl GraphInput {
    /// Describes the input of the model.
    fn input(&self) -> ValueInfo {
        let order = order::axis_order(&self.order).unwrap_or_default(); // the rows are the first axis
        ValueInfo::new(&self.name, self.sample).with_axis_order(order)
    }
}

/// The number of rows of an input, if fixed.
fn rows(input: &graph::Input) -> Option<usize> {
    input.sizes.as_ref().and_then(|sizes| sizes.first().copied().flatten())
}

/// Describes one sample of an input.
fn graph_input(nodes: &Nodes, input: &graph::Input) -> std::result::Result<GraphInput, String> {
    let name = &input.name;
    let sizes =
        input.sizes.as_ref().ok_or_else(|| format!("its input \"{name}\" has no shape; export it with a shape"))?;
    let Some((_, sizes)) = sizes.split_first() else {
        return Err(format!("its input \"{name}\" is a scalar, expected an axis of rows"));
    };
    let open = || {
        format!(
            "its input \"{name}\" has a size that is not fixed, other than the number of rows; export it with fixed sizes"
        )
    };
    let sizes = sizes.iter().copied().collect::<Option<Vec<usize>>>().ok_or_else(open)?;
    let channels_last = is_image(nodes, name, 0);
    let order = if channels_last { order::channels_last(sizes.len() + 1) } else { (0..=sizes.len()).collect() };
    let stored: Vec<usize> = order[1..].iter().map(|axis| sizes[axis - 1]).collect();
    let sample = Shape::new(&stored).map_err(|error| error.to_string())?;
    Ok(GraphInput { name: name.clone(), sample, order, integer: input.integer })
}

/// Whether image operators read a value, directly or through elementwise operators.
fn is_image(nodes: &Nodes, name: &str, depth: usize) -> bool {
    const IMAGES: [&str; 6] =
        ["Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization"];
    const ELEMENTS: [&str; 9] = ["Add", "Sub", "Mul", "Div", "Identity", "Cast", "Dropout", "Concat", "Pad"];
    depth < 8
        && nodes.readers(name).any(|node| {
            let operator = node.operator.as_str();
            let next = || node.outputs.iter().any(|output| is_image(nodes, output, depth + 1));
            let single = ELEMENTS.contains(&operator) || operators::is_elementwise(operator);
            IMAGES.contains(&operator) || (single && next())
        })
}

/// The shape and the axis order of one sample of an output, which must have a row for each of the inputs.
fn output_shape(name: &str, checked: &Checked, rows: usize) -> std::result::Result<(Shape, AxisOrder), String> {
    match checked.facts.get(name) {
        Some(Fact::Floats(shape, order)) => match order::axis_order(order) {
            Some(axis_order) if shape.axis(0) == rows => Ok((shape.sample(), axis_order)),
            _ => Err(format!(
                "its output \"{name}\" has shape {shape}, expected {rows} as its first size, the number of rows"
            )),
        },
        _ => Err(format!("its output \"{name}\" does not depend on the inputs, or is not a float array")),
    }
}
