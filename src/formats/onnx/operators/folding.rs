//! Evaluation of operators on numbers that are known when a graph is recorded: integers, and floats that follow from shapes. So
//! exporters compute the sizes of a resizing or of a reshaping.

use crate::formats::onnx::constant::Constant;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::scope::{Scope, Value};
use crate::formats::onnx::tensor::{Tensor, Values, length};
use ndarray::{ArrayViewD, IxDyn};

/// The sizes of two arrays that broadcast like NumPy; `None` if they do not fit.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size = |sizes: &[usize], axis: usize| (axis + sizes.len()).checked_sub(rank).map_or(1, |place| sizes[place]);
    let joined = (0..rank).map(|axis| match (size(a, axis), size(b, axis)) {
        (a, b) if a == b || b == 1 => Some(a),
        (1, b) => Some(b),
        _ => None,
    });
    joined.collect()
}

/// The elements of an array that is broadcast to other sizes.
pub(super) fn expanded<T: Copy>(values: &[T], from: &[usize], to: &[usize]) -> Option<Vec<T>> {
    let view = ArrayViewD::from_shape(IxDyn(from), values).ok()?;
    Some(view.broadcast(IxDyn(to))?.iter().copied().collect())
}

/// Evaluates an operation on two known operands; `None` if one is not known.
pub(super) fn fold<'r>(
    node: &Node,
    scope: &Scope<'_, 'r>,
    a: &Value<'r>,
    b: &Value<'r>,
) -> Result<Option<Value<'r>>, String> {
    let (Value::Constant(_, a), Value::Constant(_, b)) = (a, b) else { return Ok(None) };
    let floats = are_known([a, b]);
    let (x, y) = (&a.tensor, &b.tensor);
    if !floats && !matches!((&x.values, &y.values), (Values::Integers(_), Values::Integers(_))) {
        return Ok(None);
    }
    let sizes = broadcast(&x.sizes, &y.sizes)
        .ok_or_else(|| format!("constants of shapes {:?} and {:?} cannot be combined", x.sizes, y.sizes))?;
    scope.limits.check(length(&sizes).ok_or("the number of elements overflows")?)?;
    match (&x.values, &y.values) {
        (Values::Integers(a), Values::Integers(b)) => {
            let (Some(a), Some(b)) = (expanded(a, &x.sizes, &sizes), expanded(b, &y.sizes, &sizes)) else {
                return Ok(None);
            };
            let number = |(a, b): (&i64, &i64)| integer(node, *a, *b);
            let Some(values) = a.iter().zip(&b).map(number).collect::<Result<Option<Vec<_>>, _>>()? else {
                return Ok(None);
            };
            Ok(Some(Value::computed(Tensor::integers(sizes, values))))
        }
        (Values::Floats(a), Values::Floats(b)) => {
            let (Some(a), Some(b)) = (expanded(a, &x.sizes, &sizes), expanded(b, &y.sizes, &sizes)) else {
                return Ok(None);
            };
            let Some(values) = a.iter().zip(&b).map(|(a, b)| float(node, *a, *b)).collect::<Option<Vec<_>>>() else {
                return Ok(None);
            };
            Ok(Some(Value::computed(Tensor::floats(sizes, values))))
        }
        _ => Ok(None),
    }
}

/// Whether nodes computed one of two constants of floats, and the other is no weight.
fn are_known(both: [&Constant; 2]) -> bool {
    let is_float = |constant: &Constant| matches!(constant.tensor.values, Values::Floats(_));
    both.iter().all(|constant| is_float(constant) && !constant.learned) && both.iter().any(|constant| constant.computed)
}

/// The result for two integers; `None` if the operator is not evaluated.
fn integer(node: &Node, x: i64, y: i64) -> Result<Option<i64>, String> {
    let result = match node.operator.as_str() {
        "Add" | "Sum" => x.checked_add(y),
        "Sub" => x.checked_sub(y),
        "Mul" => x.checked_mul(y),
        "Div" => x.checked_div(y),
        "Max" => Some(x.max(y)),
        "Min" => Some(x.min(y)),
        "Mod" if node.integer("fmod", 0)? != 0 => x.checked_rem(y),
        // The remainder has the sign of the divisor.
        "Mod" => x.checked_rem(y).map(|rest| if rest != 0 && (rest < 0) != (y < 0) { rest + y } else { rest }),
        "Pow" => u32::try_from(y).ok().and_then(|y| x.checked_pow(y)),
        "And" => Some(i64::from(x != 0 && y != 0)),
        "Or" => Some(i64::from(x != 0 || y != 0)),
        "Xor" => Some(i64::from((x != 0) != (y != 0))),
        "Equal" => Some(i64::from(x == y)),
        "Less" => Some(i64::from(x < y)),
        "LessOrEqual" => Some(i64::from(x <= y)),
        "Greater" => Some(i64::from(x > y)),
        "GreaterOrEqual" => Some(i64::from(x >= y)),
        _ => return Ok(None),
    };
    result.map(Some).ok_or_else(|| format!("{x} and {y} give an integer overflow, a division by 0 or no integer"))
}

/// The result for two floats; `None` if the operator is not evaluated.
fn float(node: &Node, x: f32, y: f32) -> Option<f32> {
    match node.operator.as_str() {
        "Add" | "Sum" => Some(x + y),
        "Sub" => Some(x - y),
        "Mul" => Some(x * y),
        "Div" => Some(x / y),
        _ => None,
    }
}

/// Evaluates an operator of one known input; `None` if it is not known, or the operator is not evaluated.
pub(super) fn fold_single<'r>(node: &Node, x: &Value<'r>) -> Result<Option<Value<'r>>, String> {
    let Value::Constant(_, constant) = x else { return Ok(None) };
    let sizes = constant.tensor.sizes.clone();
    match &constant.tensor.values {
        Values::Integers(values) => {
            let operation: fn(i64) -> Option<i64> = match node.operator.as_str() {
                "Abs" => i64::checked_abs,
                "Neg" => i64::checked_neg,
                "Sign" => |x| Some(x.signum()),
                _ => return Ok(None),
            };
            let values = values.iter().map(|value| operation(*value)).collect::<Option<Vec<_>>>();
            Ok(Some(Value::computed(Tensor::integers(sizes, values.ok_or("integer overflow")?))))
        }
        Values::Floats(values) if constant.computed => {
            let operation: fn(f32) -> f32 = match node.operator.as_str() {
                "Abs" => f32::abs,
                "Ceil" => f32::ceil,
                "Floor" => f32::floor,
                "Neg" => |x| -x,
                "Round" => f32::round_ties_even,
                "Sqrt" => f32::sqrt,
                _ => return Ok(None),
            };
            Ok(Some(Value::computed(Tensor::floats(sizes, values.iter().map(|value| operation(*value)).collect()))))
        }
        _ => Ok(None),
    }
}
