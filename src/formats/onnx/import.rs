//! Import of ONNX files as trainable models.

use super::check::{Checked, Fact, check};
use super::graph::{self, Nodes};
use super::joined_rows::joined_rows;
use super::layer::{self, CHECK_ROWS, GraphInput, OnnxGraph};
use super::network::{Network, NetworkLayer, Output};
use super::node::Node;
use super::operators;
use super::order;
use super::rebuild::rebuild;
use super::rows::rows_problem;
use super::run::Graph;
use super::size_limit::Limits;
use super::state_rows::{rows_elsewhere, with_rows_first};
use crate::architecture::Architecture;
use crate::formats::budget::MemoryLimit;
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

/// Imports an ONNX file as [`import`] does, with a memory limit.
///
/// # Errors
/// The errors of [`Graph::load_with`] and [`Graph::import`].
pub fn import_with(path: impl AsRef<Path>, limit: MemoryLimit) -> Result<Imported> {
    Graph::load_with(path, limit)?.import()
}

/// The condition for a graph to be a model, in errors.
pub(super) const NEEDS_ROWS: &str = "a model needs one row of outputs for each row of inputs";

/// The way to use a graph that is no model, in errors.
const RUN_INSTEAD: &str = "Run the file with `gradus predict`, which does not import it";

/// An imported network with its weights.
#[derive(Clone, Debug)]
pub struct Imported(pub(super) Network);

impl Imported {
    /// Returns the layers with the weights of the file: sequential if possible, otherwise a graph with the names of the
    /// file's inputs and outputs. [`Architecture::into_model`] converts it to a model for inference.
    ///
    /// # Errors
    /// Returns an error if the shapes of the layers or the weights do not match.
    pub fn architecture(&self) -> Result<Architecture> {
        self.0.architecture()
    }

    /// Returns a model with the weights of the file, for inference.
    ///
    /// # Errors
    /// The errors of [`architecture`](Imported::architecture).
    pub fn into_model(self) -> Result<Model> {
        self.architecture()?.into_model()
    }

    /// Returns a model with the weights of the file, for training and evaluation.
    ///
    /// # Errors
    /// The errors of [`architecture`](Imported::architecture) and of [`Architecture::compile`].
    pub fn compile(&self, settings: Compile) -> Result<Model> {
        self.architecture()?.compile(settings)
    }
}

impl Graph {
    /// Converts the graph to layers of this library. A node without an equivalent layer becomes an [`OnnxGraph`] layer. If the
    /// graph cannot be converted node by node, it becomes a single [`OnnxGraph`] layer. Images that convolutions, pooling or
    /// channel normalization read are channels last.
    ///
    /// Symbolic sizes become open axes of the model: it accepts all sizes that the graph accepts. [`Graph::with_shape`] binds
    /// them to fixed sizes.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with every unsupported node. [`Error::Format`] if the inputs and outputs are not arrays with
    /// one row per sample, or if an input has symbolic sizes and the graph does not accept those that are tried.
    pub fn import(&self) -> Result<Imported> {
        let is_open =
            |input: &graph::Input| input.sizes.as_ref().is_some_and(|sizes| sizes.iter().skip(1).any(Option::is_none));
        if let Some(problem) = rows_elsewhere(&self.needed_inputs().collect::<Vec<_>>()) {
            let problem = format!("{problem}; {NEEDS_ROWS}. {RUN_INSTEAD}");
            return Err(Error::Format { path: self.path.clone(), problem });
        }
        match self.needed_inputs().any(is_open) {
            true => self.import_open(),
            false => self.import_fixed(),
        }
    }

    /// The inputs on which the outputs depend.
    fn needed_inputs(&self) -> impl Iterator<Item = &graph::Input> {
        let outputs = self.predictions();
        let nodes = self.nodes.needed_for(&outputs.iter().map(String::as_str).collect::<Vec<_>>());
        self.nodes.inputs.iter().filter(move |input| nodes.inputs.iter().any(|needed| needed.name == input.name))
    }

