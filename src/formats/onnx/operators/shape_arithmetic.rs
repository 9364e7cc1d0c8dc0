//! Operators on constant integers, with which exporters compute shapes. They are evaluated when the tape is recorded.

use super::attributes::{Operator, operator, read};
use super::inputs::{axes, input, optional};
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Scope, Value};
use crate::formats::onnx::tensor::{Tensor, length};

/// The operators and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    operator("ConstantOfShape", 9, &[read("value")]),
    operator("Shape", 1, &[read("start").since(15), read("end").since(15)]),
    operator("Size", 1, &[]),
];

/// Maximum length of a computed list of integers.
const MAX_LIST: usize = 1 << 16;

pub(super) fn record<'r>(
    node: &Node,
    _scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    let result = match node.operator.as_str() {
        "Shape" => shape(node, input(inputs, 0)?)?,
        "Gather" => gather(node, input(inputs, 0)?.as_constant()?, input(inputs, 1)?.as_constant()?)?,
        "Concat" => concat(node, inputs)?,
        "Slice" => slice(node, inputs)?,
        "Size" => {
            let count = length(&input(inputs, 0)?.sizes()).and_then(|count| i64::try_from(count).ok());
            Tensor::integers(vec![], vec![count.ok_or("the number of elements overflows")?])
        }
        "Pad" | "Split" => return Err("integer inputs are not supported".into()),
        _ => constant_of_shape(node, input(inputs, 0)?.as_constant()?)?,
    };
    let name = node.outputs.first().map_or("", String::as_str);
    Ok(vec![Value::folded(name, result, false)])
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

fn concat(node: &Node, inputs: &[Option<Value<'_>>]) -> Result<Tensor, String> {
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
    match all.len() {
        0..=MAX_LIST => Ok(Tensor::list(all)),
        longer => Err(format!("the output has {longer} integers, expected at most {MAX_LIST}")),
    }
}

fn slice(node: &Node, inputs: &[Option<Value<'_>>]) -> Result<Tensor, String> {
    let data = input(inputs, 0)?.as_constant()?;
    let values = data.as_integers()?;
    let step = optional(inputs, 4).map(|steps| steps.as_constant()?.as_integers()).transpose()?.unwrap_or(&[1]);
    let (starts, ends, axes) =
        (bounds(node, inputs, "starts", 1)?, bounds(node, inputs, "ends", 2)?, axes(node, inputs, 3)?);
    let ([start], [end], [1], 1) = (&starts[..], &ends[..], step, data.sizes.len()) else {
        return Err("integer inputs with other than one axis, and steps other than 1, are not supported".into());
    };
    axes.iter().flatten().try_for_each(|axis| order::axis(*axis, 1).map(|_| ()))?;
    let (start, end) = (bound(*start, values.len()), bound(*end, values.len()));
    Ok(Tensor::list(values[start..end.max(start)].to_vec()))
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

fn constant_of_shape(node: &Node, shape: &Tensor) -> Result<Tensor, String> {
    use crate::formats::onnx::node::Attribute;
    use crate::formats::onnx::tensor::Values;
    let size = |size: &i64| usize::try_from(*size).map_err(|_| format!("size {size} is negative"));
    let sizes = shape.as_integers()?.iter().map(size).collect::<Result<Vec<_>, _>>()?;
    let count = length(&sizes)
        .filter(|count| *count <= MAX_LIST)
        .ok_or_else(|| format!("a tensor of sizes {sizes:?} is too large"))?;
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
