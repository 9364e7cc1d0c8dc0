//! The settings of an [`OnnxGraph`] layer in model files: its graph as an ONNX graph in hexadecimal, without the weights,
//! which are arrays of the model.

use super::constant::Constant;
use super::graph::{Input, Nodes, Output};
use super::layer::{GraphInput, OnnxGraph};
use super::node::Node;
use super::proto;
use super::scope::{Weight, source_of};
use super::tensor::{Tensor, Values};
use crate::formats::budget::MemoryLimit;
use crate::{Error, Result, Settings, Shape, Spec, SpecValue};
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};

/// Minimum number of elements of the weights that are left out of the graph.
const MIN_WEIGHT: usize = 16;

/// The class of the layer in model files.
pub(super) const CLASS: &str = "OnnxGraph";

/// The class of the settings of an input.
const INPUT: &str = "Input";

/// The setting of an input with the shape of one sample.
pub(super) const INPUT_SHAPE: &str = "shape";

/// Writes a layer.
pub(super) fn write(layer: &OnnxGraph) -> Spec {
    let source = |weight: &Weight| source_of(&weight.key.constant, &layer.nodes.constants);
    let left_out: BTreeSet<String> = layer.weights.iter().map(source).collect();
    let small = encoded(&layer.nodes, |name, tensor| tensor.len() >= MIN_WEIGHT && left_out.contains(name));
    // A constant that is also read as a number cannot be left out.
    let graph = match decoded(&small, layer).is_some_and(|read| declares(&read, layer)) {
        true => small,
        false => encoded(&layer.nodes, |_, _| false),
    };
    let nodes = &layer.nodes;
    let learned = nodes.constants.iter().filter(|(_, constant)| constant.learned).map(|(name, _)| name.clone());
    let versions: Vec<usize> = nodes.nodes.iter().map(|node| usize::try_from(node.version).unwrap_or(0)).collect();
    let mut spec = Spec::new(CLASS)
        .with("graph", graph.iter().map(|byte| format!("{byte:02x}")).collect::<String>().as_str())
        .with("versions", &versions[..])
        .with("learned", SpecValue::Strs(learned.collect()));
    for (number, input) in layer.inputs.iter().enumerate() {
        let written = Spec::new(INPUT)
            .with(INPUT_SHAPE, input.sample.sizes())
            .with("order", &input.order[..])
            .with("integer", input.integer);
        spec = spec.with(format!("input{number}"), written);
    }
    match layer.rows {
        Some(rows) => spec.with("rows", rows),
        None => spec,
    }
}

/// Whether two layers declare the same weights.
fn declares(a: &OnnxGraph, b: &OnnxGraph) -> bool {
    let weight = |weight: &Weight| (weight.key.clone(), weight.name.clone(), weight.shape, weight.trainable);
    a.weights.iter().map(weight).eq(b.weights.iter().map(weight)) && a.outputs == b.outputs
}

/// Decodes a graph with the other settings of a layer.
fn decoded(bytes: &[u8], layer: &OnnxGraph) -> Option<OnnxGraph> {
    let versions: Vec<i64> = layer.nodes.nodes.iter().map(|node| node.version).collect();
    let learned = |name: &str| layer.nodes.constants.get(name).is_some_and(|constant| constant.learned);
    let mut nodes = nodes(bytes, &versions, learned).ok()?;
    nodes.memory = layer.nodes.memory;
    OnnxGraph::new(nodes, layer.inputs.clone(), layer.rows).ok()
}

