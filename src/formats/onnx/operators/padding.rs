//! The operator `Pad`: attributes before operator set 11, inputs since.

use super::attributes::{Operator, operator, read};
use super::inputs::{axes, input, optional};
use super::shape_arithmetic;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Scope, Value};

/// The operators and their attributes. In earlier sets, the padding has another name.
pub(super) const OPERATORS: &[Operator] =
    &[operator("Pad", 2, &[read("mode"), read("pads").until(10), read("value").until(10)])];

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    let mode = node.text("mode", "constant")?;
    // The number of the element at a position, which counts from the first element of the axis.
    let source: fn(i64, i64) -> i64 = match mode {
        "constant" | "edge" => |place, size| place.clamp(0, size - 1),
        "reflect" => |place, size| {
            let period = (2 * size - 2).max(1);
            let place = place.rem_euclid(period);
            place.min(period - place)
        },
        "wrap" => |place, size| place.rem_euclid(size),
        other => return Err(format!("mode {other} is not supported")),
    };
    let x = scope.recorded(input(inputs, 0)?)?;
    let rank = x.order.len();
    let pads = shape_arithmetic::bounds(node, inputs, "pads", 1)?;
    let value = match optional(inputs, 2) {
        Some(value) => value.as_constant()?.to_floats().first().copied().ok_or("the value of the padding is empty")?,
        None => node.number("value", 0.0)?,
    };
    let named = axes(node, inputs, 3)?.unwrap_or_else(|| (0..rank as i64).collect());
    if pads.len() != 2 * named.len() {
        return Err(format!("the number of pads is {}, expected two for each axis in {:?}", pads.len(), named));
    }
    let mut around = vec![[0; 2]; rank];
    for (number, axis) in named.iter().enumerate() {
        let pair = [pads[number], pads[named.len() + number]];
        let size = |pad: i64| usize::try_from(pad).ok().filter(|pad| *pad < 1 << 24);
        let [Some(before), Some(after)] = pair.map(size) else {
            return Err(format!("pads must be from 0 to 2²⁴ − 1, got {pads:?}"));
        };
        around[order::axis(*axis, rank)?] = [before, after];
    }
    let stored: Vec<[usize; 2]> = x.order.iter().map(|axis| around[*axis]).collect();
    if mode == "constant" {
        return Ok(vec![Value::with_order(x.var.pad(&stored, value), x.order)]);
    }
    let mut y = x.var;
    for (place, [before, after]) in stored.into_iter().enumerate().filter(|(_, around)| *around != [0, 0]) {
        let size = y.shape().axis(place);
        scope.limits.check((y.shape().len() / size).saturating_mul(before + size + after))?;
        let (first, size) = (-(before as i64), size as i64);
        let places = (first..size + after as i64).map(|place| vec![(source(place, size) as usize, 1.0)]);
        y = y.resample(place as isize, places.collect());
    }
    Ok(vec![Value::with_order(y, x.order)])
}
