//! Operators that concatenate, slice, split or index arrays. On constant integers they compute shapes.

use super::attributes::{Operator, operator, read};
use super::inputs::{axes, input, optional};
use super::shape_arithmetic;
use crate::Shape;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Recorded, Scope, Value, arrange};
use crate::formats::onnx::tensor::{Tensor, Values};
use crate::tape::Var;

/// The operators and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    operator("Concat", 1, &[read("axis")]),
    operator("Gather", 1, &[read("axis")]),
    operator("Slice", 1, &[read("axes").until(9), read("ends").until(9), read("starts").until(9)]),
    // In earlier sets, the sizes could also be an input.
    operator("Split", 2, &[read("axis"), read("split").until(12), read("num_outputs").since(18)]),
];

/// Maximum number of constant indices of `Gather` that are recorded as one slice each.
const MAX_SLICES: usize = 64;

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    if are_constant_integers(inputs) {
        return shape_arithmetic::record(node, scope, inputs);
    }
    match node.operator.as_str() {
        "Concat" => Ok(vec![concat(node, scope, inputs)?]),
        "Gather" => Ok(vec![gather(node, scope, inputs)?]),
        "Slice" => Ok(vec![slice(node, scope, inputs)?]),
        _ => split(node, scope, inputs),
    }
}

/// Whether all inputs are constant integers.
fn are_constant_integers(inputs: &[Option<Value<'_>>]) -> bool {
    let integer =
        |value: &Value<'_>| value.as_constant().is_ok_and(|tensor| matches!(tensor.values, Values::Integers(_)));
    inputs.iter().flatten().all(integer)
}

fn concat<'r>(node: &Node, scope: &mut Scope<'_, 'r>, inputs: &[Option<Value<'r>>]) -> Result<Value<'r>, String> {
    let first = input(inputs, 0)?;
    let rank = first.sizes().len();
    let axis = order::axis(node.integer("axis", 1)?, rank)?;
    let recorded = inputs.iter().flatten().find_map(|value| match value {
        Value::Recorded(recorded) => Some(recorded.order.clone()),
        Value::Constant(..) => None,
    });
    let order = recorded.filter(|order| order.len() == rank).unwrap_or_else(|| (0..rank).collect());
    let count = 0..inputs.len();
    let all = count.map(|number| scope.numbers(input(inputs, number)?, &order)).collect::<Result<Vec<_>, String>>()?;
    let place = order.iter().position(|stored| *stored == axis).unwrap_or(0);
    let y = Value::with_order(all[0].concatenate(&all[1..], place as isize), order);
    Ok(if first.is_integer() { y.into_integers() } else { y })
}

/// Records `Gather`: rows of a table by computed indices, or slices along an axis by constant indices.
fn gather<'r>(node: &Node, scope: &mut Scope<'_, 'r>, inputs: &[Option<Value<'r>>]) -> Result<Value<'r>, String> {
    let (data, indices) = (input(inputs, 0)?, input(inputs, 1)?);
    let rank = data.sizes().len();
    let axis = order::axis(node.integer("axis", 0)?, rank)?;
    match indices {
        Value::Recorded(Recorded { integer: false, .. }) => Err("indices must be integers".into()),
        Value::Recorded(indices) if axis == 0 && rank == 2 => {
            let plain: Vec<usize> = (0..indices.order.len()).collect();
            let table = scope.numbers(data, &[0, 1])?;
            let (indices, zero) = (arrange(indices, &plain)?, number(scope, 0.0)?);
            let rows = table.shape().axis(0) as f32;
            let y = Value::new((indices + indices.less(zero) * rows).embedding(table));
            Ok(if data.is_integer() { y.into_integers() } else { y })
        }
        Value::Recorded(indices) => {
            let plain: Vec<usize> = (0..indices.order.len()).collect();
            let (indices, length) = (arrange(indices, &plain)?, data.sizes()[axis]);
            // Negative indices count from the end.
            let zero = number(scope, 0.0)?;
            take(scope, data, axis, indices + indices.less(zero) * length as f32)
        }
        Value::Constant(_, constant) => {
            let length = data.sizes()[axis];
            let places = constant.tensor.as_integers()?.iter().map(|index| order::axis(*index, length));
            let places = places.collect::<Result<Vec<_>, _>>()?;
            if places.is_empty() {
                return Err("it has no indices".into());
            }
            if places.len() > MAX_SLICES || data.is_integer() {
                let indices =
                    Tensor::floats(constant.tensor.sizes.clone(), places.iter().map(|at| *at as f32).collect());
                let indices = scope.in_onnx_order(&Value::computed(indices))?;
                return take(scope, data, axis, indices);
            }
            let x = scope.in_onnx_order(data)?;
            let parts = places.iter().map(|place| slice_axis(x, axis, *place, 1)).collect::<Result<Vec<_>, _>>()?;
            let all = if parts.len() == 1 { parts[0] } else { parts[0].concatenate(&parts[1..], axis as isize) };
            let sizes = data.sizes();
            let sizes = [&sizes[..axis], &constant.tensor.sizes, &sizes[axis + 1..]].concat();
            Ok(Value::new(all.reshape(Shape::new(&sizes).map_err(|error| error.to_string())?)))
        }
    }
}

/// Returns a single number as a value of the tape.
fn number<'r>(scope: &mut Scope<'_, 'r>, value: f32) -> Result<Var<'r>, String> {
    scope.in_onnx_order(&Value::computed(Tensor::floats(Vec::new(), vec![value])))
}

