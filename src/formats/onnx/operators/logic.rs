//! Comparisons, logic, and selection. True is 1.

use super::arithmetic::{aligned, float_pair};
use super::attributes::{Operator, operator, read};
use super::folding::{broadcast, expanded, fold};
use super::inputs::input;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::scope::{Scope, Value};
use crate::formats::onnx::tensor::{Tensor, length};

/// The operators and their attributes.
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
    operator("Xor", 1, &[read("axis").until(6), read("broadcast").until(6)]),
];

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    let a = input(inputs, 0)?;
    if let ("Not", Value::Constant(_, constant)) = (node.operator.as_str(), a) {
        let values = constant.tensor.as_integers()?.iter().map(|value| i64::from(*value == 0)).collect();
        return Ok(vec![Value::computed(Tensor::integers(constant.tensor.sizes.clone(), values))]);
    }
    if node.operator == "Not" {
        return Ok(vec![not(scope, a)?]);
    }
    let b = &aligned(node, scope, a, input(inputs, 1)?)?;
    if node.operator != "Where"
        && let Some(folded) = fold(node, scope, a, b)?
    {
        return Ok(vec![folded]);
    }
    let y = match node.operator.as_str() {
        "And" => float_pair(scope, a, b, |a, b| a * b)?,
        "Xor" => float_pair(scope, a, b, |a, b| 1.0 - a.equal(b))?,
        "Or" => float_pair(scope, a, b, |a, b| a.maximum(b))?,
        "Less" => float_pair(scope, a, b, |a, b| a.less(b))?,
        "Greater" => float_pair(scope, a, b, |a, b| b.less(a))?,
        "LessOrEqual" => float_pair(scope, a, b, |a, b| a.less(b) + a.equal(b))?,
        "GreaterOrEqual" => float_pair(scope, a, b, |a, b| b.less(a) + a.equal(b))?,
        "Equal" => float_pair(scope, a, b, |a, b| a.equal(b))?,
        _ => return Ok(vec![select(scope, a, b, input(inputs, 2)?)?]),
    };
    Ok(vec![y.into_integers()])
}

fn not<'r>(scope: &mut Scope<'_, 'r>, condition: &Value<'r>) -> Result<Value<'r>, String> {
    Ok(scope.recorded_numbers(condition)?.map(|condition| 1.0 - condition).into_integers())
}

/// Records `Where`. Elements that are not selected do not affect the output, even if they are infinite or NaN.
fn select<'r>(
    scope: &mut Scope<'_, 'r>,
    condition: &Value<'r>,
    yes: &Value<'r>,
    no: &Value<'r>,
) -> Result<Value<'r>, String> {
    if let Some(known) = known_selection(scope, [condition, yes, no])? {
        return Ok(known);
    }
    let integer = yes.is_integer() && no.is_integer();
    let yes = float_pair(scope, yes, condition, |yes, condition| yes.where_nonzero(condition))?;
    let no = float_pair(scope, no, condition, |no, condition| no.where_nonzero(1.0 - condition))?;
    let either = float_pair(scope, &yes, &no, |yes, no| yes + no)?;
    Ok(if integer { either.into_integers() } else { either.into_floats() })
}

/// Evaluates `Where` on constants of integers, as in computations of shapes.
fn known_selection<'r>(scope: &Scope<'_, 'r>, inputs: [&Value<'r>; 3]) -> Result<Option<Value<'r>>, String> {
    let constant = |value: &Value<'r>| match value {
        Value::Constant(_, constant) if value.is_integer() => Some(constant.tensor.clone()),
        _ => None,
    };
    let [Some(condition), Some(yes), Some(no)] = inputs.map(constant) else { return Ok(None) };
    let sizes = broadcast(&condition.sizes, &yes.sizes).and_then(|sizes| broadcast(&sizes, &no.sizes));
    let sizes = sizes.ok_or("its integers have shapes that do not fit")?;
    scope.limits.check(length(&sizes).ok_or("the number of elements overflows")?)?;
    let wide = |tensor: &Tensor| {
        expanded(tensor.as_integers()?, &tensor.sizes, &sizes).ok_or_else(|| "its shapes do not fit".to_owned())
    };
    let (condition, yes, no) = (wide(&condition)?, wide(&yes)?, wide(&no)?);
    let either = condition.iter().zip(yes.iter().zip(&no));
    let values = either.map(|(condition, (yes, no))| if *condition != 0 { *yes } else { *no }).collect();
    Ok(Some(Value::computed(Tensor::integers(sizes, values))))
}
