//! Operators that change shapes, axes or types.

use super::attributes::{CONSUMED, Operator, ignored, only, operator, read, training};
use super::inputs::{axes, input, optional};
use super::normalization::INFERENCE;
use crate::Shape;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::proto::element;
use crate::formats::onnx::scope::{Recorded, Scope, Value};
use crate::tape::Var;

/// The operators and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    // In earlier sets, the shape is an attribute.
    operator("Reshape", 5, &[read("allowzero").since(14)]),
    operator("Flatten", 1, &[read("axis")]),
    operator("Squeeze", 1, &[read("axes").until(12)]),
    operator("Unsqueeze", 1, &[read("axes").until(12)]),
    operator("Transpose", 1, &[read("perm")]),
    operator("Identity", 1, &[]),
    operator(
        "Dropout",
        1,
        &[
            only("is_test", 1, 0, INFERENCE).until(6),
            training("ratio").until(11),
            ignored("seed", "draws follow from the seed of the model").since(12),
            CONSUMED,
        ],
    ),
    // In earlier sets, the type is a string.
    operator(
        "Cast",
        6,
        &[
            read("to"),
            ignored("saturate", "it affects only 8-bit floats").since(19),
            ignored("round_mode", "it affects only 8-bit floats").since(24),
        ],
    ),
    operator(
        "CastLike",
        15,
        &[
            ignored("saturate", "it affects only 8-bit floats").since(19),
            ignored("round_mode", "it affects only 8-bit floats").since(24),
        ],
    ),
];

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    let x = input(inputs, 0)?;
    let y = match node.operator.as_str() {
        "Reshape" => reshape(node, scope, x, input(inputs, 1)?)?,
        "Flatten" => flatten(node, scope, x)?,
        "Squeeze" => {
            let sizes = squeezed(x.sizes(), axes(node, inputs, 1)?)?;
            with_sizes(scope, x, sizes)?
        }
        "Unsqueeze" => {
            let sizes = unsqueezed(x.sizes(), &axes(node, inputs, 1)?.ok_or("axes are missing")?)?;
            with_sizes(scope, x, sizes)?
        }
        "Transpose" => transpose(node, x)?,
        "Cast" => cast(x, node.integer("to", 0)?)?,
        // Booleans and integers of all sizes are represented alike.
        "CastLike" if input(inputs, 1)?.is_integer() => {
            return Err("a conversion to the type of integers or booleans is supported only by Cast".into());
        }
        "CastLike" => cast(x, i64::from(element::FLOAT))?,
        "Dropout" => {
            if let Some(training) = optional(inputs, 2)
                && training.as_constant()?.as_integers()? != [0]
            {
                return Err("training_mode is not supported; export the model for inference".into());
            }
            x.clone()
        }
        _ => x.clone(),
    };
    if node.operator == "Dropout" && node.outputs.len() > 1 {
        let mask = mask(scope, x)?;
        return Ok(vec![y, if node.version >= MASK_IS_BOOLEAN { mask.into_integers() } else { mask }]);
    }
    Ok(vec![y])
}

/// The first operator set in which the mask of `Dropout` is boolean.
const MASK_IS_BOOLEAN: i64 = 10;

/// Records the mask of `Dropout` in inference: it keeps every element.
fn mask<'r>(scope: &mut Scope<'_, 'r>, x: &Value<'r>) -> Result<Value<'r>, String> {
    let order: Vec<usize> = (0..x.sizes().len()).collect();
    let x = scope.numbers(x, &order)?;
    // No number is less than itself.
    Ok(Value::new(1.0 - x.less(x)))
}

/// Returns a value with other sizes, and its elements in the order of ONNX.
pub(super) fn with_sizes<'r>(scope: &mut Scope<'_, 'r>, x: &Value<'r>, sizes: Vec<usize>) -> Result<Value<'r>, String> {
    match x {
        Value::Constant(name, constant) => Ok(Value::rearranged(name, constant, constant.tensor.reshaped(sizes)?)),
        Value::Recorded(recorded) => {
            let shape = |sizes: &[usize]| Shape::new(sizes).map_err(|error| error.to_string());
            let kept = recorded.order.first().filter(|axis| **axis != 0);
            let y = match kept.and_then(|_| kept_order(recorded, &sizes)) {
                Some(order) => {
                    let stored: Vec<usize> = order.iter().map(|axis| sizes[*axis]).collect();
                    Value::with_order(recorded.var.reshape(shape(&stored)?), order)
                }
                None => {
                    let order: Vec<usize> = (0..recorded.order.len()).collect();
                    Value::new(scope.numbers(x, &order)?.reshape(shape(&sizes)?))
                }
            };
            Ok(if x.is_integer() { y.into_integers() } else { y })
        }
    }
}

