//! Operators on single elements, and softmax.

use super::{Node, Scope, Value, input};
use crate::formats::onnx::order;
use crate::formats::onnx::scope::Recorded;
use crate::tape::Var;

pub(super) const NAMES: &[&str] = &["Neg", "Relu", "Sigmoid", "Tanh", "Softmax"];

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    let x = scope.recorded(input(inputs, 0)?)?;
    let y = match node.operator.as_str() {
        "Neg" => x.map(|x| -x),
        "Relu" => x.map(Var::relu),
        "Sigmoid" => x.map(Var::sigmoid),
        "Tanh" => x.map(Var::tanh),
        _ => softmax(node, scope, x, Var::softmax)?,
    };
    Ok(vec![y])
}

/// Along one axis; before version 13 along all axes from one on.
fn softmax<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    x: Recorded<'r>,
    operation: impl FnOnce(Var<'r>) -> Var<'r>,
) -> Result<Value<'r>, String> {
    let (sizes, modern) = (x.sizes(), node.version >= 13);
    let axis = order::axis(node.integer("axis", if modern { -1 } else { 1 })?, sizes.len())?;
    if modern || axis + 1 == sizes.len() {
        let order = order::last(&x.order, axis);
        let var = operation(scope.arranged(&Value::Recorded(x), &order)?);
        return Ok(Value::Recorded(Recorded { var, order }));
    }
    let x = scope.plain(&Value::Recorded(x))?;
    let rows: usize = sizes[..axis].iter().product();
    let y = operation(x.reshape([rows, sizes[axis..].iter().product()]));
    Ok(Value::new(y.reshape(x.shape())))
}
