//! Operators on constant integers, with which exporters compute shapes. They are evaluated when the tape is recorded.

use super::attributes::{Operator, ignored, operator, read};
use super::inputs::{axes, input, optional};
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Scope, Value};
use crate::formats::onnx::tensor::{Tensor, length};

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
        "Pad" | "Split" => return Err("integer inputs are not supported".into()),
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

fn gather(node: &Node, data: &Tensor, indices: &Tensor) -> Result<Tensor, String> {
    let (values, indices_list) = (data.as_integers()?, indices.as_integers()?);
    if data.sizes.len() != 1 || node.integer("axis", 0)? != 0 {
        return Err("integer inputs with more than one axis are not supported".into());
    }
    let pick = |index: &i64| order::axis(*index, values.len()).map(|at| values[at]);
    let picked = indices_list.iter().map(pick).collect::<Result<Vec<_>, _>>()?;
    Ok(Tensor::integers(indices.sizes.clone(), picked))
}

fn concat(node: &Node, scope: &Scope<'_, '_>, inputs: &[Option<Value<'_>>]) -> Result<Tensor, String> {
    let mut all = Vec::new();
    for number in 0..inputs.len() {
        let Value::Constant(_, part) = input(inputs, number)? else {
            return Err("integer inputs with other than one axis are not supported".into());
        };
        if part.tensor.sizes.len() != 1 {
            return Err("integer inputs with other than one axis are not supported".into());
        }
        all.extend_from_slice(part.tensor.as_integers()?);
    }
    order::axis(node.integer("axis", 0)?, 1)?;
    scope.limits.check(all.len())?;
    Ok(Tensor::list(all))
}

fn slice(node: &Node, inputs: &[Option<Value<'_>>]) -> Result<Tensor, String> {
    let data = input(inputs, 0)?.as_constant()?;
    let values = data.as_integers()?;
    let steps = optional(inputs, 4).map(|steps| steps.as_constant()?.as_integers()).transpose()?.unwrap_or(&[1]);
    let (starts, ends, axes) =
        (bounds(node, inputs, "starts", 1)?, bounds(node, inputs, "ends", 2)?, axes(node, inputs, 3)?);
    let ([start], [end], [step], 1) = (&starts[..], &ends[..], steps, data.sizes.len()) else {
        return Err("integer inputs with other than one axis are not supported".into());
    };
    axes.iter().flatten().try_for_each(|axis| order::axis(*axis, 1).map(|_| ()))?;
    Ok(Tensor::list(selected([*start, *end, *step], values.len())?.into_iter().map(|place| values[place]).collect()))
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
