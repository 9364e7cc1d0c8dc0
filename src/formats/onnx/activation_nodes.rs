//! Export of activations.

use super::layer_settings::{axis, number, setting};
use super::node::Attribute;
use super::order;
use super::tensor::Tensor;
use super::writer::Writer;
use crate::{Spec, SpecValue};

type Written = Result<(), String>;

pub(super) fn activation(writer: &mut Writer<'_>, name: &str) -> Written {
    match name {
        "linear" => Ok(()),
        "relu" => elementwise(writer, "Relu", &[]),
        "sigmoid" => elementwise(writer, "Sigmoid", &[]),
        "tanh" => elementwise(writer, "Tanh", &[]),
        "softmax" => softmax(writer, "Softmax", -1),
        "log_softmax" => softmax(writer, "LogSoftmax", -1),
        "leaky_relu" => elementwise(writer, "LeakyRelu", &[("alpha", 0.2)]),
        "elu" => elementwise(writer, "Elu", &[("alpha", 1.0)]),
        "selu" => elementwise(writer, "Selu", &[]),
        "softplus" => elementwise(writer, "Softplus", &[]),
        "softsign" => elementwise(writer, "Softsign", &[]),
        "gelu" => elementwise(writer, "Gelu", &[]),
        "gelu_tanh" => {
            writer.node("Gelu", &[], &[("approximate", Attribute::Text("tanh".into()))]);
            Ok(())
        }
        "silu" => {
            let x = writer.value();
            writer.node("Sigmoid", &[], &[]);
            writer.node("Mul", &[&x], &[]);
            Ok(())
        }
        "hard_silu" => elementwise(writer, "HardSwish", &[]),
        "relu6" => clip(writer, [0.0, 6.0]),
        "hard_tanh" => clip(writer, [-1.0, 1.0]),
        "hard_sigmoid" => elementwise(writer, "HardSigmoid", &[("alpha", 1.0 / 6.0), ("beta", 0.5)]),
        "legacy_hard_sigmoid" => elementwise(writer, "HardSigmoid", &[("alpha", 0.2), ("beta", 0.5)]),
        "exponential" => elementwise(writer, "Exp", &[]),
        "celu" => elementwise(writer, "Elu", &[("alpha", 1.0)]),
        "sparse_sigmoid" => elementwise(writer, "HardSigmoid", &[("alpha", 0.5), ("beta", 0.5)]),
        "mish" => elementwise(writer, "Mish", &[]),
        "log_sigmoid" => {
            ["Neg", "Softplus", "Neg"].into_iter().for_each(|operator| writer.node(operator, &[], &[]));
            Ok(())
        }
        "tanh_shrink" => {
            let x = writer.value();
            writer.node("Tanh", &[], &[]);
            let tanh = writer.value();
            writer.node_of("Sub", &[&x, &tanh], &[]);
            Ok(())
        }
        other => Err(format!("activation {other} cannot be exported")),
    }
}

/// Writes a limit to a range.
fn clip(writer: &mut Writer<'_>, [low, high]: [f32; 2]) -> Written {
    let [low, high] = scalars(writer, [("low", low), ("high", high)]);
    writer.node("Clip", &[&low, &high], &[]);
    Ok(())
}

/// Writes an elementwise operator.
pub(super) fn elementwise(writer: &mut Writer<'_>, operator: &str, settings: &[(&str, f32)]) -> Written {
    let attributes: Vec<_> = settings.iter().map(|(name, value)| (*name, Attribute::Number(*value))).collect();
    writer.node(operator, &[], &attributes);
    Ok(())
}

pub(super) fn softmax(writer: &mut Writer<'_>, operator: &str, axis: isize) -> Written {
    let axis = writer.axis(axis);
    writer.node(operator, &[], &[("axis", Attribute::Integer(axis))]);
    Ok(())
}

/// Writes a softmax along one axis, or over several axes by its definition.
pub(super) fn softmax_layer(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    let axes = match setting(spec, "axis") {
        Some(SpecValue::Ints(axes)) if axes.len() > 1 => axes.iter().map(|axis| writer.axis(*axis)).collect(),
        _ => return softmax(writer, "Softmax", axis(spec)?),
    };
    let axes = writer.constant("axes", &Tensor::list(axes));
    let x = writer.value();
    // The exponentials of differences from the maximum do not overflow.
    writer.node("ReduceMax", &[&axes], &[]);
    let maximum = writer.value();
    writer.node_of("Sub", &[&x, &maximum], &[]);
    writer.node("Exp", &[], &[]);
    let exponentials = writer.value();
    writer.node("ReduceSum", &[&axes], &[]);
    let sum = writer.value();
    writer.node_of("Div", &[&exponentials, &sum], &[]);
    Ok(())
}

/// Writes a rectifier with a maximum, a slope and a threshold.
pub(super) fn relu(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    let (slope, threshold) = (number(spec, "negative_slope")?, number(spec, "threshold")?);
    let maximum = match setting(spec, "max_value") {
        Some(SpecValue::Float(maximum)) => Some(*maximum),
        _ => None,
    };
    match (maximum, slope == 0.0, threshold == 0.0) {
        (None, true, true) => return elementwise(writer, "Relu", &[]),
        (None, false, true) => return elementwise(writer, "LeakyRelu", &[("alpha", slope)]),
        (Some(maximum), true, true) => return clip(writer, [0.0, maximum]),
        _ => {}
    }
    let x = writer.value();
    let [slope, threshold] = scalars(writer, [("slope", slope), ("threshold", threshold)]);
    writer.node("Less", &[&threshold], &[]);
    let is_below = writer.value();
    writer.node_of("Sub", &[&x, &threshold], &[]);
    writer.node("Mul", &[&slope], &[]);
    let below = writer.value();
    writer.set_value(&x);
    if let Some(maximum) = maximum {
        let [high] = scalars(writer, [("high", maximum)]);
        writer.node("Min", &[&high], &[]);
    }
    let above = writer.value();
    writer.node_of("Where", &[&is_below, &below, &above], &[]);
    Ok(())
}

/// Adds constants of a single number; returns their names.
fn scalars<const N: usize>(writer: &mut Writer<'_>, numbers: [(&str, f32); N]) -> [String; N] {
    let mut names = [const { String::new() }; N];
    for (name, (part, number)) in names.iter_mut().zip(numbers) {
        *name = writer.constant(part, &Tensor::floats(Vec::new(), vec![number]));
    }
    names
}

/// Writes a rectifier with learned slopes, in the current axis order.
pub(super) fn prelu(writer: &mut Writer<'_>, _spec: &Spec) -> Written {
    let slopes = match writer.is_channels_first() {
        true => {
            let order = order::channels_first(writer.rank());
            let order: Vec<usize> = order[1..].iter().map(|axis| axis - 1).collect();
            let slopes = writer.weight_tensor("alpha")?.transposed(&order);
            writer.constant("alpha_channels_first", &slopes)
        }
        false => writer.weight("alpha", None)?,
    };
    writer.node("PRelu", &[&slopes], &[]);
    Ok(())
}

/// Writes x · scale + offset.
pub(super) fn rescaling(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    let [scale, offset] = scalars(writer, [("scale", number(spec, "scale")?), ("offset", number(spec, "offset")?)]);
    writer.node("Mul", &[&scale], &[]);
    writer.node("Add", &[&offset], &[]);
    Ok(())
}
