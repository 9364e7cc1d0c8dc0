//! Export of normalizations.

use super::layer_settings::{axis, flag, missing, number, setting};
use super::node::Attribute;
use super::tensor::Tensor;
use super::writer::Writer;
use crate::layers::Normalization;
use crate::{Spec, SpecValue};

type Written = Result<(), String>;

/// Writes a layer normalization. The scale is required in ONNX, so it is ones if the layer has none.
pub(super) fn layer_norm(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.channels_last();
    let rank = writer.rank() as i64;
    let mut axes: Vec<i64> = match setting(spec, "axis") {
        None => vec![rank - 1],
        Some(SpecValue::Ints(axes)) => axes.iter().map(|axis| writer.axis(*axis)).collect(),
        Some(_) => vec![writer.axis(axis(spec)?)],
    };
    axes.sort_unstable();
    // ONNX normalizes over the last axes.
    let others: Vec<i64> = (0..rank).filter(|axis| !axes.contains(axis)).collect();
    let last: Vec<i64> = others.iter().chain(&axes).copied().collect();
    let scale = match flag(spec, "scale")? {
        true => writer.weight("gamma", None)?,
        false => {
            let size = |axis: &i64| *writer.shape().sizes().get(usize::try_from(*axis - 1).ok()?)?;
            let sizes = axes.iter().map(size).collect::<Option<Vec<_>>>().ok_or("a normalized axis is open")?;
            let ones = vec![1.0; sizes.iter().product()];
            writer.constant("ones", &Tensor::floats(sizes, ones))
        }
    };
    reorder(writer, &last);
    let bias = if flag(spec, "center")? { Some(writer.weight("beta", None)?) } else { None };
    let inputs: Vec<&str> = [Some(&scale), bias.as_ref()].into_iter().flatten().map(String::as_str).collect();
    let epsilon = Attribute::Number(number(spec, "epsilon")?);
    let axis = Attribute::Integer(-(axes.len() as i64));
    writer.node("LayerNormalization", &inputs, &[("axis", axis), ("epsilon", epsilon)]);
    reorder(writer, &inverse(&last));
    Ok(())
}

/// Transposes the first value, unless the order of its axes is already this one.
fn reorder(writer: &mut Writer<'_>, order: &[i64]) {
    if !order.is_sorted() {
        writer.node("Transpose", &[], &[("perm", Attribute::Integers(order.to_vec()))]);
    }
}

/// The order that restores the axes after a transposition.
fn inverse(order: &[i64]) -> Vec<i64> {
    let place = |axis: i64| order.iter().position(|other| *other == axis).unwrap_or(0) as i64;
    (0..order.len() as i64).map(place).collect()
}

/// Rejects a normalization of other axes than the last.
fn reject_axis(spec: &Spec) -> Written {
    match setting(spec, "axis") {
        None => Ok(()),
        Some(axis) => Err(format!("{} with axis={axis} cannot be exported", spec.class())),
    }
}

