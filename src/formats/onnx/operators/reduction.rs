//! Reductions over axes.

use super::attributes::{Attribute, Operator, operator, read};
use super::inputs::{axes, input};
use super::slicing::slice_axis;
use crate::Shape;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Recorded, Scope, Value};
use crate::formats::onnx::tensor::{Tensor, Values};
use crate::tape::Var;

/// The operators and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    operator("ArgMax", 1, ARG),
    operator("ArgMin", 1, ARG),
    operator("ReduceL1", 1, AXES),
    operator("ReduceL2", 1, AXES),
    operator("ReduceLogSum", 1, AXES),
    operator("ReduceLogSumExp", 1, AXES),
    operator("ReduceMax", 1, AXES),
    operator("ReduceMean", 1, AXES),
    operator("ReduceMin", 1, AXES),
    operator("ReduceProd", 1, AXES),
    operator("ReduceSum", 1, &[read("axes").until(12), read("keepdims"), read("noop_with_empty_axes").since(13)]),
    operator("ReduceSumSquare", 1, AXES),
];

const AXES: &[Attribute] = &[read("axes").until(17), read("keepdims"), read("noop_with_empty_axes").since(18)];

const ARG: &[Attribute] = &[read("axis"), read("keepdims"), read("select_last_index").since(12)];

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    match node.operator.as_str() {
        "ArgMax" => return Ok(vec![extremum_index(node, scope, input(inputs, 0)?, 1.0)?]),
        "ArgMin" => return Ok(vec![extremum_index(node, scope, input(inputs, 0)?, -1.0)?]),
        _ => {}
    }
    let x = input(inputs, 0)?;
    let rank = x.sizes().len();
    let axes = match axes(node, inputs, 1)?.filter(|axes| !axes.is_empty()) {
        Some(axes) => axes.iter().map(|axis| order::axis(*axis, rank)).collect::<Result<Vec<_>, _>>()?,
        None if node.integer("noop_with_empty_axes", 0)? != 0 => Vec::new(),
        None => (0..rank).collect(),
    };
    let keep = node.integer("keepdims", 1)? != 0;
    if let Value::Constant(_, constant) = x
        && let Values::Integers(values) = &constant.tensor.values
    {
        return Ok(vec![Value::computed(of_integers(node, values, &constant.tensor.sizes, &axes, keep)?)]);
    }
    if x.is_integer() {
        return of_computed_integers(node, scope, x, &axes, keep);
    }
    let x = scope.recorded(x)?;
    match node.operator.as_str() {
        "ReduceProd" => return Ok(vec![product(x, &axes, keep)?]),
        "ReduceMax" => return Ok(vec![extremum(scope, x, &axes, keep, 1.0)?]),
        "ReduceMin" => return Ok(vec![extremum(scope, x, &axes, keep, -1.0)?]),
        _ => {}
    }
    let (before, mean, after): (Elementwise<'r>, bool, Elementwise<'r>) = match node.operator.as_str() {
        "ReduceL1" => (Var::absolute, false, identity),
        "ReduceL2" => (|x| x * x, false, Var::sqrt),
        "ReduceLogSum" => (identity, false, Var::ln),
        "ReduceLogSumExp" => (Var::exp, false, Var::ln),
        "ReduceMean" => (identity, true, identity),
        "ReduceSumSquare" => (|x| x * x, false, identity),
        _ => (identity, false, identity),
    };
    let reduced = reduce(Recorded { var: before(x.var), ..x }, &axes, keep, mean);
    Ok(vec![Value::with_order(after(reduced.var), reduced.order)])
}

/// Records a sum, maximum or minimum of computed integers.
fn of_computed_integers<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    x: &Value<'r>,
    axes: &[usize],
    keep: bool,
) -> Result<Vec<Value<'r>>, String> {
    let plain: Vec<usize> = (0..x.sizes().len()).collect();
    let x = Recorded::new(scope.numbers(x, &plain)?);
    let y = match node.operator.as_str() {
        "ReduceMax" => extremum(scope, x, axes, keep, 1.0)?,
        "ReduceMin" => extremum(scope, x, axes, keep, -1.0)?,
        "ReduceProd" => product(x, axes, keep)?,
        "ReduceSum" => Value::Recorded(reduce(x, axes, keep, false)),
        "ReduceSumSquare" => Value::Recorded(reduce(Recorded { var: x.var * x.var, ..x }, axes, keep, false)),
        _ => return Err("integers that depend on the inputs are not supported; cast them to floats".into()),
    };
    Ok(vec![y.into_integers()])
}

/// Reduces known integers.
fn of_integers(node: &Node, values: &[i64], sizes: &[usize], axes: &[usize], keep: bool) -> Result<Tensor, String> {
    let kept: Vec<usize> = (0..sizes.len()).filter(|axis| !axes.contains(axis)).collect();
    let order = [&kept[..], axes].concat();
    if !order::is_permutation(&order) || order.len() != sizes.len() {
        return Err("an axis occurs twice".into());
    }
    let reduced_last = Tensor::integers(sizes.to_vec(), values.to_vec()).transposed(&order);
    let each = axes.iter().map(|axis| sizes[*axis]).product::<usize>();
    let count = i64::try_from(each).map_err(|_| "too many elements")?;
    let operation: fn(i64, i64) -> Option<i64> = match node.operator.as_str() {
        "ReduceMax" => |a, b| Some(a.max(b)),
        "ReduceMin" => |a, b| Some(a.min(b)),
        "ReduceProd" => i64::checked_mul,
        "ReduceL1" => |a, b| a.checked_add(b.checked_abs()?),
        "ReduceSum" | "ReduceMean" => i64::checked_add,
        "ReduceSumSquare" => |a, b| a.checked_add(b.checked_mul(b)?),
        _ => return Err("integers are not supported; cast them to floats".into()),
    };
    let of_group = |group: &[i64]| {
        let start = match node.operator.as_str() {
            "ReduceMax" | "ReduceMin" => *group.first()?,
            "ReduceProd" => 1,
            _ => 0,
        };
        let all = group.iter().try_fold(start, |all, value| operation(all, *value))?;
        if node.operator == "ReduceMean" { all.checked_div(count) } else { Some(all) }
    };
    let groups = reduced_last.as_integers()?.chunks(each.max(1));
    let results = groups.map(of_group).collect::<Option<Vec<_>>>().ok_or("integer overflow")?;
    let size = |axis: usize| if axes.contains(&axis) { 1 } else { sizes[axis] };
    let sizes =
        if keep { (0..sizes.len()).map(size).collect() } else { kept.iter().map(|axis| sizes[*axis]).collect() };
    Tensor::list(results).reshaped(sizes)
}

