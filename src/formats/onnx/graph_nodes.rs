//! Export of [`OnnxGraph`] layers as the nodes of their graphs.

use super::check::{Checked, Fact, check};
use super::graph_constants::with_weights;
use super::layer::{CHECK_ROWS, OnnxGraph};
use super::node::{Attribute, Node};
use super::operators::recurrent_weights::is_recurrent;
use super::operators::{is_logic, is_pairwise, is_reshaping};
use super::order;
use super::proto::element;
use super::size_limit::Limits;
use super::tensor::Tensor;
use super::upgrade::upgrade;
use super::versions::OPSET;
use super::writer::Writer;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

type Written<T> = Result<T, String>;

/// Writes a layer as the nodes of its graph, with its current weights.
pub(super) fn write(writer: &mut Writer<'_>, layer: &OnnxGraph) -> Written<()> {
    let (batch, fixed) = (layer.rows.unwrap_or(CHECK_ROWS), layer.rows.map(|rows| [rows, rows]));
    let facts = layer.inputs.iter().map(|input| input.fact(batch)).collect::<Written<Vec<_>>>()?;
    let mut checked = check(&layer.nodes, &facts, fixed, Limits::NONE);
    let mut graph = Part { prefix: prefix(writer), ..Part::default() };
    for (number, input) in layer.inputs.iter().enumerate() {
        let (name, channels_first) = writer.layer_input(number);
        // The axis of ONNX at each axis of the value.
        let current: Vec<usize> = match channels_first {
            true => order::channels_first(input.order.len()).into_iter().map(|axis| input.order[axis]).collect(),
            false => input.order.clone(),
        };
        let name = graph.arranged(name, &current, &(0..current.len()).collect::<Vec<_>>());
        // Booleans are cast again where a node reads them.
        let name = if input.integer { graph.cast(name, element::INT64) } else { name };
        graph.names.insert(input.name.clone(), name);
    }
    let exported = with_weights(writer, layer, &mut checked)?;
    for (name, constant) in &exported.constants {
        let is_fixed = !constant.learned && !constant.tensor.sizes.is_empty() && constant.tensor.as_floats().is_ok();
        let written = match is_fixed {
            true => writer.fixed_constant(name, (*constant.tensor).clone()),
            false => writer.constant(name, &constant.tensor),
        };
        graph.names.insert(name.clone(), written);
    }
    for (mut node, rank) in exported.nodes {
        // ONNX requires lengths of 32 bits; other integers are written with 64.
        if is_recurrent(&node)
            && let Some(lengths) = node.inputs.get_mut(4).filter(|name| !name.is_empty())
        {
            let name = graph.names.get(lengths).cloned().unwrap_or_default();
            let lengths_32 = graph.cast(name, element::INT32);
            graph.names.insert(lengths_32.clone(), lengths_32.clone());
            *lengths = lengths_32;
        }
        let node = if node.operator == "Reshape" { with_open_rows(layer, &checked, &node)? } else { node };
        let constants = &mut graph.names;
        let mut constant = |part: &str, tensor: &Tensor| {
            let name = writer.constant(&format!("{}/{part}", node.outputs[0]), tensor);
            constants.insert(name.clone(), name.clone());
            name
        };
        let upgraded = upgrade(&node, rank, &mut constant).map_err(|problem| format!("{node}: {problem}"))?;
        for mut node in upgraded {
            if let Some(Attribute::Integer(to)) = node.attributes.get_mut("to") {
                *to = i64::from(written_type(*to));
            }
            graph.cast_booleans(&mut node);
            graph.push(node);
        }
    }
    let mut outputs = Vec::new();
    for (output, (_, stored)) in layer.nodes.outputs.iter().zip(&layer.outputs) {
        let name = graph.names.get(&output.name).cloned().unwrap_or_default();
        let integer = matches!(checked.facts.get(&output.name), Some(Fact::Integers(..)));
        let name = if integer { graph.cast(name, element::FLOAT) } else { name };
        let plain: Vec<usize> = (0..stored.len()).collect();
        let channels_first = stored.len() > 2 && *stored == order::channels_last(stored.len());
        let name = if channels_first { name } else { graph.arranged(name, &plain, stored) };
        outputs.push((name, channels_first));
    }
    writer.graph(graph.nodes, outputs);
    Ok(())
}

/// The prefix of the names of values in a call of the current layer.
fn prefix(writer: &Writer<'_>) -> String {
    let (layer, call) = writer.layer();
    format!("{layer}/{call}")
}

/// The element type in exported files: all floats have 32 bits, and all integers 64 bits, as inputs and constants of different
/// types cannot be combined.
fn written_type(to: i64) -> i32 {
    match i32::try_from(to).unwrap_or(0) {
        element::BOOL => element::BOOL,
        kind if element::is_float(kind) => element::FLOAT,
        _ => element::INT64,
    }
}

/// The nodes of a graph under their names in the file.
#[derive(Default)]
struct Part {
    prefix: String,
    /// The name in the file of each value.
    names: BTreeMap<String, String>,
    /// The names in the file of the values whose elements are booleans.
    booleans: BTreeSet<String>,
    nodes: Vec<Node>,
    count: usize,
}

impl Part {
    /// Appends a node with names of the graph.
    fn push(&mut self, node: Node) {
        let inputs = node.inputs.iter().map(|name| self.names.get(name).cloned().unwrap_or_default()).collect();
        let mut outputs = Vec::new();
        for name in &node.outputs {
            let written = if name.is_empty() { String::new() } else { format!("{}/{name}", self.prefix) };
            self.names.insert(name.clone(), written.clone());
            outputs.push(written);
        }
        let name = if node.name.is_empty() { String::new() } else { format!("{}/{}", self.prefix, node.name) };
        self.nodes.push(Node { name, inputs, outputs, ..node });
    }