/// The storage order of a reshaped value whose elements do not move: the axes that the reshaping merges are stored one after
/// another, such as directions and units after rows and steps. `None` if elements must move.
fn kept_order(recorded: &Recorded<'_>, to: &[usize]) -> Option<Vec<usize>> {
    let from = recorded.sizes();
    // The stored axes of each group of axes, and the axes that replace them. Axes of size 1 do not affect the order.
    let stored: Vec<usize> = recorded.order.iter().copied().filter(|axis| from[*axis] != 1).collect();
    let (mut groups, mut rest) = (Vec::new(), 0..to.len());
    let mut axes = (0..from.len()).filter(|axis| from[*axis] != 1).peekable();
    while let Some(first) = axes.next() {
        let (mut merged, mut size) = (vec![first], from[first]);
        let (mut replaced, mut replaced_size) = (Vec::new(), 1usize);
        while replaced_size != size {
            if replaced_size < size {
                let axis = rest.next()?;
                replaced.push(axis);
                replaced_size = replaced_size.checked_mul(to[axis])?;
            } else {
                let axis = axes.next()?;
                merged.push(axis);
                size = size.checked_mul(from[axis])?;
            }
        }
        let place = stored.iter().position(|axis| *axis == first)?;
        if stored.get(place..place + merged.len()) != Some(&merged[..]) {
            return None;
        }
        groups.push((place, replaced));
    }
    // Only axes of size 1 are left.
    if let Some((_, last)) = groups.last_mut() {
        last.extend(rest);
    }
    groups.sort_unstable();
    Some(groups.into_iter().flat_map(|(_, axes)| axes).collect())
}

/// Records `Reshape`. A size of 0 keeps the size of the axis, and −1 is inferred.
fn reshape<'r>(node: &Node, scope: &mut Scope<'_, 'r>, x: &Value<'r>, target: &Value<'r>) -> Result<Value<'r>, String> {
    let (from, allow_zero) = (x.sizes(), node.integer("allowzero", 0)? != 0);
    let mut target = target.as_constant()?.as_integers()?.to_vec();
    // Replace a number of rows that the exporter fixed by the actual one.
    if let (Some([in_file, actual]), Some(first)) = (scope.rows, target.first_mut())
        && *first == in_file as i64
        && from.first() == Some(&actual)
    {
        *first = actual as i64;
    }
    if allow_zero && target.contains(&0) {
        return Err("allowzero with a size of 0 is not supported".into());
    }
    let mut sizes = Vec::new();
    for (axis, size) in target.iter().enumerate() {
        sizes.push(match *size {
            0 if !allow_zero => *from
                .get(axis)
                .ok_or_else(|| format!("the input of sizes {from:?} has no axis {axis} for a size of 0"))?,
            -1 => 1,
            size => usize::try_from(size).map_err(|_| format!("size {size} is negative"))?,
        });
    }
    if let Some(open) = target.iter().position(|size| *size == -1) {
        let (all, rest) = (product(&from)?, product(&sizes)?);
        sizes[open] = all.checked_div(rest).ok_or("−1 cannot be combined with a size of 0")?;
    }
    with_sizes(scope, x, sizes)
}

fn product(sizes: &[usize]) -> Result<usize, String> {
    crate::formats::onnx::tensor::length(sizes).ok_or_else(|| "the number of elements overflows".into())
}

/// Records `Flatten`: merges the axes before `axis`, and those starting with `axis`.
fn flatten<'r>(node: &Node, scope: &mut Scope<'_, 'r>, x: &Value<'r>) -> Result<Value<'r>, String> {
    let (sizes, number) = (x.sizes(), node.integer("axis", 1)?);
    let axis = if number == sizes.len() as i64 { sizes.len() } else { order::axis(number, sizes.len())? };
    let flat = vec![product(&sizes[..axis])?, product(&sizes[axis..])?];
    with_sizes(scope, x, flat)
}