/// Records a lookup of the elements with these indices along an axis, as rows of a table.
fn take<'r>(scope: &mut Scope<'_, 'r>, data: &Value<'r>, axis: usize, indices: Var<'r>) -> Result<Value<'r>, String> {
    let (sizes, count) = (data.sizes(), indices.shape().rank());
    let others = || (0..sizes.len()).filter(|other| *other != axis);
    let order: Vec<usize> = [axis].into_iter().chain(others()).collect();
    let columns: usize = others().map(|other| sizes[other]).product();
    let table = scope.numbers(data, &order)?.reshape([sizes[axis], columns]);
    let stored: Vec<usize> =
        indices.shape().sizes().iter().copied().chain(others().map(|other| sizes[other])).collect();
    let y = indices.embedding(table).reshape(Shape::new(&stored).map_err(|error| error.to_string())?);
    // The axes of the indices replace the axis, and are stored first.
    let moved = |other: usize| if other < axis { other } else { other + count - 1 };
    let order: Vec<usize> = (axis..axis + count).chain(others().map(moved)).collect();
    let plain: Vec<usize> = (0..order.len()).collect();
    let y = Value::new(arrange(&Recorded::with_order(y, order), &plain)?);
    Ok(if data.is_integer() { y.into_integers() } else { y })
}

/// Records a slice of `count` elements of an axis, starting at `start`.
pub(super) fn slice_axis(x: Var<'_>, axis: usize, start: usize, count: usize) -> Result<Var<'_>, String> {
    let mut starts = vec![0; x.shape().rank()];
    starts[axis] = start;
    let mut sizes = x.shape().sizes().to_vec();
    sizes[axis] = count;
    Ok(x.slice(&starts, Shape::new(&sizes).map_err(|error| error.to_string())?))
}

fn slice<'r>(node: &Node, scope: &mut Scope<'_, 'r>, inputs: &[Option<Value<'r>>]) -> Result<Value<'r>, String> {
    let data = input(inputs, 0)?;
    let sizes = data.sizes();
    let [starts, ends] =
        [shape_arithmetic::bounds(node, inputs, "starts", 1)?, shape_arithmetic::bounds(node, inputs, "ends", 2)?];
    let axes = axes(node, inputs, 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = optional(inputs, 4).map(|steps| steps.as_constant()?.as_integers()).transpose()?;
    let steps = steps.map_or_else(|| vec![1; axes.len()], <[i64]>::to_vec);
    if [starts.len(), ends.len(), steps.len()] != [axes.len(); 3] {
        return Err(format!(
            "the lengths of starts, ends, axes and steps must be equal, got {}, {}, {} and {}",
            starts.len(),
            ends.len(),
            axes.len(),
            steps.len()
        ));
    }
    let (mut from, mut kept, mut strided) = (vec![0; sizes.len()], sizes.clone(), Vec::new());
    for (at, axis) in axes.iter().enumerate() {
        let axis = order::axis(*axis, sizes.len())?;
        if steps[at] != 1 {
            strided.push((axis, shape_arithmetic::selected([starts[at], ends[at], steps[at]], sizes[axis])?));
            continue;
        }
        let [start, end] = [starts[at], ends[at]].map(|bound| shape_arithmetic::bound(bound, sizes[axis]));
        (from[axis], kept[axis]) = (start, end.saturating_sub(start));
    }
    let mut y = if kept == sizes { data.clone() } else { contiguous(scope, data, &from, &kept)? };
    for (axis, places) in strided {
        let indices = Tensor::floats(vec![places.len()], places.iter().map(|place| *place as f32).collect());
        let indices = scope.in_onnx_order(&Value::computed(indices))?;
        y = take(scope, &y, axis, indices)?;
    }
    Ok(y)
}

/// Records a slice of these sizes, starting at these indices.
fn contiguous<'r>(
    scope: &mut Scope<'_, 'r>,
    data: &Value<'r>,
    from: &[usize],
    kept: &[usize],
) -> Result<Value<'r>, String> {
    let x = scope.recorded_numbers(data)?;
    let stored = |sizes: &[usize]| x.order.iter().map(|axis| sizes[*axis]).collect::<Vec<_>>();
    let size = Shape::new(&stored(kept)).map_err(|error| error.to_string())?;
    let y = Value::with_order(x.var.slice(&stored(from), size), x.order.clone());
    Ok(if data.is_integer() { y.into_integers() } else { y })
}

/// Records `Split`: parts of given or of equal sizes, one for each output.
fn split<'r>(node: &Node, scope: &mut Scope<'_, 'r>, inputs: &[Option<Value<'r>>]) -> Result<Vec<Value<'r>>, String> {
    let data = input(inputs, 0)?;
    let x = scope.recorded_numbers(data)?;
    let axis = order::axis(node.integer("axis", 0)?, x.order.len())?;
    let place = x.order.iter().position(|stored| *stored == axis).unwrap_or(0);
    let (mut start, mut parts) = (0, Vec::new());
    for size in shape_arithmetic::part_sizes(node, inputs, x.sizes()[axis])? {
        let part = Value::with_order(slice_axis(x.var, place, start, size)?, x.order.clone());
        parts.push(if data.is_integer() { part.into_integers() } else { part });
        start += size;
    }
    Ok(parts)
}
