//! Operators on pairs of elements, with NumPy's broadcasting.

use super::attributes::{CONSUMED, Operator, operator, read};
use super::inputs::input;
use super::shape::with_sizes;
use crate::Shape;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Scope, Value};
use crate::formats::onnx::tensor::{Tensor, Values};
use crate::tape::Var;

/// The operators, and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    operator("Add", 1, &[read("axis").until(6), read("broadcast").until(6), CONSUMED]),
    operator("Sub", 1, &[read("axis").until(6), read("broadcast").until(6), CONSUMED]),
    operator("Mul", 1, &[read("axis").until(6), read("broadcast").until(6), CONSUMED]),
    operator("Div", 1, &[read("axis").until(6), read("broadcast").until(6), CONSUMED]),
    operator("Sum", 1, &[CONSUMED]),
    operator("Mean", 1, &[CONSUMED]),
    operator("Max", 1, &[CONSUMED]),
    operator("Min", 1, &[CONSUMED]),
    operator("Pow", 1, &[read("axis").until(6), read("broadcast").until(6)]),
];

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
        "Pow" => return Ok(vec![power(node, scope, inputs)?]),
        _ => |a, b| a + b,
    };
    if let ("Add" | "Sub" | "Mul" | "Div", [Some(a), Some(b)]) = (node.operator.as_str(), inputs)
        && let Some(folded) = fold(node, a, &aligned(node, scope, a, b)?)?
    {
        return Ok(vec![folded]);
    }
    let mut result = input(inputs, 0)?.clone();
    if ["Div", "Mean"].contains(&node.operator.as_str()) && result.is_whole() {
        return Err("of whole numbers that are computed it is not supported".into());
    }
    for number in 1..inputs.len() {
        let other = aligned(node, scope, &result, input(inputs, number)?)?;
        result = pair(scope, &result, &other, operation)?;
    }
    if node.operator == "Mean" {
        let factor = 1.0 / inputs.len() as f32;
        result = scope.recorded(&result)?.map(|x| x * factor);
    }
    Ok(vec![result])
}

/// A power that is one known number needs no logarithm in its gradient.
fn power<'r>(node: &Node, scope: &mut Scope<'_, 'r>, inputs: &[Option<Value<'r>>]) -> Result<Value<'r>, String> {
    let base = input(inputs, 0)?;
    let exponent = &aligned(node, scope, base, input(inputs, 1)?)?;
    if let Value::Known(_, constant) = exponent
        && let ([exponent], 0..=1) = (&constant.tensor.to_floats()[..], constant.tensor.sizes.len())
    {
        let exponent = *exponent;
        return Ok(scope.recorded(base)?.map(|x| if exponent == 2.0 { x * x } else { x.power(exponent) }));
    }
    pair(scope, base, exponent, |base, exponent| base.pow(exponent))
}

/// The second operand, with its axes where the first has those that they belong to.
///
/// Before operator set 7 only this operand was broadcast, if `broadcast` is 1: from `axis` of the first on, or else along
/// the last axes.
pub(super) fn aligned<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    a: &Value<'r>,
    b: &Value<'r>,
) -> Result<Value<'r>, String> {
    if node.version >= NUMPY_BROADCAST || !BROADCASTING.contains(&node.operator.as_str()) {
        return Ok(b.clone());
    }
    let (sizes, mut other) = (a.sizes(), b.sizes());
    if node.integer("broadcast", 0)? == 0 {
        return match sizes == other {
            true => Ok(b.clone()),
            false => Err(format!("{sizes:?} and {other:?} without broadcast")),
        };
    }
    if node.attributes.contains_key("axis") {
        let axis = order::axis(node.integer("axis", 0)?, sizes.len())?;
        let behind = sizes.len().checked_sub(axis + other.len());
        let behind = behind.ok_or_else(|| format!("{other:?} from axis {axis} of {sizes:?} on"))?;
        other.extend(vec![1; behind]);
    }
    with_sizes(scope, b, other)
}

/// The first operator set that broadcasts as NumPy does.
pub(in crate::formats::onnx) const NUMPY_BROADCAST: i64 = 7;

/// The operators that had attributes for it before.
const BROADCASTING: [&str; 10] = ["Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Equal", "Greater", "Less"];

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