/// Encodes a graph, without the elements of the constants for which `left_out` is true.
fn encoded(nodes: &Nodes, left_out: impl Fn(&str, &Tensor) -> bool) -> Vec<u8> {
    let constant = |(name, constant): (&String, &Constant)| {
        let float = constant.tensor.check_floats().is_ok();
        match float && left_out(name, &constant.tensor) {
            true => Tensor { sizes: constant.tensor.sizes.clone(), values: Values::Weight }.write(name),
            false => constant.tensor.write(name),
        }
    };
    let named = |name: &String| proto::ValueInfo { name: Some(name.clone()), r#type: None };
    let graph = proto::Graph {
        node: nodes.nodes.iter().map(Node::write).collect(),
        name: None,
        initializer: nodes.constants.iter().map(constant).collect(),
        input: nodes.inputs.iter().map(|input| named(&input.name)).collect(),
        output: nodes.outputs.iter().map(|output| named(&output.name)).collect(),
    };
    graph.encode_to_vec()
}

/// Decodes a graph.
fn nodes(bytes: &[u8], versions: &[i64], learned: impl Fn(&str) -> bool) -> std::result::Result<Nodes, String> {
    let graph = proto::Graph::decode(bytes).map_err(|error| format!("the graph is damaged: {error}"))?;
    if graph.node.len() != versions.len() {
        return Err(format!("it has {} nodes and {} versions", graph.node.len(), versions.len()));
    }
    let mut nodes = Nodes::default();
    for (node, version) in graph.node.into_iter().zip(versions) {
        let node = Node::read(node, &BTreeMap::new())?;
        nodes.nodes.push(Node { version: *version, ..node });
    }
    for tensor in &graph.initializer {
        let name = tensor.name.clone().unwrap_or_default();
        let learned = learned(&name);
        nodes.constants.insert(name, Constant::of_file(Tensor::read_without_weights(tensor)?, learned));
    }
    let name = |info: proto::ValueInfo| info.name.unwrap_or_default();
    nodes.inputs = graph.input.into_iter().map(|info| Input { name: name(info), ..Input::default() }).collect();
    nodes.outputs = graph.output.into_iter().map(|info| Output { name: name(info), floats: true }).collect();
    match nodes.order_problems() {
        problems if problems.is_empty() => Ok(nodes),
        problems => Err(problems.join("; ")),
    }
}

/// Reads a layer.
pub(super) fn read(settings: &mut Settings<'_>) -> Result<OnnxGraph> {
    let wrong = |problem: String| Error::Spec { class: CLASS.into(), problem };
    let graph = bytes(settings.str("graph")?).ok_or_else(|| wrong("the graph is not hexadecimal".into()))?;
    let versions: Vec<i64> = settings.uints("versions")?.iter().map(|version| *version as i64).collect();
    let learned = settings.strs("learned")?;
    let mut nodes = nodes(&graph, &versions, |name| learned.iter().any(|learned| learned == name)).map_err(wrong)?;
    let mut inputs = Vec::new();
    for (number, input) in nodes.inputs.iter_mut().enumerate() {
        let read = graph_input(&input.name, settings.nested(&format!("input{number}"))?).map_err(wrong)?;
        input.integer = read.integer;
        inputs.push(read);
    }
    let rows = if settings.has("rows") { Some(settings.uint("rows")?) } else { None };
    nodes.memory.length = graph.len();
    if let Some(bytes) = settings.classes.memory_limit {
        nodes.memory.limit = MemoryLimit::bytes(bytes);
    }
    OnnxGraph::new(nodes, inputs, rows.filter(|rows| *rows > 0)).map_err(wrong)
}

fn graph_input(name: &str, spec: &Spec) -> std::result::Result<GraphInput, String> {
    let setting = |key: &str| spec.settings().iter().find(|(known, _)| known == key).map(|(_, value)| value);
    let (Some(SpecValue::UInts(shape)), Some(SpecValue::UInts(order)), Some(SpecValue::Bool(integer))) =
        (setting(INPUT_SHAPE), setting("order"), setting("integer"))
    else {
        return Err(format!("the settings of input \"{name}\" are not those of an input"));
    };
    let sample = Shape::new(shape).map_err(|error| error.to_string())?;
    if order.len() != shape.len() + 1 || !super::order::is_permutation(order) || order[0] != 0 {
        return Err(format!("the axis order of input \"{name}\" is {order:?}, expected a permutation of its axes"));
    }
    Ok(GraphInput { name: name.into(), sample, order: order.clone(), integer: *integer })
}

/// Decodes hexadecimal digits.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digit = |letter: u8| char::from(letter).to_digit(16).map(|digit| digit as u8);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}
