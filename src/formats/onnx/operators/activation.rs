//! Elementwise operators with one input.

use super::attributes::{CONSUMED, Operator, operator, read};
use super::folding::fold_single;
use super::inputs::{input, optional};
use crate::formats::onnx::node::Node;
use crate::formats::onnx::scope::{Scope, Value};
use crate::tape::Var;

/// The operators and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    operator("Abs", 1, &[CONSUMED]),
    operator("Celu", 12, &[read("alpha")]),
    operator("Clip", 1, &[read("max").until(10), read("min").until(10), CONSUMED]),
    operator("Elu", 1, &[read("alpha"), CONSUMED]),
    operator("Erf", 9, &[]),
    operator("Exp", 1, &[CONSUMED]),
    operator("Gelu", 20, &[read("approximate")]),
    operator("HardSigmoid", 1, &[read("alpha"), read("beta"), CONSUMED]),
    operator("HardSwish", 14, &[]),
    operator("LeakyRelu", 1, &[read("alpha"), CONSUMED]),
    operator("Log", 1, &[CONSUMED]),
    operator("Mish", 18, &[]),
    operator("Neg", 1, &[CONSUMED]),
    // In earlier sets, a slope per channel is along axis 1.
    operator("PRelu", 7, &[]),
    operator("Reciprocal", 1, &[CONSUMED]),
    operator("Relu", 1, &[CONSUMED]),
    // In earlier sets, its constants have fewer digits.
    operator("Selu", 6, &[read("alpha"), read("gamma")]),
    operator("Sigmoid", 1, &[CONSUMED]),
    operator("Softplus", 1, &[]),
    operator("Softsign", 1, &[]),
    operator("Sqrt", 1, &[CONSUMED]),
    operator("Swish", 24, &[read("alpha")]),
    operator("Tanh", 1, &[CONSUMED]),
];

/// The default values of `alpha` and `gamma` of `Selu`.
pub(in crate::formats::onnx) const SELU: [f32; 2] = [1.673_263_2, 1.050_701];

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    if node.operator == "PRelu" {
        return Ok(vec![prelu(scope, inputs)?]);
    }
    if node.operator == "Clip" && (1..3).any(|number| matches!(inputs.get(number), Some(Some(Value::Recorded(_))))) {
        return Ok(vec![clip(scope, inputs)?]);
    }
    if let Some(known) = fold_single(node, input(inputs, 0)?)? {
        return Ok(vec![known]);
    }
    let x = scope.recorded(input(inputs, 0)?)?;
    let number = |name: &str, default: f32| node.number(name, default);
    let y = match node.operator.as_str() {
        "Abs" => x.map(Var::absolute),
        "Celu" => {
            let alpha = number("alpha", 1.0)?;
            // celu(x) = α elu(x/α)
            x.map(|x| (x * (1.0 / alpha)).elu(1.0) * alpha)
        }
        "Clip" => {
            let [low, high] = limits(node, inputs)?;
            // With limits in the wrong order, all elements become the upper one.
            x.map(|x| x.clip(low.min(high), high))
        }
        "Elu" => {
            let alpha = number("alpha", 1.0)?;
            x.map(|x| x.elu(alpha))
        }
        "Erf" => x.map(Var::erf),
        "Exp" => x.map(Var::exp),
        "Gelu" => match node.text("approximate", "none")? {
            "none" => x.map(Var::gelu),
            "tanh" => x.map(Var::gelu_tanh),
            other => return Err(format!("attribute approximate is \"{other}\", expected none or tanh")),
        },
        "HardSigmoid" => {
            let (alpha, beta) = (number("alpha", 0.2)?, number("beta", 0.5)?);
            x.map(|x| hard_sigmoid(x, alpha, beta))
        }
        "HardSwish" => x.map(|x| x * x.hard_sigmoid()),
        "LeakyRelu" => {
            let alpha = number("alpha", 0.01)?;
            x.map(|x| x.leaky_relu(alpha))
        }
        "Log" => x.map(Var::ln),
        "Mish" => x.map(|x| x * Var::tanh(x.softplus())),
        "Neg" => x.map(|x| -x),
        "Reciprocal" => x.map(|x| x.power(-1.0)),
        "Relu" => x.map(Var::relu),
        "Selu" => {
            let (alpha, gamma) = (number("alpha", SELU[0])?, number("gamma", SELU[1])?);
            if [alpha, gamma] == SELU { x.map(Var::selu) } else { x.map(|x| x.elu(alpha) * gamma) }
        }
        "Sigmoid" => x.map(Var::sigmoid),
        "Softplus" => x.map(Var::softplus),
        "Softsign" => x.map(Var::softsign),
        "Sqrt" => x.map(Var::sqrt),
        "Swish" => {
            let alpha = number("alpha", 1.0)?;
            if alpha == 1.0 { x.map(Var::silu) } else { x.map(|x| x * (x * alpha).sigmoid()) }
        }
        "Tanh" => x.map(Var::tanh),
        other => return Err(format!("{other} is not supported")),
    };
    Ok(vec![y])
}

/// max(0, min(1, α x + β)). The default in Keras has α = 1/6.
fn hard_sigmoid(x: Var<'_>, alpha: f32, beta: f32) -> Var<'_> {
    if (alpha - 1.0 / 6.0).abs() < 1e-7 && beta == 0.5 {
        return x.hard_sigmoid();
    }
    (x * alpha + beta).clip(0.0, 1.0)
}

/// Reads the limits of `Clip`: attributes before operator set 11, inputs since. Both are optional.
fn limits(node: &Node, inputs: &[Option<Value<'_>>]) -> Result<[f32; 2], String> {
    let limit = |name: &str, number: usize, default: f32| match optional(inputs, number) {
        Some(value) => match value.as_constant()?.as_floats()? {
            [limit] => Ok(*limit),
            _ => Err(format!("{name} must be a single number")),
        },
        None => node.number(name, default),
    };
    Ok([limit("min", 1, f32::NEG_INFINITY)?, limit("max", 2, f32::INFINITY)?])
}

/// Records `Clip` with computed limits.
fn clip<'r>(scope: &mut Scope<'_, 'r>, inputs: &[Option<Value<'r>>]) -> Result<Value<'r>, String> {
    let mut x = input(inputs, 0)?.clone();
    if let Some(low) = optional(inputs, 1) {
        x = super::arithmetic::pair(scope, &x, low, |x, low| x.maximum(low))?;
    }
    match optional(inputs, 2) {
        Some(high) => super::arithmetic::pair(scope, &x, high, |x, high| x.minimum(high)),
        None => Ok(x),
    }
}

/// Records `PRelu`: max(x, 0) − slope · max(−x, 0), with the slope broadcast to x.
fn prelu<'r>(scope: &mut Scope<'_, 'r>, inputs: &[Option<Value<'r>>]) -> Result<Value<'r>, String> {
    let (x, slope) = (input(inputs, 0)?, input(inputs, 1)?);
    if slope.sizes().len() > x.sizes().len() {
        return Err("the slope has more axes than the input".into());
    }
    super::arithmetic::pair(scope, x, slope, |x, slope| x.relu() - slope * (-x).relu())
}
