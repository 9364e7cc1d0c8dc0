//! The operator `If` with a condition that is known: the nodes of its branch replace it.

use super::constant::Constant;
use super::graph::{Nodes, read_nodes, read_tensors};
use super::node::{Attribute, Node};
use super::proto;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Returns the nodes and constants of the branch that a node `If` selects. Their names start with that of the node's first
/// output, as the branches of several nodes may have equal names.
pub(super) fn branch(node: &Node, condition: bool) -> Result<Nodes, String> {
    let name = if condition { "then_branch" } else { "else_branch" };
    let Some(Attribute::Graph(graph)) = node.attributes.get(name) else {
        return Err(format!("attribute {name} is missing or has the wrong type, expected a graph"));
    };
    if graph.output.len() != node.outputs.len() {
        return Err(format!("{name} has {} outputs, expected {}", graph.output.len(), node.outputs.len()));
    }
    let mut problems = Vec::new();
    let (mut constants, mut unreadable) = read_tensors(&graph.initializer);
    let versions = BTreeMap::from([(String::new(), node.version)]);
    let mut nodes = read_nodes(graph.node.clone(), &versions, &mut constants, &mut problems);
    if !problems.is_empty() {
        return Err(format!("{name}: {}", problems.join("; ")));
    }
    let outputs = nodes.iter().flat_map(|node| &node.outputs);
    let own: BTreeSet<String> = outputs.chain(constants.keys()).chain(unreadable.keys()).cloned().collect();
    let first = node.outputs.first().cloned().unwrap_or_default();
    let renamed = |name: &str| match own.contains(name) && !name.is_empty() {
        true => format!("{first}/{name}"),
        false => name.to_owned(),
    };
    for inner in &mut nodes {
        inner.inputs.iter_mut().chain(&mut inner.outputs).for_each(|name| *name = renamed(name));
        for attribute in inner.attributes.values_mut() {
            if let Attribute::Graph(graph) = attribute {
                rename(Arc::make_mut(graph), &renamed);
            }
        }
    }
    for (output, inner) in node.outputs.iter().zip(&graph.output) {
        let inner = renamed(inner.name.as_deref().unwrap_or_default());
        nodes.push(node.part("Identity", &[&inner], output));
    }
    constants = constants.into_iter().map(|(name, constant): (String, Constant)| (renamed(&name), constant)).collect();
    unreadable = unreadable.into_iter().map(|(name, problem)| (renamed(&name), problem)).collect();
    Ok(Nodes { nodes, constants, unreadable, ..Nodes::default() })
}

/// Renames the values of outer graphs that a nested graph reads.
fn rename(graph: &mut proto::Graph, outer: &dyn Fn(&str) -> String) {
    let outputs = graph.node.iter().flat_map(|node| &node.output);
    let own: BTreeSet<String> =
        outputs.chain(graph.initializer.iter().flat_map(|tensor| &tensor.name)).cloned().collect();
    let renamed = &|name: &str| if own.contains(name) { name.to_owned() } else { outer(name) };
    for node in &mut graph.node {
        node.input.iter_mut().for_each(|name| *name = renamed(name));
        node.attribute.iter_mut().filter_map(|attribute| attribute.g.as_mut()).for_each(|graph| rename(graph, renamed));
    }
    graph.output.iter_mut().filter_map(|output| output.name.as_mut()).for_each(|name| *name = renamed(name));
}
