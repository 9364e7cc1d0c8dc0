//! The graph of an ONNX file: nodes in topological order, constants, inputs and outputs.

use super::constant::Constant;
use super::nested_graphs;
use super::node::Node;
use super::operators::constant::read_constant;
use super::proto::{self, element};
use super::size_limit::FileMemory;
use super::tensor::Tensor;
use super::{operators, scikit_learn, tensor, versions};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A graph of operators. Only the names and the order of its nodes were checked.
#[derive(Clone, Debug, Default)]
pub(super) struct Nodes {
    pub(super) inputs: Vec<Input>,
    pub(super) outputs: Vec<Output>,
    pub(super) nodes: Vec<Node>,
    pub(super) constants: BTreeMap<String, Constant>,
    /// The reasons why other constants cannot be read.
    pub(super) unreadable: BTreeMap<String, String>,
    /// The memory limit of the file.
    pub(super) memory: FileMemory,
}

/// An input that is not a constant.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Input {
    pub(super) name: String,
    /// The size of each axis, `None` if it is not fixed. `None` as a whole if the number of axes is unknown.
    pub(super) sizes: Option<Vec<Option<usize>>>,
    /// The name of each axis whose size is symbolic.
    pub(super) symbols: Vec<Option<String>>,
    /// Whether its declared element type is an integer type or boolean.
    pub(super) integer: bool,
}

/// An output, and whether its declared element type is a float type.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) name: String,
    pub(super) floats: bool,
}

impl Nodes {
    /// Reads the graph of a file. Checks that every value has a single source that precedes its readers. The error lists all
    /// problems, and the unknown operators.
    pub(super) fn read(model: proto::Model, memory: FileMemory) -> Result<Nodes, String> {
        let mut problems = Vec::new();
        if !model.functions.is_empty() {
            problems.push("it defines functions, which are not supported; export it without functions".to_owned());
        }
        let versions = versions::read(&model).unwrap_or_else(|problem| {
            problems.push(problem);
            BTreeMap::new()
        });
        let graph = model.graph.ok_or("it has no graph; is it an ONNX file?")?;
        let (mut constants, unreadable) = read_tensors(&graph.initializer);
        let is_initializer = |name: &str| constants.contains_key(name) || unreadable.contains_key(name);
        let inputs = graph.input.iter().filter(|input| !is_initializer(input.name.as_deref().unwrap_or("")));
        let inputs: Vec<Result<Input, String>> = inputs.map(Input::read).collect();
        let inputs =
            inputs.into_iter().filter_map(|input| input.map_err(|problem| problems.push(problem)).ok()).collect();
        let outputs = graph.output.iter().map(Output::read).collect();
        let nodes = read_nodes(graph.node, &versions, &mut constants, &mut problems);
        let graph = Nodes { inputs, outputs, nodes, constants, unreadable, memory };
        if problems.is_empty() {
            problems.extend(graph.order_problems());
        }
        if problems.is_empty() {
            return Ok(graph);
        }
        Err(graph.with_unsupported(problems))
    }

    /// Describes the names of values that are missing or not unique.
    pub(super) fn order_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut known: BTreeSet<&str> =
            self.constants.keys().chain(self.unreadable.keys()).map(String::as_str).collect();
        for input in &self.inputs {
            if !known.insert(&input.name) {
                problems.push(format!("two inputs have the name \"{}\"", input.name));
            }
        }
        for node in &self.nodes {
            if let Some(missing) = node.inputs.iter().find(|name| !name.is_empty() && !known.contains(name.as_str())) {
                problems.push(format!("{node} reads \"{missing}\", which no earlier node outputs"));
            }
            for output in node.outputs.iter().filter(|name| !name.is_empty()) {
                if !known.insert(output) {
                    problems.push(format!("{node} outputs \"{output}\", but another value already has this name"));
                }
            }
        }
        let missing = self.outputs.iter().filter(|output| !known.contains(output.name.as_str()));
        problems.extend(missing.map(|missing| format!("no node computes its output \"{}\"", missing.name)));
        problems
    }

    /// Joins problems of a file and its unsupported operators.
    pub(super) fn with_unsupported(&self, mut problems: Vec<String>) -> String {
        let unsupported = self.unsupported_operators();
        if !unsupported.is_empty() {
            problems.push(format!("not supported: {}", unsupported.join(", ")));
        }
        problems.join("; ")
    }

    /// Describes the nodes whose operators or attributes are not supported.
    fn unsupported_operators(&self) -> Vec<String> {
        let problems = |node: &Node| match (operators::find(node), operators::problems(node)) {
            (_, problems) if !problems.is_empty() => Some(format!("{node} ({})", problems.join("; "))),
            (None, _) if !operators::is_known(node) => Some(format!("{node} (unknown operator)")),
            _ => None,
        };
        self.nodes.iter().filter_map(problems).collect()
    }

    /// Returns the subgraph on which the values `outputs` depend.
    pub(super) fn needed_for(&self, outputs: &[&str]) -> Nodes {
        let mut needed: BTreeSet<&str> = outputs.iter().copied().collect();
        let mut nodes = Vec::new();
        for node in self.nodes.iter().rev() {
            if node.outputs.iter().any(|output| needed.contains(output.as_str())) {
                needed.extend(node.inputs.iter().map(String::as_str));
                needed.extend(nested_graphs::names(node));
                nodes.push(node.clone());
            }
        }
        nodes.reverse();
        let inputs = self.inputs.iter().filter(|input| needed.contains(input.name.as_str())).cloned().collect();
        let constants = self.constants.iter().filter(|(name, _)| needed.contains(name.as_str()));
        let constants = constants.map(|(name, constant)| (name.clone(), constant.clone())).collect();
        let unreadable = self.unreadable.iter().filter(|(name, _)| needed.contains(name.as_str()));
        let unreadable = unreadable.map(|(name, problem)| (name.clone(), problem.clone())).collect();
        let outputs = outputs.iter().map(|name| Output { name: (*name).to_owned(), floats: true }).collect();
        Nodes { inputs, outputs, nodes, constants, unreadable, memory: self.memory }
    }

    /// The node that computes a value.
    pub(super) fn source(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.outputs.iter().any(|output| output == name))
    }

    /// The nodes that read a value.
    pub(super) fn readers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.nodes.iter().filter(move |node| node.inputs.iter().any(|input| input == name))
    }
}

