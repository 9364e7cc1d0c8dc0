//! Inputs whose rows are not the first axis, such as the first states of recurrent nodes: directions × rows × units.

use super::graph::{Input, Nodes};
use super::nested_graphs;
use super::node::{Attribute, Node};
use super::operators::recurrent_weights::is_recurrent;
use super::versions::OPSET;
use std::collections::BTreeSet;

/// Describes an input whose rows are another axis than the first: the symbol of this axis is that of the rows of another input.
pub(super) fn rows_elsewhere(inputs: &[&Input]) -> Option<String> {
    let symbol = |input: &Input, axis: usize| input.symbols.get(axis).cloned().flatten();
    let rows: BTreeSet<String> = inputs.iter().filter_map(|input| symbol(input, 0)).collect();
    inputs.iter().filter(|input| symbol(input, 0).is_none()).find_map(|input| {
        let axis =
            (1..input.symbols.len()).find(|axis| symbol(input, *axis).is_some_and(|name| rows.contains(&name)))?;
        Some(format!("the rows of its input \"{}\" are axis {axis} of {input}, expected axis 0", input.name))
    })
}

/// The names of the values between the first or last states of recurrent nodes and transpositions to rows × directions × units.
const SUFFIX: &str = "@states";

/// Transposes the states of recurrent nodes that are inputs or outputs of a graph for one row, with one direction. For one row,
/// this does not change their shapes. `None` if there are none.
pub(super) fn with_rows_first(nodes: &Nodes) -> Option<Nodes> {
    let mut moved = nodes.clone();
    let is_state = |node: &Node, places: &[String], name: &str, from: usize| {
        is_recurrent(node) && node.integer("layout", 0) == Ok(0) && places.iter().skip(from).any(|place| place == name)
    };
    let nested: BTreeSet<&str> = nodes.nodes.iter().flat_map(nested_graphs::names).collect();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for input in nodes.inputs.iter().filter(|input| is_single(input) && !nested.contains(input.name.as_str())) {
        let mut readers = nodes.readers(&input.name).peekable();
        if readers.peek().is_none() || !readers.all(|node| is_state(node, &node.inputs, &input.name, 5)) {
            continue;
        }
        let state = format!("{}{SUFFIX}", input.name);
        for place in moved.nodes.iter_mut().flat_map(|node| &mut node.inputs).filter(|place| **place == input.name) {
            place.clone_from(&state);
        }
        before.push(transposed(&input.name, &state));
    }
    if before.is_empty() {
        return None;
    }
    for output in nodes.outputs.iter().filter(|output| !nested.contains(output.name.as_str())) {
        let source = moved.nodes.iter_mut().find(|node| is_state(node, &node.outputs, &output.name, 1));
        if let Some(source) = source.filter(|_| nodes.readers(&output.name).next().is_none()) {
            let state = format!("{}{SUFFIX}", output.name);
            source.outputs.iter_mut().filter(|place| **place == output.name).for_each(|place| place.clone_from(&state));
            after.push(transposed(&state, &output.name));
        }
    }
    moved.nodes = before.into_iter().chain(std::mem::take(&mut moved.nodes)).chain(after).collect();
    moved.order_problems().is_empty().then_some(moved)
}

/// Whether an input has one row and one direction.
fn is_single(input: &Input) -> bool {
    input.sizes.as_ref().is_some_and(|sizes| matches!(sizes[..], [Some(1), Some(1), Some(_)]))
}

/// A node that exchanges the first two axes.
fn transposed(from: &str, to: &str) -> Node {
    let node = Node {
        name: String::new(),
        operator: "Transpose".into(),
        domain: String::new(),
        version: OPSET,
        inputs: vec![from.to_owned()],
        outputs: vec![to.to_owned()],
        attributes: std::collections::BTreeMap::new(),
    };
    node.with("perm", Attribute::Integers(vec![1, 0, 2]))
}
