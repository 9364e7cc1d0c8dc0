//! The constants of an exported graph, with the current weights of its layer.
//!
//! A weight is written where a node reads it, in the arrangement of this input. So a constant that became several weights, such
//! as the matrix of an embedding that is also a kernel, becomes as many constants.

use super::check::{Checked, Fact};
use super::constant::Constant;
use super::layer::OnnxGraph;
use super::node::Node;
use super::operators::recurrent_weights::{WeightLayout, derived, is_recurrent};
use super::order;
use super::scope::{Role, Weight};
use super::tensor::{Tensor, Values};
use super::writer::Writer;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The nodes of a graph that compute its outputs, each with the rank of its first input, and the constants that they read.
pub(super) struct Exported {
    pub(super) nodes: Vec<(Node, Option<usize>)>,
    pub(super) constants: BTreeMap<String, Constant>,
}

/// Replaces the constants of a graph by the weights of its layer.
pub(super) fn with_weights(writer: &Writer<'_>, layer: &OnnxGraph, checked: &mut Checked) -> Result<Exported, String> {
    let (mut nodes, mut weights) = (Vec::new(), BTreeMap::new());
    for node in &layer.nodes.nodes {
        let rank = node.inputs.first().and_then(|name| checked.facts.get(name)).and_then(Fact::sizes);
        let mut written = node.clone();
        let is_computed = |name: &String| checked.facts.get(name).is_some_and(Fact::is_computed);
        if node.outputs.iter().any(is_computed) {
            let read = checked.weights_of(node);
            let read: Vec<&Weight> = layer.weights.iter().filter(|weight| read.contains(&weight.key)).collect();
            for (number, input) in written.inputs.iter_mut().enumerate() {
                let Some(Fact::Constant(name, constant)) = checked.facts.get(input) else { continue };
                let is_integer = matches!(constant.tensor.values, Values::Integers(_));
                let tensor = match constant.computed || is_integer {
                    true => None,
                    false => restored(writer, &read, checked, node, number)?,
                };
                if let Some(tensor) = tensor {
                    *input = insert(&mut weights, name, constant.with(tensor));
                }
            }
        }
        nodes.push((written, rank.map(|sizes| sizes.len())));
    }
    let mut needed: BTreeSet<String> = layer.nodes.outputs.iter().map(|output| output.name.clone()).collect();
    let mut of_outputs = Vec::new();
    for (node, rank) in nodes.into_iter().rev() {
        if node.outputs.iter().any(|output| needed.contains(output)) {
            needed.extend(node.inputs.iter().cloned());
            of_outputs.push((node, rank));
        }
    }
    of_outputs.reverse();
    let mut constants = layer.nodes.constants.clone();
    constants.extend(weights);
    constants.retain(|name, _| needed.contains(name));
    for constant in constants.values_mut() {
        // Only its sizes are read. Otherwise its elements would be a weight, or in the file.
        if let Values::Weight = constant.tensor.values {
            let zeros = Tensor::floats(constant.tensor.sizes.clone(), vec![0.0; constant.tensor.len()]);
            constant.tensor = Arc::new(zeros);
        }
    }
    Ok(Exported { nodes: of_outputs, constants })
}

/// The constant of an input of a node, from the weights that the node reads; `None` if the input is no weight.
fn restored(
    writer: &Writer<'_>,
    read: &[&Weight],
    checked: &Checked,
    node: &Node,
    number: usize,
) -> Result<Option<Tensor>, String> {
    let fact = |number: usize| node.inputs.get(number).and_then(|name| checked.facts.get(name));
    let Some(Fact::Constant(name, constant)) = fact(number) else { return Ok(None) };
    let shape = &constant.tensor.sizes;
    if is_recurrent(node) && (1..=3).contains(&number) {
        let [of_weights, of_recurrent_weights] =
            [1, 2].map(|number| fact(number).and_then(Fact::sizes).unwrap_or_default());
        let layout = WeightLayout::read(node, &of_weights, &of_recurrent_weights)?;
        let mut directions = Vec::new();
        for direction in 0..shape.first().copied().unwrap_or(0) {
            let name = derived(name, direction);
            let Some(weight) = read.iter().find(|weight| weight.key.constant == name) else { return Ok(None) };
            directions.push(writer.weight_values(&weight.name)?);
        }
        return layout.restored(shape, number == 3, &directions).map(Some);
    }
    let role = match (node.operator.as_str(), number) {
        ("BatchNormalization", 3) => Role::RunningMean,
        ("BatchNormalization", 4) => Role::RunningVariance,
        _ => Role::Weight,
    };
    let Some(weight) = read.iter().find(|weight| weight.key.constant == *name && weight.key.role == role) else {
        return Ok(None);
    };
    let stored = Tensor::floats(weight.shape.sizes().to_vec(), writer.weight_values(&weight.name)?);
    stored.transposed(&order::inverse(&weight.key.order)).reshaped(shape.clone()).map(Some)
}

/// Adds a constant under its name, or with a number if another constant has this name. Returns the name.
fn insert(constants: &mut BTreeMap<String, Constant>, name: &str, constant: Constant) -> String {
    let numbered = |number: usize| if number == 1 { name.to_owned() } else { format!("{name}_{number}") };
    let mut number = 1;
    while constants.get(&numbered(number)).is_some_and(|other| other.tensor != constant.tensor) {
        number += 1;
    }
    constants.insert(numbered(number), constant);
    numbered(number)
}