/// Records a product over axes, one after another: the first half of an axis times the second, until one element is left.
fn product<'r>(x: Recorded<'r>, axes: &[usize], keep: bool) -> Result<Value<'r>, String> {
    let mut y = x;
    for axis in axes {
        let place = y.order.iter().position(|stored| stored == axis).unwrap_or(0);
        while y.var.shape().axis(place) > 1 {
            let length = y.var.shape().axis(place);
            let half = length / 2;
            let halves = slice_axis(y.var, place, 0, half)? * slice_axis(y.var, place, half, half)?;
            y.var = match length % 2 {
                0 => halves,
                _ => halves.concatenate(&[slice_axis(y.var, place, length - 1, 1)?], place as isize),
            };
        }
    }
    // Each sum has one element.
    Ok(Value::Recorded(reduce(y, if keep { &[] } else { axes }, keep, false)))
}

/// Records a maximum (`sign` 1) or a minimum (`sign` −1) over axes, by pooling images with one channel.
fn extremum<'r>(
    scope: &mut Scope<'_, 'r>,
    x: Recorded<'r>,
    axes: &[usize],
    keep: bool,
    sign: f32,
) -> Result<Value<'r>, String> {
    let sizes = x.sizes();
    let (reduced, kept): (Vec<usize>, Vec<usize>) = (0..sizes.len()).partition(|axis| axes.contains(axis));
    let count = |axes: &[usize]| axes.iter().map(|axis| sizes[*axis]).product::<usize>();
    let reduced_last = scope.arranged(&Value::Recorded(x), &[kept.clone(), reduced.clone()].concat())?;
    let signed = if sign == 1.0 { reduced_last } else { reduced_last * sign };
    let most = signed.reshape([count(&kept), count(&reduced), 1, 1]).global_max_pool2d();
    let most = if sign == 1.0 { most } else { most * sign };
    let size = |axis: usize| if axes.contains(&axis) { 1 } else { sizes[axis] };
    let sizes: Vec<usize> = match keep {
        true => (0..sizes.len()).map(size).collect(),
        false => kept.iter().map(|axis| sizes[*axis]).collect(),
    };
    Ok(Value::new(most.reshape(Shape::new(&sizes).map_err(|error| error.to_string())?)))
}

/// Records the index of the maximum (`sign` 1) or of the minimum (`sign` −1) along an axis.
fn extremum_index<'r>(node: &Node, scope: &mut Scope<'_, 'r>, x: &Value<'r>, sign: f32) -> Result<Value<'r>, String> {
    let sizes = x.sizes();
    let plain: Vec<usize> = (0..sizes.len()).collect();
    let axis = order::axis(node.integer("axis", 0)?, sizes.len())?;
    let keep = node.integer("keepdims", 1)? != 0;
    let last = node.integer("select_last_index", 0)? != 0;
    let x = Recorded::new(scope.numbers(x, &plain)?);
    let best = extremum(scope, x.clone(), &[axis], true, sign)?;
    let is_best = x.var.equal(scope.arranged(&best, &plain)?);
    let mut along = vec![1; sizes.len()];
    along[axis] = sizes[axis];
    scope.limits.check(sizes[axis])?;
    let indices = (0..sizes[axis]).map(|index| index as f32).collect();
    let indices = scope.arranged(&Value::computed(Tensor::floats(along, indices)), &plain)?;
    let candidates = indices * is_best;
    // The first index is the least one. Elements that are not extreme get an index after all others.
    let (candidates, sign) = match last {
        true => (candidates, 1.0),
        false => (candidates + (1.0 - is_best) * sizes[axis] as f32, -1.0),
    };
    Ok(extremum(scope, Recorded::new(candidates), &[axis], keep, sign)?.into_integers())
}

/// An elementwise operation before or after the reduction.
type Elementwise<'r> = fn(Var<'r>) -> Var<'r>;

fn identity(x: Var<'_>) -> Var<'_> {
    x
}

/// Records a sum or mean over axes of ONNX, in any storage order.
pub(super) fn reduce<'r>(x: Recorded<'r>, axes: &[usize], keep: bool, mean: bool) -> Recorded<'r> {
    if axes.is_empty() {
        return x;
    }
    let places: Vec<isize> =
        (0..x.order.len()).filter(|place| axes.contains(&x.order[*place])).map(|place| place as isize).collect();
    let var = if mean { x.var.mean_axes(&places, keep) } else { x.var.sum_axes(&places, keep) };
    if keep {
        return Recorded::with_order(var, x.order);
    }
    // Axes are renumbered, as the reduced ones are removed.
    let left = x.order.iter().filter(|axis| !axes.contains(axis));
    let order = left.map(|axis| axis - axes.iter().filter(|gone| *gone < axis).count()).collect();
    Recorded::with_order(var, order)
}
