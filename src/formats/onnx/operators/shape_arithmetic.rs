//! Operators on constant integers, with which exporters compute shapes. They are evaluated when the tape is recorded.

use super::attributes::{Operator, ignored, operator, read};
use super::inputs::{axes, input, optional};
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Scope, Value};
use crate::formats::onnx::tensor::{Tensor, length};
use ndarray::{ArrayViewD, Axis, IxDyn};

/// The operators and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    operator("ConstantOfShape", 9, &[read("value")]),
    operator("Range", 11, &[ignored("stash_type", "it affects only 16-bit floats").since(27)]),
    operator("Shape", 1, &[read("start").since(15), read("end").since(15)]),
    operator("Size", 1, &[]),
];

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    let result = match node.operator.as_str() {
        "Shape" => shape(node, input(inputs, 0)?)?,
        "Gather" => gather(node, input(inputs, 0)?.as_constant()?, input(inputs, 1)?.as_constant()?)?,
        "Concat" => concat(node, scope, inputs)?,
        "Range" => range(scope, inputs)?,
        "Slice" => slice(node, inputs)?,
        "Size" => {
            let count = length(&input(inputs, 0)?.sizes()).and_then(|count| i64::try_from(count).ok());
            Tensor::integers(vec![], vec![count.ok_or("the number of elements overflows")?])
        }
        "Split" => return split(node, inputs),
        _ => constant_of_shape(node, scope, input(inputs, 0)?.as_constant()?)?,
    };
    Ok(vec![Value::computed(result)])
}

fn shape(node: &Node, x: &Value<'_>) -> Result<Tensor, String> {
    let sizes: Vec<i64> = x.sizes().iter().map(|size| *size as i64).collect();
    let [start, end] =
        [node.integer("start", 0)?, node.integer("end", i64::MAX)?].map(|place| bound(place, sizes.len()));
    Ok(Tensor::list(sizes[start..end.max(start)].to_vec()))
}

/// The elements of a tensor of integers.
fn integers(tensor: &Tensor) -> Result<ArrayViewD<'_, i64>, String> {
    ArrayViewD::from_shape(IxDyn(&tensor.sizes), tensor.as_integers()?).map_err(|error| error.to_string())
}

fn gather(node: &Node, data: &Tensor, indices: &Tensor) -> Result<Tensor, String> {
    let (values, sizes) = (integers(data)?, &data.sizes);
    let axis = order::axis(node.integer("axis", 0)?, sizes.len())?;
    let places = indices.as_integers()?.iter().map(|index| order::axis(*index, sizes[axis]));
    let picked = values.select(Axis(axis), &places.collect::<Result<Vec<_>, _>>()?);
    let sizes = [&sizes[..axis], &indices.sizes, &sizes[axis + 1..]].concat();
    Ok(Tensor::integers(sizes, picked.iter().copied().collect()))
}

fn concat(node: &Node, scope: &Scope<'_, '_>, inputs: &[Option<Value<'_>>]) -> Result<Tensor, String> {
    let (mut parts, mut length) = (Vec::new(), 0usize);
    for number in 0..inputs.len() {
        let part = input(inputs, number)?.as_constant()?;
        length = length.saturating_add(part.len());
        parts.push(integers(part)?);
    }
    scope.limits.check(length)?;
    let rank = parts.first().map_or(0, |part| part.ndim());
    let axis = order::axis(node.integer("axis", 0)?, rank)?;
    let wrong = "its inputs have shapes that do not fit";
    if parts.iter().any(|part| part.ndim() != rank) {
        return Err(wrong.into());
    }
    let all = ndarray::concatenate(Axis(axis), &parts).map_err(|_| wrong)?;
    Ok(Tensor::from_integers(&*all))
}

fn slice(node: &Node, inputs: &[Option<Value<'_>>]) -> Result<Tensor, String> {
    let mut values = integers(input(inputs, 0)?.as_constant()?)?.to_owned();
    let (starts, ends) = (bounds(node, inputs, "starts", 1)?, bounds(node, inputs, "ends", 2)?);
    let axes = axes(node, inputs, 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = match optional(inputs, 4) {
        Some(steps) => steps.as_constant()?.as_integers()?.to_vec(),
        None => vec![1; starts.len()],
    };
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err("starts, ends, axes and steps must have equal lengths".into());
    }
    for (number, axis) in axes.iter().enumerate() {
        let axis = order::axis(*axis, values.ndim())?;
        let places = selected([starts[number], ends[number], steps[number]], values.len_of(Axis(axis)))?;
        values = values.select(Axis(axis), &places);
    }
    Ok(Tensor::from_integers(&*values))
}

fn split<'r>(node: &Node, inputs: &[Option<Value<'r>>]) -> Result<Vec<Value<'r>>, String> {
    let data = input(inputs, 0)?.as_constant()?;
    let (values, axis) = (integers(data)?, order::axis(node.integer("axis", 0)?, data.sizes.len())?);
    let (mut start, mut parts) = (0, Vec::new());
    for size in part_sizes(node, inputs, data.sizes[axis])? {
        let part = values.slice_axis(Axis(axis), (start..start + size).into());
        parts.push(Value::computed(Tensor::from_integers(&*part.to_owned())));
        start += size;
    }
    Ok(parts)
}

