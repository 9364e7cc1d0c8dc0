//! The values that the nested graphs of a node read.

use super::node::{Attribute, Node};
use super::proto;

/// The names of the values that the branches of a node read, including values within them.
pub(super) fn names(node: &Node) -> Vec<&str> {
    let mut graphs: Vec<&proto::Graph> = node.attributes.values().filter_map(as_graph).collect();
    let mut found = Vec::new();
    while let Some(graph) = graphs.pop() {
        for node in &graph.node {
            found.extend(node.input.iter().map(String::as_str));
            graphs.extend(node.attribute.iter().filter_map(|attribute| attribute.g.as_ref()));
        }
        found.extend(graph.output.iter().filter_map(|output| output.name.as_deref()));
    }
    found
}

fn as_graph(attribute: &Attribute) -> Option<&proto::Graph> {
    match attribute {
        Attribute::Graph(graph) => Some(graph),
        _ => None,
    }
}
