//! Reductions over axes.

use super::attributes::{Attribute, Operator, operator, read};
use super::inputs::{axes, input};
use crate::Shape;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Recorded, Scope, Value};
use crate::formats::onnx::tensor::Tensor;
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
    let x = scope.recorded(input(inputs, 0)?)?;
    let rank = x.order.len();
    let axes = match axes(node, inputs, 1)?.filter(|axes| !axes.is_empty()) {
        Some(axes) => axes.iter().map(|axis| order::axis(*axis, rank)).collect::<Result<Vec<_>, _>>()?,
        None if node.integer("noop_with_empty_axes", 0)? != 0 => Vec::new(),
        None => (0..rank).collect(),
    };
    let keep = node.integer("keepdims", 1)? != 0;
    match node.operator.as_str() {
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
