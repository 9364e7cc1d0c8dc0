//! ONNX' operators, as operations on the tape: one file for each family, one line here.

use super::node::Node;
use super::scope::{Scope, Value};

pub(super) mod activation;
mod arithmetic;
mod convolution;
mod known;
mod logic;
mod normalization;
mod parts;
mod pooling;
mod product;
mod reduction;
mod shape;
mod softmax;
pub(super) mod window;

/// Records a node. The error says what is not supported, without the node's name.
type Operator = for<'r> fn(&Node, &mut Scope<'_, 'r>, &[Option<Value<'r>>]) -> Result<Vec<Value<'r>>, String>;

/// Every family's operators, and how they are recorded.
const FAMILIES: &[(&[&str], Operator)] = &[
    (activation::NAMES, activation::record),
    (arithmetic::NAMES, arithmetic::record),
    (convolution::NAMES, convolution::record),
    (known::NAMES, known::record),
    (logic::NAMES, logic::record),
    (normalization::NAMES, normalization::record),
    (parts::NAMES, parts::record),
    (pooling::NAMES, pooling::record),
    (product::NAMES, product::record),
    (reduction::NAMES, reduction::record),
    (shape::NAMES, shape::record),
    (softmax::NAMES, softmax::record),
];

/// How a node is recorded, if its operator is known.
pub(super) fn find(node: &Node) -> Option<Operator> {
    let own = node.domain.is_empty().then_some(node.operator.as_str())?;
    FAMILIES.iter().find(|(names, _)| names.contains(&own)).map(|(_, record)| *record)
}

/// The names of all operators that are known.
pub(super) fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> =
        FAMILIES.iter().flat_map(|(names, _)| names.iter().copied()).chain(["Constant"]).collect();
    names.sort_unstable();
    names
}

/// Whether an operator does the same to every element, wherever it lies.
pub(super) fn works_on_elements(operator: &str) -> bool {
    activation::NAMES.contains(&operator)
}

/// An input that has to be there.
fn input<'a, 'r>(inputs: &'a [Option<Value<'r>>], number: usize) -> Result<&'a Value<'r>, String> {
    inputs.get(number).and_then(Option::as_ref).ok_or_else(|| format!("input {number} is missing"))
}

/// An input that may be left out.
fn optional<'a, 'r>(inputs: &'a [Option<Value<'r>>], number: usize) -> Option<&'a Value<'r>> {
    inputs.get(number).and_then(Option::as_ref)
}

/// Axes, which are an attribute in older versions of an operator and an input in newer ones.
fn axes(node: &Node, inputs: &[Option<Value<'_>>], number: usize) -> Result<Option<Vec<i64>>, String> {
    match optional(inputs, number) {
        Some(value) => Ok(Some(value.known()?.as_integers()?.to_vec())),
        None => Ok(node.integers("axes")?.map(<[i64]>::to_vec)),
    }
}

/// Outputs beyond the first are for training, or not needed.
fn one_output(node: &Node, what: &str) -> Result<(), String> {
    match node.outputs.get(1).filter(|name| !name.is_empty()) {
        Some(name) => Err(format!("its output \"{name}\" ({what}) is not supported")),
        None => Ok(()),
    }
}
