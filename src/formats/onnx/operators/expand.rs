//! The operator `Expand`, which broadcasts a value to a shape.

use super::arithmetic::float_pair;
use super::attributes::{Operator, operator};
use super::inputs::input;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::scope::{Scope, Value};
use crate::formats::onnx::tensor::{Tensor, length};

/// The operators and their attributes.
pub(super) const OPERATORS: &[Operator] = &[operator("Expand", 8, &[])];

pub(super) fn record<'r>(
    _node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    Ok(vec![expand(scope, input(inputs, 0)?, input(inputs, 1)?)?])
}

/// Records `Expand`: repeats axes of size 1, and adds axes before the others.
fn expand<'r>(scope: &mut Scope<'_, 'r>, x: &Value<'r>, target: &Value<'r>) -> Result<Value<'r>, String> {
    let size = |size: &i64| usize::try_from(*size).map_err(|_| format!("size {size} is negative"));
    let target = target.as_constant()?.as_integers()?.iter().map(size).collect::<Result<Vec<_>, _>>()?;
    let from = x.sizes();
    let rank = from.len().max(target.len());
    let wide = |sizes: &[usize]| [vec![1; rank - sizes.len()], sizes.to_vec()].concat();
    // A product with ones keeps every element.
    let ones: Vec<usize> =
        wide(&from).into_iter().zip(wide(&target)).map(|(from, to)| if from == 1 { to } else { 1 }).collect();
    if let Some(axis) =
        wide(&from).iter().zip(wide(&target)).position(|(from, to)| *from != 1 && to != 1 && *from != to)
    {
        return Err(format!("sizes {from:?} cannot be expanded to {target:?} along axis {axis}"));
    }
    let count = length(&ones).ok_or("the number of elements overflows")?;
    scope.limits.check(count)?;
    let ones = Value::computed(Tensor::floats(ones, vec![1.0; count]));
    let y = float_pair(scope, x, &ones, |x, ones| x * ones)?;
    Ok(if x.is_integer() { y.into_integers() } else { y })
}
