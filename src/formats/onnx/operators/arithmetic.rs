//! Elementwise operators with two or more inputs, which broadcast like NumPy.

use super::attributes::{CONSUMED, Operator, operator, read};
use super::folding::fold;
use super::inputs::input;
use super::shape::with_sizes;
use crate::Shape;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Scope, Value};
use crate::tape::Var;

/// The operators and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    operator("Add", 1, &[read("axis").until(6), read("broadcast").until(6), CONSUMED]),
    operator("Sub", 1, &[read("axis").until(6), read("broadcast").until(6), CONSUMED]),
    operator("Mul", 1, &[read("axis").until(6), read("broadcast").until(6), CONSUMED]),
    operator("Div", 1, &[read("axis").until(6), read("broadcast").until(6), CONSUMED]),
    operator("Mod", 10, &[read("fmod")]),
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
        _ => |a, b| a + b,
    };
    if let [Some(a), Some(b)] = inputs
        && node.operator != "Mean"
    {
        let b = aligned(node, scope, a, b)?;
        if let Some(folded) = fold(node, scope, a, &b)? {
            return Ok(vec![folded]);
        }
    }
    match node.operator.as_str() {
        "Pow" => return Ok(vec![power(node, scope, inputs)?]),
        "Mod" => return Ok(vec![remainder(node, scope, inputs)?]),
        _ => {}
    }
    let mut result = input(inputs, 0)?.clone();
    if ["Div", "Mean"].contains(&node.operator.as_str()) && result.is_integer() {
        return Err("integers that depend on the inputs are not supported; cast them to floats".into());
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

/// Records `Pow`. For a constant exponent, the gradient needs no logarithm.
fn power<'r>(node: &Node, scope: &mut Scope<'_, 'r>, inputs: &[Option<Value<'r>>]) -> Result<Value<'r>, String> {
    let base = input(inputs, 0)?;
    let exponent = &aligned(node, scope, base, input(inputs, 1)?)?;
    if let Value::Constant(_, constant) = exponent
        && let ([exponent], 0..=1) = (&constant.tensor.to_floats()[..], constant.tensor.sizes.len())
    {
        let exponent = *exponent;
        return Ok(scope.recorded(base)?.map(|x| if exponent == 2.0 { x * x } else { x.power(exponent) }));
    }
    pair(scope, base, exponent, |base, exponent| base.pow(exponent))
}

/// Records `Mod`. With `fmod`, the remainder has the sign of the dividend, otherwise that of the divisor. Quotients of computed
/// integers, which are less than 2²⁴, are rounded correctly.
fn remainder<'r>(node: &Node, scope: &mut Scope<'_, 'r>, inputs: &[Option<Value<'r>>]) -> Result<Value<'r>, String> {
    let (a, b, fmod) = (input(inputs, 0)?, input(inputs, 1)?, node.integer("fmod", 0)? != 0);
    if !(fmod || a.is_integer() && b.is_integer()) {
        return Err("attribute fmod is 0, expected 1 for floats".into());
    }
    let rest = pair(scope, a, b, |a, b| a - b * (a / b).truncate())?;
    if fmod {
        return Ok(rest);
    }
    let moved = pair(scope, &rest, b, |rest, b| {
        let [left, right] = [rest * 0.0, b * 0.0];
        b * (rest.less(left) * right.less(b) + left.less(rest) * b.less(right))
    })?;
    pair(scope, &rest, &moved, |rest, moved| rest + moved)
}

/// Aligns the axes of the second operand with those of the first.
///
/// Before operator set 7, only the second operand is broadcast, and only if `broadcast` is 1: from `axis` of the first
/// operand on, or along the last axes without `axis`.
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
            false => Err(format!("sizes {sizes:?} and {other:?} differ, and broadcast is 0")),
        };
    }
    if node.attributes.contains_key("axis") {
        let axis = order::axis(node.integer("axis", 0)?, sizes.len())?;
        let trailing = sizes.len().checked_sub(axis + other.len());
        let trailing = trailing.ok_or_else(|| format!("sizes {other:?} exceed those of {sizes:?} from axis {axis}"))?;
        other.extend(vec![1; trailing]);
    }
    with_sizes(scope, b, other)
}

/// The first operator set with the broadcasting of NumPy.
pub(in crate::formats::onnx) const NUMPY_BROADCAST: i64 = 7;

/// The operators with attributes for broadcasting in earlier sets.
const BROADCASTING: [&str; 11] = ["Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Equal", "Greater", "Less"];

/// Records an operation on two values, which may have different storage orders. Two integer inputs give an integer output.
pub(super) fn pair<'r>(
    scope: &mut Scope<'_, 'r>,
    a: &Value<'r>,
    b: &Value<'r>,
    operation: Pair,
) -> Result<Value<'r>, String> {
    let y = float_pair(scope, a, b, operation)?;
    Ok(if a.is_integer() && b.is_integer() { y.into_integers() } else { y })
}

/// Records an operation on two values with a float output.
pub(super) fn float_pair<'r>(
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
    Ok(Value::with_order(operation(a, b), order))
}

/// Prepends axes of size 1, so that the value has rank `rank`.
fn widened<'r>(scope: &mut Scope<'_, 'r>, value: &Value<'r>, rank: usize) -> Result<Value<'r>, String> {
    let sizes = value.sizes();
    if sizes.len() == rank {
        return Ok(value.clone());
    }
    let wide = [vec![1; rank - sizes.len()], sizes].concat();
    match value {
        Value::Constant(name, constant) => Ok(Value::rearranged(name, constant, constant.tensor.reshaped(wide)?)),
        Value::Recorded(_) => {
            let shape = Shape::new(&wide).map_err(|error| error.to_string())?;
            let order: Vec<usize> = (0..value.sizes().len()).collect();
            Ok(Value::new(scope.numbers(value, &order)?.reshape(shape)))
        }
    }
}