/// The constants of a graph, and the reasons why others cannot be read.
type Tensors = (BTreeMap<String, Constant>, BTreeMap<String, String>);

/// Reads the initializers of a graph.
pub(super) fn read_tensors(initializers: &[proto::Tensor]) -> Tensors {
    let (mut constants, mut unreadable) = (BTreeMap::new(), BTreeMap::new());
    for initializer in initializers {
        let name = initializer.name.clone().unwrap_or_default();
        match Tensor::read(initializer) {
            // Some exporters store all constants as initializers. No weight of a layer is a scalar.
            Ok(tensor) => {
                let learned = !tensor.sizes.is_empty();
                constants.insert(name, Constant::of_file(tensor, learned));
            }
            // Unreadable constants are reported when they are used.
            Err(problem) => {
                unreadable.insert(name, problem);
            }
        }
    }
    (constants, unreadable)
}

/// Reads the nodes of a graph. Those that are constants are added to `constants`.
pub(super) fn read_nodes(
    list: Vec<proto::Node>,
    versions: &BTreeMap<String, i64>,
    constants: &mut BTreeMap<String, Constant>,
    problems: &mut Vec<String>,
) -> Vec<Node> {
    let mut nodes = Vec::new();
    for node in list {
        let node = match Node::read(node, versions) {
            Ok(node) => node,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        // Unsupported nodes are reported when they are used.
        if !operators::problems(&node).is_empty() {
            nodes.push(node);
            continue;
        }
        // PyTorch writes parameters with equal elements as one initializer, and an `Identity` for each of the others.
        if node.operator == "Identity"
            && let ([input], [output]) = (&node.inputs[..], &node.outputs[..])
            && let Some(constant) = constants.get(input).cloned()
        {
            constants.insert(output.clone(), constant);
            continue;
        }
        let read = match read_constant(&node) {
            Ok(Some(tensor)) => {
                let name = node.outputs.first().cloned().unwrap_or_default();
                constants.insert(name, Constant::of_file(tensor, false));
                Ok(Vec::new())
            }
            Ok(None) => scikit_learn::rewrite(node, constants),
            Err(problem) => Err(problem),
        };
        match read {
            Ok(read) => nodes.extend(read),
            Err(problem) => problems.push(problem),
        }
    }
    nodes
}

impl Input {
    fn read(info: &proto::ValueInfo) -> Result<Input, String> {
        let name = info.name.clone().unwrap_or_default();
        let tensor = info.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
        let shape = tensor.and_then(|tensor| tensor.shape.as_ref());
        let size = |dimension: &proto::Dimension| match dimension.dim_value {
            // Some exporters write 0 or −1 for a size that is not fixed.
            None | Some(-1 | 0) => Ok(None),
            Some(size) => {
                usize::try_from(size).map(Some).map_err(|_| format!("input \"{name}\" has an axis of size {size}"))
            }
        };
        let sizes = shape.map(|shape| shape.dim.iter().map(size).collect::<Result<Vec<_>, _>>()).transpose()?;
        if sizes.iter().flatten().flatten().try_fold(1usize, |product, size| product.checked_mul(*size)).is_none()
            || sizes
                .as_ref()
                .is_some_and(|sizes| tensor::length(&sizes.iter().flatten().copied().collect::<Vec<_>>()).is_none())
        {
            return Err(format!("the number of elements of input \"{name}\" overflows"));
        }
        let integer = tensor.and_then(|tensor| tensor.elem_type).is_some_and(element::is_integer);
        let symbol = |dimension: &proto::Dimension| dimension.dim_param.clone().filter(|symbol| !symbol.is_empty());
        let symbols = shape.map_or_else(Vec::new, |shape| shape.dim.iter().map(symbol).collect());
        Ok(Input { name, sizes, symbols, integer })
    }
}

impl fmt::Display for Input {
    /// Writes the shape, such as `rows × 3 × H × W`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(sizes) = &self.sizes else { return f.write_str("unknown") };
        let symbol = |axis: usize| self.symbols.get(axis).cloned().flatten();
        let size = |(axis, size): (usize, &Option<usize>)| match size {
            Some(size) => size.to_string(),
            None => symbol(axis).unwrap_or_else(|| if axis == 0 { "rows" } else { "?" }.to_owned()),
        };
        f.write_str(&sizes.iter().enumerate().map(size).collect::<Vec<_>>().join(" × "))
    }
}

impl Output {
    fn read(info: &proto::ValueInfo) -> Output {
        let tensor = info.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
        let kind = tensor.and_then(|tensor| tensor.elem_type);
        let floats = kind.is_some_and(element::is_float) || info.r#type.is_none();
        Output { name: info.name.clone().unwrap_or_default(), floats }
    }
}
