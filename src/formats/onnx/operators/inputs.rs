//! What operators ask of a node's inputs and outputs.

use crate::formats::onnx::node::Node;
use crate::formats::onnx::scope::Value;

/// An input that has to be there.
pub(super) fn input<'a, 'r>(inputs: &'a [Option<Value<'r>>], number: usize) -> Result<&'a Value<'r>, String> {
    inputs.get(number).and_then(Option::as_ref).ok_or_else(|| format!("input {number} is missing"))
}

/// An input that may be left out.
pub(super) fn optional<'a, 'r>(inputs: &'a [Option<Value<'r>>], number: usize) -> Option<&'a Value<'r>> {
    inputs.get(number).and_then(Option::as_ref)
}

/// Axes, which are an attribute in older versions of an operator and an input in newer ones.
pub(super) fn axes(node: &Node, inputs: &[Option<Value<'_>>], number: usize) -> Result<Option<Vec<i64>>, String> {
    match optional(inputs, number) {
        Some(value) => Ok(Some(value.known()?.as_integers()?.to_vec())),
        None => Ok(node.integers("axes")?.map(<[i64]>::to_vec)),
    }
}

/// Outputs beyond the first are for training, or not needed.
pub(super) fn one_output(node: &Node, what: &str) -> Result<(), String> {
    match node.outputs.get(1).filter(|name| !name.is_empty()) {
        Some(name) => Err(format!("its output \"{name}\" ({what}) is not supported")),
        None => Ok(()),
    }
}
