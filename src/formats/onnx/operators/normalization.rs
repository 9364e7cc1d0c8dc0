//! Normalization by batch, layer, group and instance, and local response normalization.

use super::attributes::{CONSUMED, Operator, only, operator, read, training};
use super::inputs::{input, one_output, optional};
use super::reduction;
use crate::formats::onnx::constant::Constant;
use crate::formats::onnx::node::Node;
use crate::formats::onnx::order;
use crate::formats::onnx::scope::{Recorded, Role, Scope, Value};
use crate::tape::{Mode, ParamId, Var};

/// The operators and their attributes.
pub(super) const OPERATORS: &[Operator] = &[
    operator(
        "BatchNormalization",
        1,
        &[
            read("epsilon"),
            training("momentum"),
            only("is_test", 1, 0, INFERENCE).until(6),
            only("spatial", 1, 1, "statistics of each pixel are not supported").until(8),
            only("training_mode", 0, 0, INFERENCE).since(14),
            CONSUMED,
        ],
    ),
    // In earlier sets, the scale has one number for each group.
    operator(
        "GroupNormalization",
        21,
        &[read("epsilon"), read("num_groups"), only("stash_type", 1, 1, "statistics are float32")],
    ),
    operator("InstanceNormalization", 1, &[read("epsilon"), CONSUMED]),
    operator("LRN", 1, &[read("alpha"), read("beta"), read("bias"), read("size")]),
    operator(
        "LayerNormalization",
        17,
        &[read("axis"), read("epsilon"), only("stash_type", 1, 1, "statistics are float32")],
    ),
];

/// The remedy for a node that was exported for training.
pub(super) const INFERENCE: &str = "export the model for inference";

pub(super) fn record<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    match node.operator.as_str() {
        "LayerNormalization" => layer_norm(node, scope, inputs),
        "GroupNormalization" => {
            let groups = node.integer("num_groups", 0)?;
            let groups = usize::try_from(groups).map_err(|_| format!("num_groups {groups} is negative"))?;
            group_norm(node, scope, inputs, groups)
        }
        "InstanceNormalization" => {
            let channels = input(inputs, 0)?.sizes().get(1).copied().ok_or("the input has no channels")?;
            group_norm(node, scope, inputs, channels)
        }
        "LRN" => local_response(node, scope, inputs),
        _ => batch_norm(node, scope, inputs),
    }
}

fn batch_norm<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    one_output(node, "running statistics")?;
    let x = input(inputs, 0)?;
    let order = order::channels_last(x.sizes().len());
    let var = scope.arranged(x, &order)?;
    let scaling = [scope.in_onnx_order(input(inputs, 1)?)?, scope.in_onnx_order(input(inputs, 2)?)?];
    let mean = statistics(scope, input(inputs, 3)?, Role::RunningMean)?;
    let variance = statistics(scope, input(inputs, 4)?, Role::RunningVariance)?;
    let (epsilon, momentum) = (node.number("epsilon", 1e-5)?, node.number("momentum", 0.9)?);
    let y = match (scope.recorder.mode(), mean.1, variance.1) {
        (Mode::Training, Some(_), Some(_)) => {
            var.batch_norm(scaling[0], scaling[1], momentum, epsilon, Some([mean.0, variance.0]))
        }
        _ => var.batch_norm_inference(scaling, [mean.0, variance.0], epsilon),
    };
    Ok(vec![Value::with_order(y, order)])
}

/// Returns running statistics, with the id of the state if they are weights.
fn statistics<'r>(
    scope: &mut Scope<'_, 'r>,
    value: &Value<'r>,
    role: Role,
) -> Result<(Var<'r>, Option<ParamId>), String> {
    match value {
        Value::Constant(name, constant) => {
            constant.tensor.check_floats()?;
            scope.weight(name, &Constant { learned: false, ..constant.clone() }, &[0], role)
        }
        Value::Recorded(recorded) => Ok((recorded.floats()?.var, None)),
    }
}