    /// Casts the inputs of a node, which has names of the graph, to the types that ONNX requires: to booleans, or booleans to
    /// integers if other inputs are integers. Records whether its outputs are booleans.
    fn cast_booleans(&mut self, node: &mut Node) {
        let conditions = boolean_inputs(node);
        let others = conditions.len()..node.inputs.len();
        for place in conditions.clone() {
            self.cast_input(node, place, element::BOOL);
        }
        if has_equal_types(&node.operator) && !others.clone().all(|place| self.is_boolean(node, place)) {
            for place in others.clone().filter(|place| self.is_boolean(node, *place)).collect::<Vec<_>>() {
                self.cast_input(node, place, element::INT64);
            }
        }
        let is_boolean = gives_booleans(node) || (keeps_types(&node.operator) && self.is_boolean(node, others.start));
        let outputs = node.outputs.iter().filter(|_| is_boolean);
        self.booleans.extend(outputs.map(|name| format!("{}/{name}", self.prefix)));
    }

    /// Whether the elements of an input are booleans.
    fn is_boolean(&self, node: &Node, place: usize) -> bool {
        let name = node.inputs.get(place).and_then(|name| self.names.get(name));
        name.is_some_and(|name| self.booleans.contains(name))
    }

    /// Casts an input, unless its elements have this type.
    fn cast_input(&mut self, node: &mut Node, place: usize, to: i32) {
        if (to == element::BOOL) == self.is_boolean(node, place) {
            return;
        }
        let name = self.names.get(&node.inputs[place]).cloned().unwrap_or_default();
        let cast = self.cast(name, to);
        if to == element::BOOL {
            self.booleans.insert(cast.clone());
        }
        self.names.insert(cast.clone(), cast.clone());
        node.inputs[place] = cast;
    }

    /// Appends a node with one input and one output, both with names of the file.
    fn append(&mut self, operator: &str, input: &str, attribute: (&str, Attribute)) -> String {
        let output = format!("{}/{operator}_{}", self.prefix, self.count);
        self.count += 1;
        let node = Node {
            name: output.clone(),
            operator: operator.into(),
            domain: String::new(),
            version: OPSET,
            inputs: vec![input.to_owned()],
            outputs: vec![output.clone()],
            attributes: BTreeMap::from([(attribute.0.to_owned(), attribute.1)]),
        };
        self.nodes.push(node);
        output
    }

    fn cast(&mut self, name: String, to: i32) -> String {
        self.append("Cast", &name, ("to", Attribute::Integer(i64::from(to))))
    }

    /// Transposes a value whose axes are the axes `from` of ONNX to the axes `to`.
    fn arranged(&mut self, name: String, from: &[usize], to: &[usize]) -> String {
        if from == to {
            return name;
        }
        let place = |axis: &usize| from.iter().position(|other| other == axis).unwrap_or(0) as i64;
        self.append("Transpose", &name, ("perm", Attribute::Integers(to.iter().map(place).collect())))
    }
}

/// The inputs that must be booleans. They precede the others.
fn boolean_inputs(node: &Node) -> Range<usize> {
    match node.operator.as_str() {
        "And" | "Not" | "Or" | "Xor" => 0..node.inputs.len(),
        "Where" => 0..1,
        _ => 0..0,
    }
}

/// Whether the inputs of an operator, except for conditions, must have equal types.
fn has_equal_types(operator: &str) -> bool {
    is_pairwise(operator) || operator == "Concat"
}

/// Whether an operator gives elements of the type of its first input after the conditions.
fn keeps_types(operator: &str) -> bool {
    const OTHERS: [&str; 9] =
        ["Concat", "DepthToSpace", "Expand", "Gather", "Pad", "Slice", "SpaceToDepth", "Split", "Where"];
    OTHERS.contains(&operator)
        || (is_reshaping(operator) && operator != "Cast")
        || ["Tile", "Trilu"].contains(&operator)
}

/// Whether an operator gives booleans for inputs of all types.
fn gives_booleans(node: &Node) -> bool {
    match node.operator.as_str() {
        "Cast" => node.integer("to", 0) == Ok(i64::from(element::BOOL)),
        "Where" => false,
        operator => is_logic(operator) || ["IsInf", "IsNaN"].contains(&operator),
    }
}

/// Replaces the number of rows that the file fixes in the shape of a `Reshape` by the number of rows of its input.
fn with_open_rows(layer: &OnnxGraph, checked: &Checked, node: &Node) -> Written<Node> {
    let (Some(rows), [data, shape]) = (layer.rows, &node.inputs[..]) else { return Ok(node.clone()) };
    let (Some(Fact::Floats(sizes, stored) | Fact::Integers(sizes, stored)), Some(Fact::Constant(_, constant))) =
        (checked.facts.get(data), checked.facts.get(shape))
    else {
        return Ok(node.clone());
    };
    let mut target = constant.tensor.as_integers()?.to_vec();
    let first = stored.iter().position(|axis| *axis == 0).map(|place| sizes.axis(place));
    match target.first_mut() {
        Some(size) if *size == rows as i64 && first == Some(rows) => *size = 0,
        _ => return Ok(node.clone()),
    }
    let mut open = node.clone();
    open.attributes.remove("allowzero");
    Ok(open.with("shape", Attribute::Integers(target)))
}
