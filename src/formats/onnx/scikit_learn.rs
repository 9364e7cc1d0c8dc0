//! Replacement of the operators of scikit-learn models (domain `ai.onnx.ml`) by operators of the default domain.
//!
//! <https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md>

use super::constant::Constant;
use super::node::{Attribute, Node};
use super::operators::scikit_learn::DOMAIN;
use super::tensor::Tensor;
use std::collections::BTreeMap;

type Constants = BTreeMap<String, Constant>;

/// Replaces a node of a supported `ai.onnx.ml` operator by equivalent nodes. Other nodes are returned unchanged.
pub(super) fn rewrite(node: Node, constants: &mut Constants) -> Result<Vec<Node>, String> {
    if node.domain != DOMAIN || node.inputs.is_empty() || node.outputs.is_empty() {
        return Ok(vec![node]);
    }
    let error = |problem: String| format!("{node}: {problem}");
    match node.operator.as_str() {
        "LinearRegressor" => linear(&node, &node.outputs[0], "targets", constants).map_err(error),
        "LinearClassifier" if node.outputs.len() == 2 => {
            // The original node keeps the output of the labels; graphs that use only the scores do not need it.
            let mut nodes = linear(&node, &node.outputs[1], "", constants).map_err(error)?;
            nodes.push(Node { outputs: node.outputs[..1].to_vec(), ..node });
            Ok(nodes)
        }
        "Scaler" => scaler(&node, constants).map_err(error),
        "Normalizer" => Ok(normalizer(node, constants)),
        _ => Ok(vec![node]),
    }
}

/// score = activation(x · coefficientsᵀ + intercepts)
fn linear(node: &Node, output: &str, targets: &str, constants: &mut Constants) -> Result<Vec<Node>, String> {
    let coefficients = node.numbers("coefficients")?;
    let intercepts = node.numbers("intercepts")?;
    let rows = if targets.is_empty() { intercepts.len() } else { node.integer(targets, 1)?.max(0) as usize };
    if rows == 0 || coefficients.len() % rows != 0 || (!intercepts.is_empty() && intercepts.len() != rows) {
        return Err(format!(
            "coefficients have length {} and intercepts have length {}, which do not match",
            coefficients.len(),
            intercepts.len()
        ));
    }
    let activation = match node.text("post_transform", "NONE")? {
        "NONE" => "Identity",
        "LOGISTIC" => "Sigmoid",
        "SOFTMAX" => "Softmax",
        other => return Err(format!("post_transform {other} is not supported")),
    };
    let classes = node.attributes.get("classlabels_ints").or_else(|| node.attributes.get("classlabels_strings"));
    let classes = match classes {
        Some(Attribute::Integers(labels)) => labels.len(),
        Some(Attribute::Texts(labels)) => labels.len(),
        _ => rows,
    };
    if classes != rows {
        return Err(format!("the number of rows of coefficients is {rows}, expected {classes}, the number of classes"));
    }
    // A Normalizer is replaced only after an activation that gives probabilities.
    let weight = if activation == "Identity" { "scores.coefficients" } else { "coefficients" };
    let [weight, bias, sum] = [weight, "intercepts", "sum"].map(|part| format!("{output}.{part}"));
    let columns = coefficients.len() / rows;
    put(constants, &weight, Tensor::floats(vec![rows, columns], coefficients.to_vec()));
    let mut inputs = vec![node.inputs[0].as_str(), &weight];
    if !intercepts.is_empty() {
        put(constants, &bias, Tensor::floats(vec![rows], intercepts.to_vec()));
        inputs.push(&bias);
    }
    let product = node.part("Gemm", &inputs, &sum).with("transB", Attribute::Integer(1));
    let activation = node.part(activation, &[&sum], output);
    Ok(vec![product, activation])
}

/// y = (x − offset) · scale
fn scaler(node: &Node, constants: &mut Constants) -> Result<Vec<Node>, String> {
    let output = &node.outputs[0];
    let [offset, scale, shifted] = ["offset", "scale", "shifted"].map(|part| format!("{output}.{part}"));
    for (name, attribute) in [(&offset, "offset"), (&scale, "scale")] {
        let values = node.numbers(attribute)?;
        let tensor = Tensor::floats(vec![values.len()], values.to_vec());
        constants.insert(name.clone(), Constant::of_file(tensor, false));
    }
    let subtract = node.part("Sub", &[&node.inputs[0], &offset], &shifted);
    Ok(vec![subtract, node.part("Mul", &[&shifted, &scale], output)])
}

/// y = x / Σ|x| for probabilities of a linear model, which are not negative: each row is divided by its product with a matrix
/// of ones. Other nodes of this operator are not replaced.
fn normalizer(node: Node, constants: &mut Constants) -> Vec<Node> {
    let (input, output) = (&node.inputs[0], &node.outputs[0]);
    let classes =
        constants.get(&format!("{input}.coefficients")).and_then(|weight| weight.tensor.sizes.first().copied());
    match (node.text("norm", "MAX"), classes) {
        (Ok("L1"), Some(classes)) if classes <= MAX_CLASSES => {
            let [ones, sum] = ["ones", "sum"].map(|part| format!("{output}.{part}"));
            let tensor = Tensor::floats(vec![classes, classes], vec![1.0; classes * classes]);
            constants.insert(ones.clone(), Constant::of_file(tensor, false));
            let sums = node.part("MatMul", &[input, &ones], &sum);
            let divided = node.part("Div", &[input, &sum], output);
            vec![sums, divided]
        }
        _ => vec![node],
    }
}

/// Maximum number of classes for which a Normalizer is replaced.
const MAX_CLASSES: usize = 1000;

fn put(constants: &mut Constants, name: &str, tensor: Tensor) {
    constants.insert(name.into(), Constant::of_file(tensor, true));
}
