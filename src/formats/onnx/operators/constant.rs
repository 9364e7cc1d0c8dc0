//! The operator `Constant`. Its nodes are read with the graph, as they compute nothing.

use super::attributes::{Operator, operator, read, rejected};
use crate::formats::onnx::node::{Attribute, Node};
use crate::formats::onnx::tensor::Tensor;

/// The operator and its attributes.
pub(super) const CONSTANT: Operator = operator(
    "Constant",
    1,
    &[
        read("value"),
        read("value_float").since(12),
        read("value_floats").since(12),
        read("value_int").since(12),
        read("value_ints").since(12),
        rejected("value_string").since(12),
        rejected("value_strings").since(12),
        rejected("sparse_value").since(11),
    ],
);

/// Returns the tensor of a `Constant` node; `None` for other nodes.
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
        _ => return Err(format!("{node} must have exactly one numeric attribute")),
    };
    Ok(Some(tensor))
}
