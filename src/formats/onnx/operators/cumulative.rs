//! Cumulative sums.

use super::attributes::{Operator, operator, read};
use super::inputs::input;
use crate::Shape;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Recorded, Scope, Value};
use crate::tape::Var;

/// The operators and their attributes.
pub(super) const OPERATORS: &[Operator] = &[operator("CumSum", 11, &[read("exclusive"), read("reverse")])];

/// Records `CumSum`. Each step adds the sums of twice as many elements.
pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    let x = input(inputs, 0)?;
    let &[axis] = input(inputs, 1)?.as_constant()?.as_integers()? else {
        return Err("the axis must be a single integer".into());
    };
    let order = match x {
        Value::Recorded(Recorded { order, .. }) => order.clone(),
        Value::Constant(..) => (0..x.sizes().len()).collect(),
    };
    let axis = order::axis(axis, order.len())?;
    let place = order.iter().position(|stored| *stored == axis).unwrap_or(0);
    let (exclusive, reverse) = (node.integer("exclusive", 0)? != 0, node.integer("reverse", 0)? != 0);
    let mut sums = scope.numbers(x, &order)?;
    let length = sums.shape().axis(place);
    if exclusive {
        sums = shifted(sums, place, 1, reverse)?;
    }
    let mut distance = 1;
    while distance < length {
        sums = sums + shifted(sums, place, distance, reverse)?;
        distance *= 2;
    }
    let y = Value::with_order(sums, order);
    Ok(vec![if x.is_integer() { y.into_integers() } else { y }])
}

/// Records a shift along an axis towards its end, or its beginning if `reverse`, with zeros in the free places.
fn shifted(x: Var<'_>, place: usize, distance: usize, reverse: bool) -> Result<Var<'_>, String> {
    let (mut around, mut starts) = (vec![[0; 2]; x.shape().rank()], vec![0; x.shape().rank()]);
    around[place][usize::from(reverse)] = distance;
    starts[place] = if reverse { distance } else { 0 };
    Ok(x.pad(&around, 0.0).slice(&starts, Shape::new(x.shape().sizes()).map_err(|error| error.to_string())?))
}
