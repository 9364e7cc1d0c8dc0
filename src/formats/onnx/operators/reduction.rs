//! Sums and means over axes.

use super::attributes::{Attribute, Operator, operator, read};
use super::inputs::{axes, input};
use crate::Shape;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Recorded, Scope, Value};
use crate::tape::Var;

/// The operators, and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
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

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    let x = scope.recorded(input(inputs, 0)?)?;
    let rank = x.order.len();
    let axes = match axes(node, inputs, 1)?.filter(|axes| !axes.is_empty()) {
        Some(axes) => axes.iter().map(|axis| order::axis(*axis, rank)).collect::<Result<Vec<_>, _>>()?,
        None if node.integer("noop_with_empty_axes", 0)? != 0 => Vec::new(),
        None => (0..rank).collect(),
    };
    let keep = node.integer("keepdims", 1)? != 0;
    match node.operator.as_str() {
        "ReduceMax" => return Ok(vec![largest(scope, x, &axes, keep, 1.0)?]),
        "ReduceMin" => return Ok(vec![largest(scope, x, &axes, keep, -1.0)?]),
        _ => {}
    }
    let (before, mean, after): (Part<'r>, bool, Part<'r>) = match node.operator.as_str() {
        "ReduceL1" => (Var::absolute, false, same),
        "ReduceL2" => (|x| x * x, false, Var::sqrt),
        "ReduceLogSum" => (same, false, Var::ln),
        "ReduceLogSumExp" => (Var::exp, false, Var::ln),
        "ReduceMean" => (same, true, same),
        "ReduceSumSquare" => (|x| x * x, false, same),
        _ => (same, false, same),
    };
    let reduced = reduce(Recorded { var: before(x.var), ..x }, &axes, keep, mean);
    Ok(vec![Value::lying(after(reduced.var), reduced.order)])
}

/// The largest over axes, as that over images of one channel; with the other sign the smallest.
fn largest<'r>(
    scope: &mut Scope<'_, 'r>,
    x: Recorded<'r>,
    axes: &[usize],
    keep: bool,
    sign: f32,
) -> Result<Value<'r>, String> {
    let sizes = x.sizes();
    let (gone, left): (Vec<usize>, Vec<usize>) = (0..sizes.len()).partition(|axis| axes.contains(axis));
    let count = |axes: &[usize]| axes.iter().map(|axis| sizes[*axis]).product::<usize>();
    let behind = scope.arranged(&Value::Recorded(x), &[left.clone(), gone.clone()].concat())?;
    let signed = if sign == 1.0 { behind } else { behind * sign };
    let most = signed.reshape([count(&left), count(&gone), 1, 1]).global_max_pool2d();
    let most = if sign == 1.0 { most } else { most * sign };
    let kept = |axis: usize| if axes.contains(&axis) { 1 } else { sizes[axis] };
    let sizes: Vec<usize> = match keep {
        true => (0..sizes.len()).map(kept).collect(),
        false => left.iter().map(|axis| sizes[*axis]).collect(),
    };
    Ok(Value::new(most.reshape(Shape::new(&sizes).map_err(|error| error.to_string())?)))
}

/// What is done to each element before or after.
type Part<'r> = fn(Var<'r>) -> Var<'r>;

fn same(x: Var<'_>) -> Var<'_> {
    x
}

/// The sum or mean over ONNX' axes, wherever they lie.
pub(super) fn reduce<'r>(x: Recorded<'r>, axes: &[usize], keep: bool, mean: bool) -> Recorded<'r> {
    if axes.is_empty() {
        return x;
    }
    let places: Vec<isize> =
        (0..x.order.len()).filter(|place| axes.contains(&x.order[*place])).map(|place| place as isize).collect();
    let var = if mean { x.var.mean_axes(&places, keep) } else { x.var.sum_axes(&places, keep) };
    if keep {
        return Recorded::lying(var, x.order);
    }
    // An axis is named by its place among those that stay.
    let left = x.order.iter().filter(|axis| !axes.contains(axis));
    let order = left.map(|axis| axis - axes.iter().filter(|gone| *gone < axis).count()).collect();
    Recorded::lying(var, order)
}
