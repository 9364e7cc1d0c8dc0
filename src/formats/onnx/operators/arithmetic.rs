//! Operators on pairs of elements, with NumPy's broadcasting.

use super::{Node, Scope, Value, input};
use crate::formats::onnx::tensor::{Tensor, Values};
use crate::shape::Shape;
use crate::tape::Var;

pub(super) const NAMES: &[&str] = &["Add", "Sub", "Mul", "Div", "Sum", "Mean", "Max", "Min", "Pow"];

type Pair = for<'r> fn(Var<'r>, Var<'r>) -> Var<'r>;

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    let operation: Pair = match node.operator.as_str() {
        "Sub" => |a, b| a - b,
        "Mul" => |a, b| a * b,
        "Div" => |a, b| a / b,
        "Max" => |a, b| a.maximum(b),
        "Min" => |a, b| a.minimum(b),
        "Pow" => return Ok(vec![power(scope, inputs)?]),
        _ => |a, b| a + b,
    };
    if let ("Add" | "Sub" | "Mul" | "Div", [Some(a), Some(b)]) = (node.operator.as_str(), inputs)
        && let Some(folded) = fold(node, a, b)?
    {
        return Ok(vec![folded]);
    }
    let mut result = input(inputs, 0)?.clone();
    if ["Div", "Mean"].contains(&node.operator.as_str()) && result.is_whole() {
        return Err("of whole numbers that are computed it is not supported".into());
    }
    for number in 1..inputs.len() {
        result = pair(scope, &result, input(inputs, number)?, operation)?;
    }
    if node.operator == "Mean" {
        let factor = 1.0 / inputs.len() as f32;
        result = scope.recorded(&result)?.map(|x| x * factor);
    }
    Ok(vec![result])
}

/// A power that is one known number needs no logarithm in its gradient.
fn power<'r>(scope: &mut Scope<'_, 'r>, inputs: &[Option<Value<'r>>]) -> Result<Value<'r>, String> {
    let (base, exponent) = (input(inputs, 0)?, input(inputs, 1)?);
    if let Value::Known(_, constant) = exponent
        && let ([exponent], 0..=1) = (&constant.tensor.to_floats()[..], constant.tensor.sizes.len())
    {
        let exponent = *exponent;
        return Ok(scope.recorded(base)?.map(|x| if exponent == 2.0 { x * x } else { x.power(exponent) }));
    }
    pair(scope, base, exponent, |base, exponent| base.power_by(exponent))
}

/// Records an operation on two values, whose axes may lie in different orders. Whole numbers give whole numbers.
pub(super) fn pair<'r>(
    scope: &mut Scope<'_, 'r>,
    a: &Value<'r>,
    b: &Value<'r>,
    operation: Pair,
) -> Result<Value<'r>, String> {
    let y = numbers(scope, a, b, operation)?;
    Ok(if a.is_whole() && b.is_whole() { y.whole() } else { y })
}

/// The same with a result of floats.
pub(super) fn numbers<'r>(
    scope: &mut Scope<'_, 'r>,
    a: &Value<'r>,
    b: &Value<'r>,
    operation: Pair,
) -> Result<Value<'r>, String> {
    let rank = a.sizes().len().max(b.sizes().len());
    let (a, b) = (widened(scope, a, rank)?, widened(scope, b, rank)?);
    let order = match (&a, &b) {
        (Value::Recorded(a), _) => a.order.clone(),
        (_, Value::Recorded(b)) => b.order.clone(),
        _ => (0..rank).collect(),
    };
    let [a, b] = [scope.numbers(&a, &order)?, scope.numbers(&b, &order)?];
    Ok(Value::lying(operation(a, b), order))
}

/// The value with axes of size 1 before its own, so that it has as many as the other.
fn widened<'r>(scope: &mut Scope<'_, 'r>, value: &Value<'r>, rank: usize) -> Result<Value<'r>, String> {
    let sizes = value.sizes();
    if sizes.len() == rank {
        return Ok(value.clone());
    }
    let wide = [vec![1; rank - sizes.len()], sizes].concat();
    match value {
        Value::Known(name, constant) => Ok(Value::folded(name, constant.tensor.reshaped(wide)?, constant.learned)),
        Value::Recorded(_) => {
            let shape = Shape::new(&wide).map_err(|error| error.to_string())?;
            let order: Vec<usize> = (0..value.sizes().len()).collect();
            Ok(Value::new(scope.numbers(value, &order)?.reshape(shape)))
        }
    }
}

/// Whole numbers are known, so their sums are too; they say shapes.
fn fold<'r>(node: &Node, a: &Value<'r>, b: &Value<'r>) -> Result<Option<Value<'r>>, String> {
    let (Value::Known(_, a), Value::Known(_, b)) = (a, b) else { return Ok(None) };
    let (Values::Integers(x), Values::Integers(y)) = (&a.tensor.values, &b.tensor.values) else { return Ok(None) };
    let (length, sizes) = match (x.len(), y.len()) {
        (n, 1) => (n, a.tensor.sizes.clone()),
        (1, n) => (n, b.tensor.sizes.clone()),
        (n, m) if n == m && a.tensor.sizes == b.tensor.sizes => (n, a.tensor.sizes.clone()),
        _ => return Err("whole numbers of different shapes".into()),
    };
    let at = |values: &[i64], i: usize| if values.len() == 1 { values[0] } else { values[i] };
    let number = |i: usize| {
        let (x, y) = (at(x, i), at(y, i));
        let result = match node.operator.as_str() {
            "Sub" => x.checked_sub(y),
            "Mul" => x.checked_mul(y),
            "Div" => x.checked_div(y),
            _ => x.checked_add(y),
        };
        result.ok_or("whole numbers that overflow")
    };
    let values = (0..length).map(number).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(Value::folded("", Tensor::integers(sizes, values), false)))
}