    /// Converts a graph whose inputs have no symbolic sizes except for the number of rows.
    pub(super) fn import_fixed(&self) -> Result<Imported> {
        let wrong = |problem: String| Error::Format { path: self.path.clone(), problem };
        let unsupported = |parts| Error::Unsupported { path: self.path.clone(), parts };
        let outputs = self.predictions();
        if outputs.is_empty() {
            return Err(match self.unknown_nodes() {
                unknown if unknown.is_empty() => {
                    wrong("none of its outputs is a float array; `gradus predict` computes them".into())
                }
                unknown => unsupported(unknown),
            });
        }
        let nodes = self.nodes.needed_for(&outputs.iter().map(String::as_str).collect::<Vec<_>>());
        let nodes = with_rows_first(&nodes).unwrap_or(nodes);
        let (mut given, mut problems, mut fixed) = (Vec::new(), Vec::new(), Vec::new());
        for input in &nodes.inputs {
            match graph_input(&nodes, input) {
                Ok(read) => given.push(read),
                Err(problem) => problems.push(problem),
            }
            fixed.extend(rows(input));
        }
        if problems.is_empty() && (given.is_empty() || fixed.iter().any(|rows| *rows != fixed[0])) {
            problems.push("its outputs depend on no input, or on inputs with different numbers of rows".into());
        }
        if !problems.is_empty() {
            return Err(wrong(nodes.with_unsupported(problems)));
        }
        let rows = fixed.first().copied();
        let batch = rows.unwrap_or(CHECK_ROWS);
        let facts = |rows| given.iter().map(|given| given.fact(rows)).collect::<std::result::Result<Vec<_>, _>>();
        let budget = || nodes.memory.budget(layer::elements(&given));
        let checking = budget().map_err(wrong)?;
        let limits = Limits::new(&checking, batch);
        let mut checked = check(&nodes, &facts(batch).map_err(wrong)?, rows.map(|rows| [rows, rows]), limits);
        if !checked.unsupported.is_empty() {
            return Err(unsupported(checked.unsupported));
        }
        let other = if batch > 1 { 1 } else { CHECK_ROWS };
        let checking = budget().map_err(wrong)?;
        let limits = Limits::new(&checking, other);
        let others = check(&nodes, &facts(other).map_err(wrong)?, rows.map(|rows| [rows, other]), limits);
        let operators = |checked: &Checked| checked.inlined.as_ref().map(|nodes| nodes.nodes.clone());
        let problem = match operators(&checked) == operators(&others) {
            // A file for one row may have constants for this number, which are found when the model is used.
            true if batch == 1 => joined_rows(&nodes, [&others, &checked], [other, batch]),
            true => rows_problem(&outputs, [&checked, &others], batch).or_else(|| {
                joined_rows(checked.inlined.as_ref().unwrap_or(&nodes), [&checked, &others], [batch, other])
            }),
            false if batch == 1 => None,
            false => Some("the condition of a node If depends on the number of rows".into()),
        };
        if let Some(problem) = problem {
            let fixed = rows.map_or_else(String::new, |rows| format!("it fixes the number of rows at {rows}, and "));
            return Err(wrong(format!(
                "{fixed}{problem}; {NEEDS_ROWS}. {RUN_INSTEAD}, or export it with a symbolic number of rows"
            )));
        }
        let nodes = checked.inlined.take().unwrap_or(nodes);
        let shapes = nodes.outputs.iter().map(|output| output_shape(&output.name, &checked, batch));
        let orders = shapes.collect::<std::result::Result<Vec<_>, _>>().map_err(wrong)?;
        let inputs: Vec<ValueInfo> = given.iter().map(GraphInput::input).collect();
        if let Some(network) = rebuild(&nodes, &checked, &inputs, false) {
            return Ok(Imported(network));
        }
        // Duplicate the weights that several layers share to obtain several layers.
        if let [_, _, ..] = orders[..]
            && let Some(network) = rebuild(&nodes, &checked, &inputs, true)
        {
            return Ok(Imported(network));
        }
        let outputs = outputs.into_iter().zip(orders).collect();
        single_layer(nodes, given, rows, outputs).map(Imported).map_err(wrong)
    }

    /// Binds the symbolic sizes of an input to those of one sample, in the axis order of the file. A symbol has the same size
    /// in all inputs.
    ///
    /// ```no_run
    /// use gradus::formats::onnx::Graph;
    /// let graph = Graph::load("fully_convolutional.onnx")?.with_shape("image", &[3, 64, 48])?;
    /// let model = graph.import()?.architecture()?.into_model()?;
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is no input of this name. [`Error::Format`] if its number of axes or a fixed size differs.
    pub fn with_shape(&self, input: &str, sample: &[usize]) -> Result<Graph> {
        let inputs = &self.nodes.inputs;
        let Some(found) = inputs.iter().find(|found| found.name == input) else {
            let known = inputs.iter().map(|input| input.name.clone()).collect();
            return Err(Error::Unknown { kind: "input", name: input.into(), known });
        };
        let open = vec![None; sample.len() + 1];
        let declared = found.sizes.as_ref().unwrap_or(&open);
        let fits = |(size, bound): (&Option<usize>, &usize)| size.is_none_or(|size| size == *bound);
        if declared.len() != open.len() || !declared[1..].iter().zip(sample).all(fits) {
            let sample = sample.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
            let problem = format!("its input \"{input}\" has shape {found}, which does not take samples of {sample}");
            return Err(Error::Format { path: self.path.clone(), problem });
        }
        let symbols = found.symbols.iter().skip(1).zip(sample);
        let symbols: Vec<(String, usize)> =
            symbols.filter_map(|(symbol, size)| Some((symbol.clone()?, *size))).collect();
        let declared: Vec<Option<usize>> =
            declared[..1].iter().copied().chain(sample.iter().map(|size| Some(*size))).collect();
        let mut graph = self.clone();
        let elements = sample.iter().fold(1usize, |product, size| product.saturating_mul(*size));
        graph.nodes.memory.given = graph.nodes.memory.given.saturating_add(elements);
        for bound in &mut graph.nodes.inputs {
            if bound.name == input {
                bound.sizes = Some(declared.clone());
            }
            let axes = bound.sizes.iter_mut().flatten().zip(&bound.symbols).skip(1);
            for (size, symbol) in axes.filter(|(size, symbol)| size.is_none() && symbol.is_some()) {
                *size = symbols.iter().find(|(name, _)| Some(name) == symbol.as_ref()).map(|(_, size)| *size);
            }
        }
        Ok(graph)
    }

