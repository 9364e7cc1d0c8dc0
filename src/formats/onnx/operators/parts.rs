//! Operators that put arrays together or take parts of them; on whole numbers that are known they compute shapes.

use super::attributes::{Operator, operator, read};
use super::inputs::{axes, input, optional};
use super::known;
use crate::Shape;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Recorded, Scope, Value, arrange};
use crate::formats::onnx::tensor::Values;
use crate::tape::Var;

/// The operators, and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    operator("Concat", 1, &[read("axis")]),
    operator("Gather", 1, &[read("axis")]),
    // Before, the padding had another name.
    operator("Pad", 2, &[read("mode"), read("pads").until(10), read("value").until(10)]),
    operator("Slice", 1, &[read("axes").until(9), read("ends").until(9), read("starts").until(9)]),
    // Before, the sizes could be an input as well.
    operator("Split", 2, &[read("axis"), read("split").until(12), read("num_outputs").since(18)]),
];

/// The most places along an axis that are gathered one by one.
const MOST_GATHERED: usize = 64;

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    if whole_and_known(inputs) {
        return known::record(node, scope, inputs);
    }
    match node.operator.as_str() {
        "Concat" => Ok(vec![concat(node, scope, inputs)?]),
        "Gather" => Ok(vec![gather(node, scope, inputs)?]),
        "Pad" => Ok(vec![pad(node, scope, inputs)?]),
        "Slice" => Ok(vec![slice(node, scope, inputs)?]),
        _ => split(node, scope, inputs),
    }
}

/// Whether there is nothing to record.
fn whole_and_known(inputs: &[Option<Value<'_>>]) -> bool {
    let whole = |value: &Value<'_>| value.known().is_ok_and(|tensor| matches!(tensor.values, Values::Integers(_)));
    inputs.iter().flatten().all(whole)
}

fn concat<'r>(node: &Node, scope: &mut Scope<'_, 'r>, inputs: &[Option<Value<'r>>]) -> Result<Value<'r>, String> {
    let first = input(inputs, 0)?;
    let rank = first.sizes().len();
    let axis = order::axis(node.integer("axis", 1)?, rank)?;
    let recorded = inputs.iter().flatten().find_map(|value| match value {
        Value::Recorded(recorded) => Some(recorded.order.clone()),
        Value::Known(..) => None,
    });
    let order = recorded.filter(|order| order.len() == rank).unwrap_or_else(|| (0..rank).collect());
    let count = 0..inputs.len();
    let all = count.map(|number| scope.arranged(input(inputs, number)?, &order)).collect::<Result<Vec<_>, String>>()?;
    let place = order.iter().position(|lying| *lying == axis).unwrap_or(0);
    Ok(Value::lying(all[0].concatenate(&all[1..], place as isize), order))
}

/// Rows of a table by computed indices, or known places along an axis.
fn gather<'r>(node: &Node, scope: &mut Scope<'_, 'r>, inputs: &[Option<Value<'r>>]) -> Result<Value<'r>, String> {
    let (data, indices) = (input(inputs, 0)?, input(inputs, 1)?);
    let rank = data.sizes().len();
    let axis = order::axis(node.integer("axis", 0)?, rank)?;
    match indices {
        Value::Recorded(Recorded { whole: false, .. }) => Err("indices that are floats".into()),
        Value::Recorded(indices) if axis == 0 && rank == 2 => {
            let plain: Vec<usize> = (0..indices.order.len()).collect();
            let table = scope.plain(data)?;
            Ok(Value::new(arrange(indices, &plain)?.embedding(table)))
        }
        Value::Recorded(_) => Err("computed indices are supported into the rows of a table alone".into()),
        Value::Known(_, constant) => {
            let length = data.sizes()[axis];
            let places = constant.tensor.as_integers()?.iter().map(|index| order::axis(*index, length));
            let places = places.collect::<Result<Vec<_>, _>>()?;
            let x = scope.plain(data)?;
            if places.is_empty() || places.len() > MOST_GATHERED {
                return Err(format!("{} places of an axis, expected at most {MOST_GATHERED}", places.len()));
            }
            let parts = places.iter().map(|place| part(x, axis, *place, 1)).collect::<Result<Vec<_>, _>>()?;
            let all = if parts.len() == 1 { parts[0] } else { parts[0].concatenate(&parts[1..], axis as isize) };
            let sizes = data.sizes();
            let sizes = [&sizes[..axis], &constant.tensor.sizes, &sizes[axis + 1..]].concat();
            Ok(Value::new(all.reshape(Shape::new(&sizes).map_err(|error| error.to_string())?)))
        }
    }
}