fn squeezed(sizes: Vec<usize>, axes: Option<Vec<i64>>) -> Result<Vec<usize>, String> {
    let Some(axes) = axes else { return Ok(sizes.into_iter().filter(|size| *size != 1).collect()) };
    let axes = axes.iter().map(|axis| order::axis(*axis, sizes.len())).collect::<Result<Vec<_>, _>>()?;
    if let Some(axis) = axes.iter().find(|axis| sizes[**axis] != 1) {
        return Err(format!("axis {axis} of sizes {sizes:?} must have size 1"));
    }
    Ok(sizes.iter().enumerate().filter(|(axis, _)| !axes.contains(axis)).map(|(_, size)| *size).collect())
}

fn unsqueezed(sizes: Vec<usize>, axes: &[i64]) -> Result<Vec<usize>, String> {
    let rank = sizes.len() + axes.len();
    let mut axes = axes.iter().map(|axis| order::axis(*axis, rank)).collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    axes.dedup();
    if sizes.len() + axes.len() != rank {
        return Err("an axis occurs twice".into());
    }
    let mut wide = sizes;
    axes.into_iter().for_each(|axis| wide.insert(axis, 1));
    Ok(wide)
}

/// Records `Transpose`. Elements of recorded values do not move; only the storage order changes.
fn transpose<'r>(node: &Node, x: &Value<'r>) -> Result<Value<'r>, String> {
    let rank = x.sizes().len();
    let permutation = match node.integers("perm")? {
        Some(axes) => axes.iter().map(|axis| order::axis(*axis, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).rev().collect(),
    };
    if permutation.len() != rank || !order::is_permutation(&permutation) {
        return Err(format!("perm must be a permutation of the axes of rank {rank}, got {permutation:?}"));
    }
    match x {
        Value::Constant(name, constant) => {
            let name = format!("{name}{}", order::name_suffix(&permutation));
            Ok(Value::rearranged(&name, constant, constant.tensor.transposed(&permutation)))
        }
        Value::Recorded(Recorded { var, order, integer }) => {
            let now = |axis: &usize| permutation.iter().position(|other| other == axis).unwrap_or(0);
            Ok(Value::Recorded(Recorded { var: *var, order: order.iter().map(now).collect(), integer: *integer }))
        }
    }
}

/// Records a conversion of floats, integers and booleans to elements of the type `to`. Floats of all sizes have 32 bits.
fn cast<'r>(x: &Value<'r>, to: i64) -> Result<Value<'r>, String> {
    use crate::formats::onnx::tensor::{Tensor, Values};
    use element::{BOOL, INT32, INT64};
    let kind = i32::try_from(to).unwrap_or(0);
    let floats = element::is_float(kind);
    if !floats && !element::is_integer(kind) {
        return Err(format!("a cast to {} is not supported, expected floats, integers or BOOL", element::name(to)));
    }
    match x {
        Value::Recorded(_) if floats => Ok(x.clone().into_floats()),
        Value::Recorded(recorded) if [INT64, INT32].contains(&kind) => match recorded.integer {
            true => Ok(x.clone()),
            false => Ok(recorded.map(Var::truncate).into_integers()),
        },
        // The square of an integer is 0 or at least 1.
        Value::Recorded(recorded) if kind == BOOL && recorded.integer => {
            Ok(recorded.map(|x| (x * x).clip(0.0, 1.0)).into_integers())
        }
        // A product of infinity or NaN with 0 is NaN, which equals no number.
        Value::Recorded(recorded) if kind == BOOL => Ok(recorded.map(|x| 1.0 - x.equal(x * 0.0)).into_integers()),
        Value::Recorded(_) => Err(format!(
            "a cast of computed values to {} is not supported, expected floats, INT32, INT64 or BOOL",
            element::name(to)
        )),
        Value::Constant(_, constant) => {
            let sizes = constant.tensor.sizes.clone();
            match &constant.tensor.values {
                Values::Integers(values) if floats => {
                    Ok(Value::computed(Tensor::floats(sizes, values.iter().map(|value| *value as f32).collect())))
                }
                Values::Integers(values) if kind == BOOL => Ok(Value::computed(Tensor::integers(
                    sizes,
                    values.iter().map(|value| i64::from(*value != 0)).collect(),
                ))),
                Values::Floats(values) if kind == BOOL => Ok(Value::computed(Tensor::integers(
                    sizes,
                    values.iter().map(|value| i64::from(*value != 0.0)).collect(),
                ))),
                Values::Floats(values) if !floats => {
                    Ok(Value::computed(Tensor::integers(sizes, values.iter().map(|value| *value as i64).collect())))
                }
                Values::Weight if !floats => Err("weights cannot be cast to integers".into()),
                _ => Ok(x.clone()),
            }
        }
    }
}
