//! ONNX operators as operations on the tape, with one module per family.

use super::node::Node;
use super::scope::{Scope, Value};
use attributes::Operator;

pub(super) mod activation;
pub(super) mod arithmetic;
pub(super) mod attributes;
mod blocks;
pub(super) mod constant;
mod convolution;
mod cumulative;
mod expand;
mod folding;
mod inputs;
mod logic;
mod normalization;
mod padding;
mod pooling;
mod product;
mod recurrent;
mod recurrent_function;
pub(super) mod recurrent_weights;
mod reduction;
pub(super) mod resizing;
mod rounding;
pub(super) mod scikit_learn;
mod shape;
mod shape_arithmetic;
mod slicing;
mod softmax;
#[cfg(test)]
mod tests;
mod unrolled;
mod volumes;
pub(super) mod window;

/// A function that records a node. The error is the reason why it is not supported, without the name of the node.
type Record = for<'r> fn(&Node, &mut Scope<'_, 'r>, &[Option<Value<'r>>]) -> Result<Vec<Value<'r>>, String>;

/// The operators of each family, and the function that records them.
const FAMILIES: &[(&[Operator], Record)] = &[
    (activation::OPERATORS, activation::record),
    (arithmetic::OPERATORS, arithmetic::record),
    (blocks::OPERATORS, blocks::record),
    (convolution::OPERATORS, convolution::record),
    (cumulative::OPERATORS, cumulative::record),
    (expand::OPERATORS, expand::record),
    (shape_arithmetic::OPERATORS, shape_arithmetic::record),
    (logic::OPERATORS, logic::record),
    (normalization::OPERATORS, normalization::record),
    (slicing::OPERATORS, slicing::record),
    (padding::OPERATORS, padding::record),
    (pooling::OPERATORS, pooling::record),
    (product::OPERATORS, product::record),
    (recurrent::OPERATORS, recurrent::record),
    (reduction::OPERATORS, reduction::record),
    (resizing::OPERATORS, resizing::record),
    (rounding::OPERATORS, rounding::record),
    (shape::OPERATORS, shape::record),
    (softmax::OPERATORS, softmax::record),
];

/// Returns the function that records a node; `None` if the operator is unknown.
pub(super) fn find(node: &Node) -> Option<Record> {
    let own = node.domain.is_empty().then_some(node.operator.as_str())?;
    let has = |operators: &&[Operator]| operators.iter().any(|operator| operator.name == own);
    FAMILIES.iter().find(|(operators, _)| has(operators)).map(|(_, record)| *record)
}

/// Whether the operator of a node is known. Nodes `If` are replaced by a branch.
pub(super) fn is_known(node: &Node) -> bool {
    find(node).is_some() || is_conditional(node)
}

/// Whether a node selects one of two graphs.
pub(super) fn is_conditional(node: &Node) -> bool {
    node.operator == IF.name && node.domain.is_empty()
}

/// The operator that selects one of two graphs.
const IF: Operator = attributes::operator("If", 1, &[attributes::read("else_branch"), attributes::read("then_branch")]);

/// Describes what is not supported in a node of a known operator: the operator set and attributes. Empty for unknown operators.
pub(super) fn problems(node: &Node) -> Vec<String> {
    let operator = match node.domain.as_str() {
        "" => all().find(|operator| operator.name == node.operator),
        scikit_learn::DOMAIN => scikit_learn::OPERATORS.iter().find(|operator| operator.name == node.operator),
        _ => None,
    };
    operator.map_or_else(Vec::new, |operator| operator.problems(node))
}

/// All supported operators of the default domain.
pub(super) fn all() -> impl Iterator<Item = &'static Operator> {
    FAMILIES.iter().flat_map(|(operators, _)| operators.iter()).chain([&constant::CONSTANT, &IF])
}

/// The names of all supported operators of the default domain, sorted.
pub(super) fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = all().map(|operator| operator.name).collect();
    names.sort_unstable();
    names
}

/// Whether an operator is elementwise with several inputs.
pub(super) fn is_pairwise(name: &str) -> bool {
    is_in(&[arithmetic::OPERATORS, logic::OPERATORS], name)
}

/// Whether an operator compares or selects elements.
pub(super) fn is_logic(name: &str) -> bool {
    is_in(&[logic::OPERATORS], name)
}

/// Whether an operator changes only the shape, the axes or the type.
pub(super) fn is_reshaping(name: &str) -> bool {
    is_in(&[shape::OPERATORS], name)
}

/// Whether an operator computes each element from one element of its first input, or changes only the shape.
pub(super) fn keeps_elements(name: &str) -> bool {
    is_elementwise(name) || is_in(&[rounding::OPERATORS, shape::OPERATORS], name)
}

/// Whether an operator is an activation or another function of one element.
pub(super) fn is_elementwise(name: &str) -> bool {
    is_in(&[activation::OPERATORS], name)
}

fn is_in(families: &[&[Operator]], name: &str) -> bool {
    families.iter().any(|family| family.iter().any(|operator| operator.name == name))
}