    /// The size of each axis of an input, including the rows: `None` for a symbolic size. `None` as a whole for an unknown
    /// input, or one without a shape.
    pub fn input_sizes(&self, input: &str) -> Option<&[Option<usize>]> {
        self.nodes.inputs.iter().find(|found| found.name == input)?.sizes.as_deref()
    }

    /// Whether the elements of an input are integers.
    pub fn takes_integers(&self, input: &str) -> bool {
        self.nodes.inputs.iter().any(|found| found.name == input && found.integer)
    }

    /// The nodes with unknown operators.
    fn unknown_nodes(&self) -> Vec<String> {
        self.nodes.nodes.iter().filter(|node| !operators::is_known(node)).map(Node::to_string).collect()
    }

    /// The outputs that an import leaves out, since they are not arrays of floats.
    #[cfg(feature = "cli")]
    pub(crate) fn left_out(&self) -> Vec<String> {
        let is_zipped = |name: &str| self.nodes.source(name).is_some_and(|node| node.operator == "ZipMap");
        let outputs = self.nodes.outputs.iter().filter(|output| !output.floats && !is_zipped(&output.name));
        outputs.map(|output| output.name.clone()).collect()
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
    /// Describes the input of the model.
    fn input(&self) -> ValueInfo {
        let order = order::axis_order(&self.order).unwrap_or_default(); // the rows are the first axis
        ValueInfo::new(&self.name, self.sample).with_axis_order(order)
    }
}

/// The network of a single layer that runs a whole graph. `outputs` are the names of the outputs, with their axis orders.
pub(super) fn single_layer(
    nodes: Nodes,
    given: Vec<GraphInput>,
    rows: Option<usize>,
    outputs: Vec<(String, AxisOrder)>,
) -> std::result::Result<Network, String> {
    let inputs: Vec<ValueInfo> = given.iter().map(GraphInput::input).collect();
    let layer = OnnxGraph::new(nodes, given, rows)?;
    let arrays = layer.weights.iter().map(|weight| weight.values.clone()).collect();
    let (first, count) = (inputs.len(), outputs.len());
    let output =
        |(number, (name, axis_order)): (usize, (String, AxisOrder))| Output { name, value: first + number, axis_order };
    let outputs = outputs.into_iter().enumerate().map(output).collect();
    let layers = vec![NetworkLayer { layer: Arc::new(layer), inputs: (0..first).collect(), outputs: count }];
    Ok(Network { inputs, layers, outputs, arrays })
}

/// The number of rows of an input, if fixed.
pub(super) fn rows(input: &graph::Input) -> Option<usize> {
    input.sizes.as_ref().and_then(|sizes| sizes.first().copied().flatten())
}

/// Describes one sample of an input.
pub(super) fn graph_input(nodes: &Nodes, input: &graph::Input) -> std::result::Result<GraphInput, String> {
    let name = &input.name;
    let sizes =
        input.sizes.as_ref().ok_or_else(|| format!("its input \"{name}\" has no shape; set it with --shape"))?;
    let Some((_, sizes)) = sizes.split_first() else {
        return Err(format!("its input \"{name}\" is a scalar, expected an axis of rows"));
    };
    let open = || {
        format!(
            "its input \"{name}\" has shape {input}, whose sizes must be known except for the number of rows; set them with \
             --shape"
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

/// The axis order of an output, which must have a row for each of the inputs.
fn output_shape(name: &str, checked: &Checked, rows: usize) -> std::result::Result<AxisOrder, String> {
    match checked.facts.get(name).filter(|fact| matches!(fact, Fact::Floats(..))).and_then(Fact::rows_first) {
        Some((shape, order)) => match order::axis_order(&order) {
            Some(axis_order) if shape.axis(0) == rows => Ok(axis_order),
            _ => Err(format!(
                "its output \"{name}\" has shape {shape}, expected {rows} as its first size, the number of rows"
            )),
        },
        None => Err(format!("its output \"{name}\" does not depend on the inputs, or is not a float array")),
    }
}
