//! Softmax and log-softmax: along one axis since operator set 13, over all axes from one on before.

use super::attributes::{Operator, operator, read};
use super::inputs::input;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Scope, Value};

/// The operators and their attributes.
pub(super) const OPERATORS: &[Operator] =
    &[operator("LogSoftmax", 1, &[read("axis")]), operator("Softmax", 1, &[read("axis")])];

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    let x = scope.recorded(input(inputs, 0)?)?;
    let (sizes, modern) = (x.sizes(), node.version >= 13);
    let axis = order::axis(node.integer("axis", if modern { -1 } else { 1 })?, sizes.len())?;
    if modern || axis + 1 == sizes.len() {
        let place = x.order.iter().position(|stored| *stored == axis).unwrap_or(0) as isize;
        let y = if node.operator == "Softmax" { x.var.softmax_axis(place) } else { x.var.log_softmax_axis(place) };
        return Ok(vec![Value::with_order(y, x.order)]);
    }
    let x = scope.in_onnx_order(&Value::Recorded(x))?;
    let rows: usize = sizes[..axis].iter().product();
    let flat = x.reshape([rows, sizes[axis..].iter().product()]);
    let y = if node.operator == "Softmax" { flat.softmax() } else { flat.log_softmax() };
    Ok(vec![Value::new(y.reshape(x.shape()))])
}