/// The sizes of the parts of a `Split` along an axis of this length, whose sum is the length.
pub(super) fn part_sizes(node: &Node, inputs: &[Option<Value<'_>>], length: usize) -> Result<Vec<usize>, String> {
    let count = node.outputs.len();
    let declared = node.integer("num_outputs", count as i64)?;
    if declared != count as i64 {
        return Err(format!("num_outputs is {declared}, expected {count}, the number of outputs"));
    }
    let sizes = match optional(inputs, 1) {
        Some(value) => value.as_constant()?.as_integers()?.to_vec(),
        None => match node.integers("split")? {
            Some(sizes) => sizes.to_vec(),
            None => {
                let each = length.div_ceil(count.max(1));
                (0..count).map(|part| each.min(length.saturating_sub(part * each)) as i64).collect()
            }
        },
    };
    let known = sizes.iter().map(|size| usize::try_from(*size).ok()).collect::<Option<Vec<_>>>();
    let sum = known.iter().flatten().try_fold(0usize, |sum, size| sum.checked_add(*size));
    known.filter(|known| known.len() == count && sum == Some(length)).ok_or_else(|| {
        format!("split sizes {sizes:?} do not match the axis size {length} and {count} as the number of outputs")
    })
}

/// Reads integers that are an attribute in older versions of an operator and an input in newer ones.
pub(super) fn bounds(node: &Node, inputs: &[Option<Value<'_>>], name: &str, number: usize) -> Result<Vec<i64>, String> {
    match optional(inputs, number) {
        Some(value) => value.as_constant()?.as_integers().map(<[i64]>::to_vec),
        None => Ok(node.integers(name)?.ok_or_else(|| format!("{name} are missing"))?.to_vec()),
    }
}

/// Resolves an index on an axis, which counts from the end if negative, and clamps it to the axis.
pub(super) fn bound(number: i64, length: usize) -> usize {
    let length = length as i64;
    (if number < 0 { number.saturating_add(length) } else { number }).clamp(0, length) as usize
}

/// The places on an axis that `Slice` selects with this start, end and step.
pub(super) fn selected([start, end, step]: [i64; 3], length: usize) -> Result<Vec<usize>, String> {
    let length = length as i64;
    let from_end = |place: i64| if place < 0 { place.saturating_add(length) } else { place };
    let (start, end) = (from_end(start), from_end(end));
    let stride = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
    Ok(match step {
        0 => return Err("steps must not be 0".into()),
        1.. => (start.clamp(0, length)..end.clamp(0, length)).step_by(stride).map(|place| place as usize).collect(),
        // The end, which is left out, is −1 if the first element is selected.
        _ => (end.clamp(-1, length - 1) + 1..start.clamp(-1, length - 1) + 1)
            .rev()
            .step_by(stride)
            .map(|place| place as usize)
            .collect(),
    })
}

/// Computes `Range`: start, start + delta, … before the limit.
fn range(scope: &Scope<'_, '_>, inputs: &[Option<Value<'_>>]) -> Result<Tensor, String> {
    let [start, limit, delta] = [0, 1, 2].map(|number| input(inputs, number).and_then(Value::as_constant));
    let (start, limit, delta) = (start?, limit?, delta?);
    if [start, limit, delta].iter().any(|tensor| tensor.len() != 1) {
        return Err("start, limit and delta must be single numbers".into());
    }
    let count = |count: f64| match count.is_finite() {
        true => scope.limits.check(count.max(0.0) as usize).map(|()| count.max(0.0) as usize),
        false => Err("delta must not be 0".to_owned()),
    };
    if let (Ok([start]), Ok([limit]), Ok([delta])) = (start.as_integers(), limit.as_integers(), delta.as_integers()) {
        let count = count(((*limit as f64 - *start as f64) / *delta as f64).ceil())?;
        return Ok(Tensor::list((0..count as i64).map(|at| start.wrapping_add(at.wrapping_mul(*delta))).collect()));
    }
    let [start, limit, delta] = [start, limit, delta].map(|tensor| tensor.to_floats()[0]);
    let count = count((f64::from(limit - start) / f64::from(delta)).ceil())?;
    Ok(Tensor::floats(vec![count], (0..count).map(|at| start + at as f32 * delta).collect()))
}

fn constant_of_shape(node: &Node, scope: &Scope<'_, '_>, shape: &Tensor) -> Result<Tensor, String> {
    use crate::formats::onnx::node::Attribute;
    use crate::formats::onnx::tensor::Values;
    let size = |size: &i64| usize::try_from(*size).map_err(|_| format!("size {size} is negative"));
    let sizes = shape.as_integers()?.iter().map(size).collect::<Result<Vec<_>, _>>()?;
    let count = length(&sizes).ok_or_else(|| format!("the number of elements of sizes {sizes:?} overflows"))?;
    scope.limits.check(count)?;
    let values = match node.attributes.get("value") {
        None => Values::Floats(vec![0.0; count]),
        Some(Attribute::Tensor(Tensor { values: Values::Floats(one), .. })) if one.len() == 1 => {
            Values::Floats(vec![one[0]; count])
        }
        Some(Attribute::Tensor(Tensor { values: Values::Integers(one), .. })) if one.len() == 1 => {
            Values::Integers(vec![one[0]; count])
        }
        Some(_) => return Err("its value must be a single number".into()),
    };
    Ok(Tensor { sizes, values })
}