/// So many places of an axis from one on.
fn part(x: Var<'_>, axis: usize, start: usize, count: usize) -> Result<Var<'_>, String> {
    let mut starts = vec![0; x.shape().rank()];
    starts[axis] = start;
    let mut sizes = x.shape().sizes().to_vec();
    sizes[axis] = count;
    Ok(x.slice(&starts, Shape::new(&sizes).map_err(|error| error.to_string())?))
}

fn slice<'r>(node: &Node, scope: &mut Scope<'_, 'r>, inputs: &[Option<Value<'r>>]) -> Result<Value<'r>, String> {
    let x = scope.recorded(input(inputs, 0)?)?;
    let sizes = x.sizes();
    let [starts, ends] = [known::bounds(node, inputs, "starts", 1)?, known::bounds(node, inputs, "ends", 2)?];
    let axes = axes(node, inputs, 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = optional(inputs, 4).map(|steps| steps.known()?.as_integers()).transpose()?;
    if steps.is_some_and(|steps| steps.iter().any(|step| *step != 1)) {
        return Err("steps other than 1 are not supported".into());
    }
    if starts.len() != axes.len() || ends.len() != axes.len() {
        return Err(format!("{} starts and {} ends for {} axes", starts.len(), ends.len(), axes.len()));
    }
    let (mut from, mut kept) = (vec![0; sizes.len()], sizes.clone());
    for (axis, (start, end)) in axes.iter().zip(starts.iter().zip(&ends)) {
        let axis = order::axis(*axis, sizes.len())?;
        let [start, end] = [*start, *end].map(|bound| known::bound(bound, sizes[axis]));
        (from[axis], kept[axis]) = (start, end.saturating_sub(start));
    }
    let lying = |sizes: &[usize]| x.order.iter().map(|axis| sizes[*axis]).collect::<Vec<_>>();
    let size = Shape::new(&lying(&kept)).map_err(|error| error.to_string())?;
    Ok(Value::lying(x.var.slice(&lying(&from), size), x.order))
}

/// Parts of given or of equal sizes, one for each output.
fn split<'r>(node: &Node, scope: &mut Scope<'_, 'r>, inputs: &[Option<Value<'r>>]) -> Result<Vec<Value<'r>>, String> {
    let x = scope.recorded(input(inputs, 0)?)?;
    let axis = order::axis(node.integer("axis", 0)?, x.order.len())?;
    let (length, count) = (x.sizes()[axis], node.outputs.len());
    let said = node.integer("num_outputs", count as i64)?;
    if said != count as i64 {
        return Err(format!("num_outputs is {said}, and it has {count} outputs"));
    }
    let sizes = match optional(inputs, 1) {
        Some(value) => value.known()?.as_integers()?.to_vec(),
        None => match node.integers("split")? {
            Some(sizes) => sizes.to_vec(),
            None => {
                let each = length.div_ceil(count.max(1));
                (0..count).map(|part| each.min(length.saturating_sub(part * each)) as i64).collect()
            }
        },
    };
    let place = x.order.iter().position(|lying| *lying == axis).unwrap_or(0);
    let (mut start, mut parts) = (0usize, Vec::new());
    for size in sizes.iter().take(count) {
        let size = usize::try_from(*size).ok().filter(|size| start.saturating_add(*size) <= length);
        let size = size.ok_or_else(|| format!("parts of {sizes:?} of an axis of {length}"))?;
        parts.push(Value::lying(part(x.var, place, start, size)?, x.order.clone()));
        start += size;
    }
    if parts.len() != count || start != length {
        return Err(format!("{count} parts of {sizes:?} of an axis of {length}"));
    }
    Ok(parts)
}

/// A constant around an array. Attributes before version 11, inputs since.
fn pad<'r>(node: &Node, scope: &mut Scope<'_, 'r>, inputs: &[Option<Value<'r>>]) -> Result<Value<'r>, String> {
    let mode = node.text("mode", "constant")?;
    if mode != "constant" {
        return Err(format!("mode {mode} is not supported"));
    }
    let x = scope.recorded(input(inputs, 0)?)?;
    let rank = x.order.len();
    let pads = known::bounds(node, inputs, "pads", 1)?;
    let value = match optional(inputs, 2) {
        Some(value) => value.known()?.to_floats().first().copied().ok_or("no value to pad with")?,
        None => node.number("value", 0.0)?,
    };
    let named = axes(node, inputs, 3)?.unwrap_or_else(|| (0..rank as i64).collect());
    if pads.len() != 2 * named.len() {
        return Err(format!("{} pads for {} axes", pads.len(), named.len()));
    }
    let mut around = vec![[0; 2]; rank];
    for (number, axis) in named.iter().enumerate() {
        let pair = [pads[number], pads[named.len() + number]];
        let size = |pad: i64| usize::try_from(pad).ok().filter(|pad| *pad < 1 << 24);
        let [Some(before), Some(after)] = pair.map(size) else { return Err(format!("pads {pads:?}")) };
        around[order::axis(*axis, rank)?] = [before, after];
    }
    let lying: Vec<[usize; 2]> = x.order.iter().map(|axis| around[*axis]).collect();
    Ok(Value::lying(x.var.pad(&lying, value), x.order))
}
