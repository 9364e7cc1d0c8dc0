//! Access to the inputs and outputs of a node.

use crate::formats::onnx::node::Node;
use crate::formats::onnx::scope::Value;

/// Returns a required input.
pub(super) fn input<'a, 'r>(inputs: &'a [Option<Value<'r>>], number: usize) -> Result<&'a Value<'r>, String> {
    inputs.get(number).and_then(Option::as_ref).ok_or_else(|| format!("input {number} is missing"))
}

/// Returns an optional input.
pub(super) fn optional<'a, 'r>(inputs: &'a [Option<Value<'r>>], number: usize) -> Option<&'a Value<'r>> {
    inputs.get(number).and_then(Option::as_ref)
}

/// Reads axes, which are an attribute in older versions of an operator and an input in newer ones.
pub(super) fn axes(node: &Node, inputs: &[Option<Value<'_>>], number: usize) -> Result<Option<Vec<i64>>, String> {
    match optional(inputs, number) {
        Some(value) => Ok(Some(value.as_constant()?.as_integers()?.to_vec())),
        None => Ok(node.integers("axes")?.map(<[i64]>::to_vec)),
    }
}

/// Checks that a node has a single output, as further outputs are not supported.
pub(super) fn one_output(node: &Node, what: &str) -> Result<(), String> {
    match node.outputs.get(1).filter(|name| !name.is_empty()) {
        Some(name) => Err(format!("its output \"{name}\" ({what}) is not supported")),
        None => Ok(()),
    }
}
