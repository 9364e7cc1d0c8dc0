//! Nodes that are constants. They hold numbers and compute none, so they are read with the graph.

use super::attributes::{Operator, operator, read, refused};
use crate::formats::onnx::node::{Attribute, Node};
use crate::formats::onnx::tensor::Tensor;

/// The operator, and its attributes.
pub(super) const CONSTANT: Operator = operator(
    "Constant",
    1,
    &[
        read("value"),
        read("value_float").since(12),
        read("value_floats").since(12),
        read("value_int").since(12),
        read("value_ints").since(12),
        refused("value_string").since(12),
        refused("value_strings").since(12),
        refused("sparse_value").since(11),
    ],
);

/// What a node holds, if it is a constant.
pub(in crate::formats::onnx) fn read_constant(node: &Node) -> Result<Option<Tensor>, String> {
    if node.operator != CONSTANT.name || !node.domain.is_empty() {
        return Ok(None);
    }
    let mut values = node.attributes.values();
    let tensor = match (values.next(), values.next()) {
        (Some(Attribute::Tensor(tensor)), None) => tensor.clone(),
        (Some(Attribute::Number(value)), None) => Tensor::floats(vec![], vec![*value]),
        (Some(Attribute::Integer(value)), None) => Tensor::integers(vec![], vec![*value]),
        (Some(Attribute::Numbers(values)), None) => Tensor::floats(vec![values.len()], values.clone()),
        (Some(Attribute::Integers(values)), None) => Tensor::list(values.clone()),
        _ => return Err(format!("{node} holds no numbers")),
    };
    Ok(Some(tensor))
}
