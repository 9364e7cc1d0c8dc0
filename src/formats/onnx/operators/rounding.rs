//! Elementwise operators of one input whose gradient is 0 or passes through: rounding, signs, tests of numbers.

use super::attributes::{CONSUMED, Operator, operator, read};
use super::folding::fold_single;
use super::inputs::input;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::scope::{Scope, Value};
use crate::formats::onnx::tensor::Tensor;
use crate::tape::Var;

/// The operators and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    operator("Ceil", 1, &[CONSUMED]),
    operator("Floor", 1, &[CONSUMED]),
    operator("IsInf", 10, &[read("detect_negative"), read("detect_positive")]),
    operator("IsNaN", 9, &[]),
    operator("Round", 11, &[]),
    operator("Sign", 9, &[]),
    operator("ThresholdedRelu", 10, &[read("alpha")]),
];

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    if let Some(known) = fold_single(node, input(inputs, 0)?)? {
        return Ok(vec![known]);
    }
    let x = scope.recorded(input(inputs, 0)?)?;
    let mut number = |value| scope.in_onnx_order(&Value::computed(Tensor::floats(Vec::new(), vec![value])));
    let y = match node.operator.as_str() {
        "Ceil" => x.map(|x| x.truncate() + x.truncate().less(x)),
        "Floor" => x.map(|x| x.truncate() - x.less(x.truncate())),
        "IsInf" => {
            let flag = |name| node.integer(name, 1).map(|flag| if flag != 0 { 1.0 } else { 0.0 });
            let (negative, positive) = (flag("detect_negative")?, flag("detect_positive")?);
            let (low, high) = (number(f32::NEG_INFINITY)?, number(f32::INFINITY)?);
            x.map(|x| x.equal(low) * negative + x.equal(high) * positive).into_integers()
        }
        // NaN does not equal itself.
        "IsNaN" => x.map(|x| 1.0 - x.equal(x)).into_integers(),
        "Round" => {
            let half = number(0.5)?;
            x.map(|x| round(x, half))
        }
        "Sign" => {
            let zero = number(0.0)?;
            x.map(|x| sign(x, zero))
        }
        _ => {
            let alpha = number(node.number("alpha", 1.0)?)?;
            x.map(|x| x.where_nonzero(alpha.less(x)))
        }
    };
    Ok(vec![y])
}

fn sign<'r>(x: Var<'r>, zero: Var<'r>) -> Var<'r> {
    zero.less(x) - x.less(zero)
}

/// Rounds to the nearest integer, or the even one of two.
fn round<'r>(x: Var<'r>, half: Var<'r>) -> Var<'r> {
    let whole = x.truncate();
    let rest = x - whole;
    let is_odd = 1.0 - (whole * 0.5).equal((whole * 0.5).truncate());
    let distance = rest.absolute();
    let away = half.less(distance) + half.equal(distance) * is_odd;
    whole + sign(rest, half * 0.0) * away
}
