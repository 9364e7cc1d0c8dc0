//! Conversion of nodes to the operator set of exported files.

use super::node::{Attribute, Node};
use super::operators::arithmetic::NUMPY_BROADCAST;
use super::operators::resizing::{self, HAS_COORDINATES};
use super::tensor::Tensor;
use super::versions::OPSET;

/// Converts a node to the operator set of exported files. A node of a newer set is unchanged. `rank` is the rank of its first
/// input; `constant` adds a constant and returns its name. The last node has the outputs of the original one.
pub(super) fn upgrade(
    node: &Node,
    rank: Option<usize>,
    constant: &mut impl FnMut(&str, &Tensor) -> String,
) -> Result<Vec<Node>, String> {
    let mut upgraded = Node { version: node.version.max(OPSET), ..node.clone() };
    let mut take = |name: &str| upgraded.attributes.remove(name);
    take("consumed_inputs");
    let broadcast = take("broadcast");
    let axis = match (node.version < NUMPY_BROADCAST, &broadcast) {
        (true, Some(Attribute::Integer(1))) if node.operator != "Gemm" => take("axis"),
        _ => None,
    };
    if axis.is_some() {
        return Err("a broadcast from an axis cannot be exported; convert the file with onnx.version_converter".into());
    }
    let mut moved: Vec<(usize, &str)> = Vec::new();
    match node.operator.as_str() {
        "Squeeze" | "Unsqueeze" | "ReduceSum" if node.version < 13 => moved.push((1, "axes")),
        "Slice" if node.version < 10 => moved.extend([(1, "starts"), (2, "ends"), (3, "axes")]),
        "Split" if node.version < 13 => moved.push((1, "split")),
        "Pad" if node.version < 11 => moved.extend([(1, "pads"), (2, "value")]),
        "Clip" if node.version < 11 => moved.extend([(1, "min"), (2, "max")]),
        // The shape whose number of rows was opened.
        "Reshape" => moved.push((1, "shape")),
        "Dropout" if node.version < 12 => {
            take("ratio");
            take("is_test");
        }
        "BatchNormalization" if node.version < 9 => {
            take("is_test");
            take("spatial");
        }
        "Softmax" | "LogSoftmax" if node.version < 13 => {
            let (axis, rank) = (node.integer("axis", 1)?, rank.unwrap_or(0) as i64);
            upgraded.attributes.insert("axis".into(), Attribute::Integer(-1));
            if axis != -1 && axis + 1 != rank {
                return Ok(over_flattened(upgraded, axis));
            }
        }
        "Resize" | "Upsample" if node.version < HAS_COORDINATES => {
            let attributes = ["coordinate_transformation_mode", "mode", "nearest_mode"];
            for name in attributes {
                let value = Attribute::Text(resizing::setting(node, name)?.to_owned());
                upgraded.attributes.insert(name.into(), value);
            }
            upgraded.operator = "Resize".into();
            upgraded.inputs.insert(1, String::new());
            moved.push((2, "scales"));
        }
        "Concat" if node.version < 4 => {
            upgraded.attributes.insert("axis".into(), Attribute::Integer(node.integer("axis", 1)?));
        }
        reduction if reduction.starts_with("Reduce") && node.version < 18 => moved.push((1, "axes")),
        _ => {}
    }
    for (input, name) in moved {
        let tensor = match upgraded.attributes.remove(name) {
            Some(Attribute::Integers(values)) => Tensor::list(values),
            Some(Attribute::Number(value)) => Tensor::floats(Vec::new(), vec![value]),
            Some(Attribute::Numbers(values)) => Tensor::floats(vec![values.len()], values),
            _ => continue,
        };
        while upgraded.inputs.len() <= input {
            upgraded.inputs.push(String::new());
        }
        upgraded.inputs[input] = constant(name, &tensor);
    }
    let parts = upgraded.inputs.get(1).is_some_and(|split| !split.is_empty());
    if node.operator == "Split" && !parts {
        let count = Attribute::Integer(node.outputs.len() as i64);
        upgraded.attributes.entry("num_outputs".into()).or_insert(count);
    }
    Ok(vec![upgraded])
}

/// Nodes that apply an operator over the last axis to all axes from one on.
fn over_flattened(node: Node, axis: i64) -> Vec<Node> {
    let (input, output) = (node.inputs[0].clone(), node.outputs[0].clone());
    let [shape, flat, result] = ["shape", "flat", "result"].map(|part| format!("{output}/{part}"));
    let part = |operator: &str, inputs: &[&str], output: &str| Node {
        name: if node.name.is_empty() { String::new() } else { format!("{}/{operator}", node.name) },
        version: OPSET,
        ..node.part(operator, inputs, output)
    };
    vec![
        part("Shape", &[&input], &shape),
        part("Flatten", &[&input], &flat).with("axis", Attribute::Integer(axis)),
        Node { inputs: vec![flat.clone()], outputs: vec![result.clone()], ..node.clone() },
        part("Reshape", &[&result, &shape], &output),
    ]
}
