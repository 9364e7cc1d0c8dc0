//! ONNX' operators, as operations on the tape: one file for each family, one line here.

use super::node::Node;
use super::scope::{Scope, Value};
use attributes::Operator;

pub(super) mod activation;
pub(super) mod arithmetic;
pub(super) mod attributes;
pub(super) mod constant;
mod convolution;
pub(super) mod foreign;
mod inputs;
mod known;
mod logic;
mod normalization;
mod parts;
mod pooling;
mod product;
mod reduction;
mod shape;
mod softmax;
#[cfg(test)]
mod tests;
pub(super) mod window;

/// Records a node. The error says what is not supported, without the node's name.
type Record = for<'r> fn(&Node, &mut Scope<'_, 'r>, &[Option<Value<'r>>]) -> Result<Vec<Value<'r>>, String>;

/// Every family's operators, and how they are recorded.
const FAMILIES: &[(&[Operator], Record)] = &[
    (activation::OPERATORS, activation::record),
    (arithmetic::OPERATORS, arithmetic::record),
    (convolution::OPERATORS, convolution::record),
    (known::OPERATORS, known::record),
    (logic::OPERATORS, logic::record),
    (normalization::OPERATORS, normalization::record),
    (parts::OPERATORS, parts::record),
    (pooling::OPERATORS, pooling::record),
    (product::OPERATORS, product::record),
    (reduction::OPERATORS, reduction::record),
    (shape::OPERATORS, shape::record),
    (softmax::OPERATORS, softmax::record),
];

/// How a node is recorded, if its operator is known.
pub(super) fn find(node: &Node) -> Option<Record> {
    let own = node.domain.is_empty().then_some(node.operator.as_str())?;
    let has = |operators: &&[Operator]| operators.iter().any(|operator| operator.name == own);
    FAMILIES.iter().find(|(operators, _)| has(operators)).map(|(_, record)| *record)
}

/// What a node says that is not supported: its operator set, and its attributes. Nothing where the operator is not known.
pub(super) fn problems(node: &Node) -> Vec<String> {
    let operator = match node.domain.as_str() {
        "" => all().find(|operator| operator.name == node.operator),
        foreign::DOMAIN => foreign::OPERATORS.iter().find(|operator| operator.name == node.operator),
        _ => None,
    };
    operator.map_or_else(Vec::new, |operator| operator.problems(node))
}

/// Every operator of ONNX' own that is known.
pub(super) fn all() -> impl Iterator<Item = &'static Operator> {
    FAMILIES.iter().flat_map(|(operators, _)| operators.iter()).chain([&constant::CONSTANT])
}

/// The names of all operators that are known.
pub(super) fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = all().map(|operator| operator.name).collect();
    names.sort_unstable();
    names
}

/// Whether an operator does the same to every element, wherever it lies.
pub(super) fn works_on_elements(name: &str) -> bool {
    activation::OPERATORS.iter().any(|operator| operator.name == name)
}