/// Records a normalization over `axis` and all axes after it. Mean and 1 / standard deviation are optional outputs.
fn layer_norm<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    let x = scope.in_onnx_order(input(inputs, 0)?)?;
    let rank = x.shape().rank();
    let (axis, epsilon) = (order::axis(node.integer("axis", -1)?, rank)?, node.number("epsilon", 1e-5)?);
    let sizes = x.shape().sizes().to_vec();
    let (rows, columns) = (sizes[..axis].iter().product::<usize>(), sizes[axis..].iter().product::<usize>());
    let mut flat = |number: usize| match optional(inputs, number) {
        Some(value) if value.sizes() == sizes[axis..] => Ok(Some(scope.in_onnx_order(value)?.reshape(columns))),
        Some(value) => Err(format!("the scale or bias has sizes {:?}, expected {:?}", value.sizes(), &sizes[axis..])),
        None => Ok(None),
    };
    let (scale, bias) = (flat(1)?, flat(2)?);
    // The recorder allocates the statistics of each row.
    scope.limits.check(rows.saturating_mul(2))?;
    let flat = if axis + 1 == rank { x } else { x.reshape([rows, columns]) };
    let y = flat.layer_norm(scale, bias, epsilon).reshape(x.shape());
    let mut outputs = vec![Value::new(y)];
    if node.outputs.len() > 1 {
        let axes: Vec<usize> = (axis..rank).collect();
        let mean = |x: Var<'r>| reduction::reduce(Recorded::new(x), &axes, true, true).var;
        let mean_value = mean(x);
        let centered = x - mean_value;
        outputs.push(Value::new(mean_value));
        outputs.push(Value::new((mean(centered * centered) + epsilon).power(-0.5)));
    }
    Ok(outputs)
}

/// Records a normalization of groups of channels and all positions of a sample.
fn group_norm<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
    groups: usize,
) -> Result<Vec<Value<'r>>, String> {
    let x = input(inputs, 0)?;
    let sizes = x.sizes();
    let [rows, channels, spatial @ ..] = &sizes[..] else { return Err("the input has no channels".into()) };
    if groups == 0 || channels % groups != 0 {
        return Err(format!("{channels} channels cannot be divided into {groups} groups"));
    }
    let (order, epsilon) = (order::channels_last(sizes.len()), node.number("epsilon", 1e-5)?);
    let var = scope.arranged(x, &order)?;
    let positions: usize = spatial.iter().product();
    let grouped = var.reshape([*rows, positions, groups, channels / groups]);
    let centered = grouped - grouped.mean_axes(&[1, 3], true);
    let variance = (centered * centered).mean_axes(&[1, 3], true);
    let y = (centered / (variance + epsilon).sqrt()).reshape(var.shape());
    let [scale, bias] = [scope.in_onnx_order(input(inputs, 1)?)?, scope.in_onnx_order(input(inputs, 2)?)?];
    if [scale, bias].iter().any(|weight| weight.shape() != (*channels).into()) {
        return Err(format!("scale and bias must have {channels} as their size, the number of channels"));
    }
    Ok(vec![Value::with_order(y * scale + bias, order)])
}

/// Records x / (bias + alpha / size · Σ x²) ^ beta, with the sum over `size` adjacent channels.
fn local_response<'r>(
    node: &Node,
    scope: &mut Scope<'_, 'r>,
    inputs: &[Option<Value<'r>>],
) -> Result<Vec<Value<'r>>, String> {
    let x = scope.recorded(input(inputs, 0)?)?;
    let (size, channels) = (node.integer("size", 0)?, x.sizes().get(1).copied().ok_or("the input has no channels")?);
    let size = usize::try_from(size).ok().filter(|size| *size > 0).ok_or("size must be at least 1")?;
    scope.limits.spend_terms(channels, size.min(channels))?;
    let window = |channel: usize| {
        let first = channel.saturating_sub((size - 1) / 2);
        let last = channel.saturating_add(size / 2).min(channels - 1);
        (first..=last).map(|other| (other, 1.0)).collect()
    };
    let [alpha, beta, bias] = [node.number("alpha", 1e-4)?, node.number("beta", 0.75)?, node.number("bias", 1.0)?];
    let axis = x.order.iter().position(|stored| *stored == 1).unwrap_or(0);
    let sums = (x.var * x.var).resample(axis as isize, (0..channels).map(window).collect());
    let y = x.var * (sums * (alpha / size as f32) + bias).power(-beta);
    Ok(vec![Value::with_order(y, x.order)])
}
