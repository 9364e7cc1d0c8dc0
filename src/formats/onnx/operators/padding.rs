//! The operator `Pad`: attributes before operator set 11, inputs since.

use super::attributes::{Operator, operator, read};
use super::inputs::{axes, input, optional};
use super::shape_arithmetic;
use crate::Shape;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Recorded, Scope, Value};
use crate::tape::Var;

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
    let data = input(inputs, 0)?;
    let x = scope.recorded_numbers(data)?;
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
    let (mut around, mut cut) = (vec![[0; 2]; rank], vec![[0; 2]; rank]);
    for (number, axis) in named.iter().enumerate() {
        let pair = [pads[number], pads[named.len() + number]];
        if pair.iter().any(|pad| pad.unsigned_abs() >= 1 << 24) {
            return Err(format!("pads must be between −2²⁴ and 2²⁴, got {pads:?}"));
        }
        let axis = order::axis(*axis, rank)?;
        around[axis] = pair.map(|pad| pad.max(0) as usize);
        cut[axis] = pair.map(|pad| (-pad).max(0) as usize);
    }
    let stored: Vec<[usize; 2]> = x.order.iter().map(|axis| around[*axis]).collect();
    let mut y = cropped(&x, &cut)?;
    let finished = |y: Var<'r>| {
        let y = Value::with_order(y, x.order.clone());
        vec![if data.is_integer() { y.into_integers() } else { y }]
    };
    if mode == "constant" {
        return Ok(finished(if around.iter().all(|pads| *pads == [0, 0]) { y } else { y.pad(&stored, value) }));
    }
    for (place, [before, after]) in stored.into_iter().enumerate().filter(|(_, around)| *around != [0, 0]) {
        let size = y.shape().axis(place);
        scope.limits.check((y.shape().len() / size).saturating_mul(before + size + after))?;
        scope.limits.spend_terms(before + size + after, 1)?;
        let (first, size) = (-(before as i64), size as i64);
        let places = (first..size + after as i64).map(|place| vec![(source(place, size) as usize, 1.0)]);
        y = y.resample(place as isize, places.collect());
    }
    Ok(finished(y))
}

/// Removes these numbers of elements before and after along each axis of ONNX, which negative pads specify.
fn cropped<'r>(x: &Recorded<'r>, cut: &[[usize; 2]]) -> Result<Var<'r>, String> {
    let cut: Vec<[usize; 2]> = x.order.iter().map(|axis| cut[*axis]).collect();
    if cut.iter().all(|pair| *pair == [0, 0]) {
        return Ok(x.var);
    }
    let left =
        |(size, [before, after]): (&usize, &[usize; 2])| size.checked_sub(before + after).filter(|size| *size > 0);
    let sizes = x.var.shape().sizes().iter().zip(&cut).map(left).collect::<Option<Vec<_>>>();
    let sizes = sizes.ok_or_else(|| format!("negative pads leave no elements of sizes {:?}", x.sizes()))?;
    let starts: Vec<usize> = cut.iter().map(|[before, _]| *before).collect();
    Ok(x.var.slice(&starts, Shape::new(&sizes).map_err(|error| error.to_string())?))
}
