//! Comparisons, and choices by them. What is true is 1.

use super::arithmetic::{aligned, numbers};
use super::attributes::{Operator, operator, read};
use super::inputs::input;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::scope::{Scope, Value};

/// The operators, and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    operator("And", 1, &[read("axis").until(6), read("broadcast").until(6)]),
    operator("Equal", 1, &[read("axis").until(6), read("broadcast").until(6)]),
    operator("Greater", 1, &[read("axis").until(6), read("broadcast").until(6)]),
    operator("GreaterOrEqual", 12, &[]),
    operator("Less", 1, &[read("axis").until(6), read("broadcast").until(6)]),
    operator("LessOrEqual", 12, &[]),
    operator("Not", 1, &[]),
    operator("Or", 1, &[read("axis").until(6), read("broadcast").until(6)]),
    operator("Where", 9, &[]),
];

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    let a = input(inputs, 0)?;
    if node.operator == "Not" {
        return Ok(vec![not(scope, a)?]);
    }
    let b = &aligned(node, scope, a, input(inputs, 1)?)?;
    let y = match node.operator.as_str() {
        "And" => numbers(scope, a, b, |a, b| a * b)?,
        "Or" => numbers(scope, a, b, |a, b| a.maximum(b))?,
        "Less" => numbers(scope, a, b, |a, b| a.less(b))?,
        "Greater" => numbers(scope, a, b, |a, b| b.less(a))?,
        "LessOrEqual" => numbers(scope, a, b, |a, b| a.less(b) + a.equal(b))?,
        "GreaterOrEqual" => numbers(scope, a, b, |a, b| b.less(a) + a.equal(b))?,
        "Equal" => numbers(scope, a, b, |a, b| a.equal(b))?,
        _ => return Ok(vec![choose(scope, a, b, input(inputs, 2)?)?]),
    };
    Ok(vec![y.whole()])
}

fn not<'r>(scope: &mut Scope<'_, 'r>, condition: &Value<'r>) -> Result<Value<'r>, String> {
    let order: Vec<usize> = match condition {
        Value::Recorded(recorded) => recorded.order.clone(),
        Value::Known(..) => (0..condition.sizes().len()).collect(),
    };
    Ok(Value::lying(1.0 - scope.numbers(condition, &order)?, order).whole())
}

/// Whatever is not chosen, be it infinite or no number, leaves nothing behind.
fn choose<'r>(
    scope: &mut Scope<'_, 'r>,
    condition: &Value<'r>,
    yes: &Value<'r>,
    no: &Value<'r>,
) -> Result<Value<'r>, String> {
    let whole = yes.is_whole() && no.is_whole();
    let yes = numbers(scope, yes, condition, |yes, condition| yes.where_nonzero(condition))?;
    let no = numbers(scope, no, condition, |no, condition| no.where_nonzero(1.0 - condition))?;
    let either = numbers(scope, &yes, &no, |yes, no| yes + no)?;
    Ok(if whole { either.whole() } else { either.floats() })
}
