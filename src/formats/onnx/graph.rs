//! The graph of an ONNX file: nodes in topological order, constants, inputs and outputs.

use super::constant::Constant;
use super::node::Node;
use super::operators::constant::read_constant;
use super::proto::{self, element};
use super::tensor::Tensor;
use super::{operators, scikit_learn, tensor, versions};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A graph of operators. Only the names and the order of its nodes were checked.
#[derive(Clone, Debug)]
pub(super) struct Nodes {
    pub(super) inputs: Vec<Input>,
    pub(super) outputs: Vec<Output>,
    pub(super) nodes: Vec<Node>,
    pub(super) constants: BTreeMap<String, Constant>,
}

/// An input that is not a constant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Input {
    pub(super) name: String,
    /// The size of each axis, `None` if it is not fixed. `None` as a whole if the number of axes is unknown.
    pub(super) sizes: Option<Vec<Option<usize>>>,
    /// Whether its declared element type is an integer type.
    pub(super) integer: bool,
}

/// An output, and whether its declared element type is a float type.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) name: String,
    pub(super) floats: bool,
}

impl Nodes {
    /// Reads the graph of a file. Checks that every value has a single source that precedes its readers.
    pub(super) fn read(model: proto::Model) -> Result<Nodes, String> {
        if !model.functions.is_empty() {
            return Err("it defines functions, which are not supported; export it without functions".into());
        }
        let versions = versions::read(&model)?;
        let graph = model.graph.ok_or("it has no graph; is it an ONNX file?")?;
        let mut constants = BTreeMap::new();
        for initializer in &graph.initializer {
            let name = initializer.name.clone().unwrap_or_default();
            let tensor = Tensor::read(initializer).map_err(|problem| format!("constant \"{name}\": {problem}"))?;
            // Some exporters store all constants as initializers. No weight of a layer is a scalar.
            let learned = !tensor.sizes.is_empty();
            constants.insert(name, Constant { tensor: Arc::new(tensor), learned });
        }
        let inputs = graph.input.iter().filter(|input| !constants.contains_key(input.name.as_deref().unwrap_or("")));
        let inputs = inputs.map(Input::read).collect::<Result<Vec<_>, String>>()?;
        let outputs = graph.output.iter().map(Output::read).collect();
        let mut nodes = Vec::new();
        for node in graph.node {
            let node = Node::read(node, &versions)?;
            // Unsupported nodes are reported when they are used.
            if !operators::problems(&node).is_empty() {
                nodes.push(node);
                continue;
            }
            match read_constant(&node)? {
                Some(tensor) => {
                    let name = node.outputs.first().cloned().unwrap_or_default();
                    constants.insert(name, Constant { tensor: Arc::new(tensor), learned: false });
                }
                None => nodes.extend(scikit_learn::rewrite(node, &mut constants)?),
            }
        }
        let graph = Nodes { inputs, outputs, nodes, constants };
        graph.check_order()?;
        Ok(graph)
    }

    fn check_order(&self) -> Result<(), String> {
        let mut known: BTreeSet<&str> = self.constants.keys().map(String::as_str).collect();
        for input in &self.inputs {
            if !known.insert(&input.name) {
                return Err(format!("two inputs have the name \"{}\"", input.name));
            }
        }
        for node in &self.nodes {
            if let Some(missing) = node.inputs.iter().find(|name| !name.is_empty() && !known.contains(name.as_str())) {
                return Err(format!("{node} reads \"{missing}\", which no earlier node outputs"));
            }
            for output in node.outputs.iter().filter(|name| !name.is_empty()) {
                if !known.insert(output) {
                    return Err(format!("{node} outputs \"{output}\", but another value already has this name"));
                }
            }
        }
        match self.outputs.iter().find(|output| !known.contains(output.name.as_str())) {
            Some(missing) => Err(format!("no node computes its output \"{}\"", missing.name)),
            None => Ok(()),
        }
    }

    /// Returns the subgraph on which the values `outputs` depend.
    pub(super) fn needed_for(&self, outputs: &[&str]) -> Nodes {
        let mut needed: BTreeSet<&str> = outputs.iter().copied().collect();
        let mut nodes = Vec::new();
        for node in self.nodes.iter().rev() {
            if node.outputs.iter().any(|output| needed.contains(output.as_str())) {
                needed.extend(node.inputs.iter().map(String::as_str));
                nodes.push(node.clone());
            }
        }
        nodes.reverse();
        let inputs = self.inputs.iter().filter(|input| needed.contains(input.name.as_str())).cloned().collect();
        let constants = self.constants.iter().filter(|(name, _)| needed.contains(name.as_str()));
        let constants = constants.map(|(name, constant)| (name.clone(), constant.clone())).collect();
        let outputs = outputs.iter().map(|name| Output { name: (*name).to_owned(), floats: true }).collect();
        Nodes { inputs, outputs, nodes, constants }
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
        let integer = matches!(tensor.and_then(|tensor| tensor.elem_type), Some(element::INT32 | element::INT64));
        Ok(Input { name, sizes, integer })
    }
}

impl Output {
    fn read(info: &proto::ValueInfo) -> Output {
        let tensor = info.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
        let kind = tensor.and_then(|tensor| tensor.elem_type);
        let floats = matches!(kind, Some(element::FLOAT | element::DOUBLE)) || info.r#type.is_none();
        Output { name: info.name.clone().unwrap_or_default(), floats }
    }
}