pub(super) fn batch_norm(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    let rank = writer.rank() as i64;
    let axis = match setting(spec, "axis") {
        Some(_) => Some(axis(spec)? as i64).map(|axis| if axis < 0 { axis + rank } else { axis }),
        None => None,
    };
    let axis = axis.filter(|axis| *axis != rank - 1);
    let size = usize::try_from(axis.unwrap_or(rank - 1) - 1).ok().and_then(|axis| *writer.shape().sizes().get(axis)?);
    let channels = size.ok_or("the axis of its channels is open")?;
    // In ONNX, the channels are axis 1.
    let mut order: Vec<i64> = (0..rank).collect();
    match axis {
        None => writer.channels_first(),
        Some(axis) => {
            writer.channels_last();
            order.swap(1, usize::try_from(axis).unwrap_or(1));
            reorder(writer, &order);
        }
    }
    let mut names = Vec::new();
    for (part, option, constant) in [("gamma", "scale", 1.0), ("beta", "center", 0.0)] {
        // The options are absent if they have their defaults.
        names.push(match setting(spec, option) {
            Some(SpecValue::Bool(false)) => {
                writer.constant(part, &Tensor::floats(vec![channels], vec![constant; channels]))
            }
            _ => writer.weight(part, None)?,
        });
    }
    for part in ["moving_mean", "moving_variance"] {
        names.push(writer.weight(part, None)?);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let [epsilon, momentum] = [number(spec, "epsilon")?, number(spec, "momentum")?].map(Attribute::Number);
    writer.node("BatchNormalization", &names, &[("epsilon", epsilon), ("momentum", momentum)]);
    reorder(writer, &inverse(&order));
    Ok(())
}

/// The operator set of `GroupNormalization` with a scale for each channel.
const SCALED_CHANNELS: i64 = 21;

/// Writes a group normalization. Scale and bias are required in ONNX, so they are constants if the layer has none.
pub(super) fn group_norm(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    reject_axis(spec)?;
    let channels = writer.shape().last().ok_or("its last axis is open")?;
    let groups = match setting(spec, "groups") {
        Some(SpecValue::UInt(groups)) => *groups,
        _ => channels,
    };
    writer.channels_first();
    let scale = match flag(spec, "scale")? {
        true => writer.weight("gamma", None)?,
        false => writer.constant("ones", &Tensor::floats(vec![channels], vec![1.0; channels])),
    };
    let bias = match flag(spec, "center")? {
        true => writer.weight("beta", None)?,
        false => writer.constant("zeros", &Tensor::floats(vec![channels], vec![0.0; channels])),
    };
    let attributes =
        [("epsilon", Attribute::Number(number(spec, "epsilon")?)), ("num_groups", Attribute::Integer(groups as i64))];
    writer.require(SCALED_CHANNELS);
    writer.node("GroupNormalization", &[&scale, &bias], &attributes);
    Ok(())
}

/// Writes scale · x / √(mean(x²) + epsilon). The operator `RMSNormalization` exists only in newer sets.
pub(super) fn rms_norm(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    reject_axis(spec)?;
    writer.channels_last();
    let scale = writer.weight("scale", None)?;
    let epsilon = writer.constant("epsilon", &Tensor::floats(Vec::new(), vec![number(spec, "epsilon")?]));
    let last = writer.constant("last", &Tensor::list(vec![-1]));
    let x = writer.value();
    writer.node("Mul", &[&x], &[]);
    writer.node("ReduceMean", &[&last], &[]);
    writer.node("Add", &[&epsilon], &[]);
    writer.node("Sqrt", &[], &[]);
    let root = writer.value();
    writer.node_of("Div", &[&x, &root], &[]);
    writer.node("Mul", &[&scale], &[]);
    Ok(())
}

/// Writes x / max(norm, 10⁻¹²), since `LpNormalization` does not define the result for vectors of zeros.
pub(super) fn unit_norm(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.channels_last();
    let Some(SpecValue::Ints(axes)) = setting(spec, "axis") else { return Err(missing(spec, "axis")) };
    let axes = axes.iter().map(|axis| writer.axis(*axis)).collect();
    let axis = writer.constant("axis", &Tensor::list(axes));
    let least = writer.constant("least", &Tensor::floats(Vec::new(), vec![1e-12]));
    let x = writer.value();
    writer.node("ReduceL2", &[&axis], &[]);
    writer.node("Max", &[&least], &[]);
    let norm = writer.value();
    writer.node_of("Div", &[&x, &norm], &[]);
    Ok(())
}

/// Writes (x − mean) / deviation, or mean + x · deviation, with constants that broadcast along the other axes.
pub(super) fn normalization(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.channels_last();
    let Some(SpecValue::Ints(axes)) = setting(spec, "axis") else { return Err(missing(spec, "axis")) };
    let axes: Vec<i64> = axes.iter().map(|axis| writer.axis(*axis)).collect();
    let first = axes.iter().copied().min().unwrap_or(writer.rank() as i64);
    let size = |axis: i64| match axes.contains(&axis) {
        false => Some(1),
        true => usize::try_from(axis - 1).ok().and_then(|axis| *writer.shape().sizes().get(axis)?),
    };
    let sizes: Option<Vec<usize>> = (first..writer.rank() as i64).map(size).collect();
    let sizes = sizes.ok_or("one of its axes is open")?;
    let values = |name: &str| match setting(spec, name) {
        Some(SpecValue::Floats(values)) => Ok(values.clone()),
        _ => writer.weight_values(name),
    };
    let (mean, variance) = (values("mean")?, values("variance")?);
    let deviation = variance.iter().map(|variance| variance.sqrt().max(Normalization::SMALLEST_DEVIATION)).collect();
    let tensor = |values: Vec<f32>| Tensor::floats(if values.len() == 1 { Vec::new() } else { sizes.clone() }, values);
    let [mean, deviation] = [("center", tensor(mean)), ("deviation", tensor(deviation))]
        .map(|(name, tensor)| writer.fixed_constant(name, tensor));
    match flag(spec, "invert")? {
        true => {
            writer.node("Mul", &[&deviation], &[]);
            writer.node("Add", &[&mean], &[]);
        }
        false => {
            writer.node("Sub", &[&mean], &[]);
            writer.node("Div", &[&deviation], &[]);
        }
    }
    Ok(())
}
