//! The check that a graph computes each row of its outputs from one row of its inputs. It compares the facts of the graph for
//! two numbers of rows.

use super::check::{Checked, Fact};
use super::graph::Nodes;
use super::node::Node;
use super::operators::recurrent_weights::is_recurrent;
use super::order;

/// Describes an output or weight whose shape depends on the number of rows in another way than by a first axis of rows.
/// The checks have `rows` rows and one row.
pub(super) fn rows_problem(outputs: &[String], [checked, one]: [&Checked; 2], rows: usize) -> Option<String> {
    if let [node, ..] = &one.unsupported[..] {
        return Some(format!("it cannot be computed for 1 row: {node}"));
    }
    for name in outputs {
        let fact = |checked: &Checked| checked.facts.get(name).and_then(Fact::rows_first);
        let (Some((shape, order)), Some((of_one, _))) = (fact(checked), fact(one)) else { continue };
        let fits = [shape.axis(0), of_one.axis(0)] == [rows, 1];
        if !fits || shape.sample() != of_one.sample() {
            let size = |axis: usize| match order.iter().position(|stored| *stored == axis) {
                Some(place) if shape.sizes().get(place) == of_one.sizes().get(place) => shape.axis(place).to_string(),
                _ => "rows".to_owned(),
            };
            let sizes = (0..order.len()).map(size).collect::<Vec<_>>().join(" × ");
            return Some(format!("its output \"{name}\" has shape {sizes}"));
        }
    }
    let keys = |checked: &Checked| checked.weights.iter().map(|weight| weight.key.clone()).collect::<Vec<_>>();
    let differ = keys(checked).into_iter().zip(keys(one)).find(|(a, b)| a != b);
    differ.map(|(key, _)| format!("the shape of constant \"{}\" depends on the number of rows", key.constant))
}

/// Describes a node that computes an element from several rows, such as a recurrence whose steps are the first axis.
pub(super) fn joined_rows(nodes: &Nodes, checked: [&Checked; 2]) -> Option<String> {
    let sizes = |checked: &Checked, name: &String| checked.facts.get(name).filter(|fact| fact.is_computed())?.sizes();
    // Whether an axis of a value has another size for another number of rows.
    let varies = |name: &String, axis: usize| match checked.map(|checked| sizes(checked, name)) {
        [Some(a), Some(b)] => a.get(axis) != b.get(axis),
        _ => false,
    };
    let joins = |node: &&Node| {
        let [first, others @ ..] = &node.inputs[..] else { return false };
        let Some(rank) = sizes(checked[0], first).map(|sizes| sizes.len()) else { return false };
        match (node.operator.as_str(), others) {
            ("MatMul", [second, ..]) => {
                let of_second = sizes(checked[0], second).map_or(0, |sizes| sizes.len());
                rank > 0 && of_second > 1 && varies(first, rank - 1) && varies(second, of_second - 2)
            }
            _ => joined_axes(node, rank, checked[0]).into_iter().any(|axis| varies(first, axis)),
        }
    };
    let node = nodes.nodes.iter().find(joins)?;
    Some(match is_recurrent(node) {
        true => format!("the rows of its inputs are the steps of {node}, which are not independent"),
        false => format!("its rows are not independent, as {node} combines them"),
    })
}

/// The axes of the first input of a node along which it computes an element from several.
fn joined_axes(node: &Node, rank: usize, checked: &Checked) -> Vec<usize> {
    let attribute = |default: i64| order::axis(node.integer("axis", default).unwrap_or(default), rank).ok();
    let constants = |number: usize| match node.inputs.get(number).and_then(|name| checked.facts.get(name)) {
        Some(Fact::Constant(_, constant)) => constant.tensor.as_integers().ok().map(<[i64]>::to_vec),
        _ => None,
    };
    let resolved = |axes: &[i64]| axes.iter().filter_map(|axis| order::axis(*axis, rank).ok()).collect::<Vec<_>>();
    match node.operator.as_str() {
        _ if is_recurrent(node) => vec![usize::from(node.integer("layout", 0) == Ok(1))],
        "Softmax" | "LogSoftmax" if node.version < 13 => {
            attribute(1).map_or_else(Vec::new, |axis| (axis..rank).collect())
        }
        "Softmax" | "LogSoftmax" => attribute(-1).into_iter().collect(),
        "LayerNormalization" => attribute(-1).map_or_else(Vec::new, |axis| (axis..rank).collect()),
        "CumSum" => resolved(&constants(1).unwrap_or_default()),
        operator if operator.starts_with("Reduce") => {
            let axes = node.integers("axes").ok().flatten().map(<[i64]>::to_vec).or_else(|| constants(1));
            let is_empty = node.integer("noop_with_empty_axes", 0).is_ok_and(|flag| flag != 0);
            match axes.filter(|axes| !axes.is_empty()) {
                Some(axes) => resolved(&axes),
                None if is_empty => Vec::new(),
                None => (0..rank).collect(),
            }
        }
        _ => Vec::new(),
    }
}
