//! Options of layers whose notation in Keras differs from that of the settings, and settings that are absent by default.

use super::object::Config;
use super::options::{DRAWS, InactiveOption, ignored, only_false};
use super::result::Result;
use crate::constraints::{Constraint, NonNeg};
use crate::layers::{Activation, Layer, Lstm};
use crate::regularizers::{L2, Regularizer};
use crate::{Shape, Spec};
use serde_json::{Value, json};

/// The regularizers and constraints of these weights of a layer. Only the type of the values matters.
pub(super) fn of_weights(names: &[&str]) -> Spec {
    let mut spec = Spec::new("");
    for name in names {
        spec = spec.with(format!("{name}_regularizer"), L2::default().spec());
        spec = spec.with(format!("{name}_constraint"), NonNeg.spec());
    }
    spec
}

/// The regularizers and constraints of a recurrent layer, and its batch size.
pub(super) fn recurrent_options() -> Spec {
    of_weights(&["kernel", "recurrent", "bias"]).with("stateful", 1_usize)
}

/// Options of a recurrent layer without a setting in gradus.
pub(super) const RECURRENT: &[InactiveOption] = &[
    ignored("seed", DRAWS),
    only_false("time_major"),
    ignored("unroll", IMPLEMENTATION),
    ignored("implementation", IMPLEMENTATION),
    ignored("use_cudnn", IMPLEMENTATION),
];

/// Why results do not depend on an option of a recurrent layer.
pub(super) const IMPLEMENTATION: &str = "it selects an implementation in Keras";

/// The layer of the backward direction of a `Bidirectional`.
pub(super) fn backward_layer() -> Spec {
    Spec::new("").with("backward_layer", Lstm::new(1).spec())
}

/// Names the merge mode of a `Bidirectional` that Keras writes as null.
pub(super) fn name_merge_mode(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    if let Some(mode) = config.get_mut("merge_mode").filter(|mode| mode.is_null()) {
        *mode = json!("none");
    }
    Ok(())
}

/// Writes the merge mode `none` as null.
pub(super) fn null_merge_mode(config: &mut Config) -> Result<()> {
    if let Some(mode) = config.get_mut("merge_mode").filter(|mode| **mode == "none") {
        *mode = Value::Null;
    }
    Ok(())
}

/// The options of a table of embeddings.
pub(super) fn embedding_options() -> Spec {
    of_weights(&["embeddings"]).with("mask_zero", true)
}

/// Returns an error for activations without a name in Keras 3.
pub(super) fn reject_unnamed_activations(config: &mut Config) -> Result<()> {
    for name in ["activation", "recurrent_activation"] {
        for unnamed in
            [Activation::GeluTanh, Activation::LegacyHardSigmoid, Activation::Sparsemax].map(Activation::name)
        {
            if config.get(name).is_some_and(|found| found == unnamed) {
                return Err(format!("has {name} {unnamed}, for which Keras has no name"));
            }
        }
    }
    Ok(())
}

/// Renames `alpha`, the name of `negative_slope` in Keras 2.
pub(super) fn rename_alpha(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    if let Some(alpha) = config.remove("alpha") {
        config.insert("negative_slope".into(), alpha);
    }
    Ok(())
}

/// Splits `axes`, a number or one number for each input, into two options.
pub(super) fn split_axes(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    let [axis, other] = match config.remove("axes") {
        Some(Value::Array(axes)) => match &axes[..] {
            [axis, other] => [axis.clone(), other.clone()],
            _ => return Err(format!("axes is {}, expected one axis for each input", Value::from(axes))),
        },
        Some(axis) => [axis.clone(), axis],
        None => return Ok(()),
    };
    config.insert("axis".into(), axis);
    config.insert("other_axis".into(), other);
    Ok(())
}

/// Writes the two axes as one option.
pub(super) fn join_axes(config: &mut Config) -> Result<()> {
    if let (Some(axis), Some(other)) = (config.remove("axis"), config.remove("other_axis")) {
        config.insert("axes".into(), json!([axis, other]));
    }
    Ok(())
}

/// Rejects strides together with dilation, which Keras has for depthwise and separable convolutions only.
pub(super) fn strides_or_dilation(config: &mut Config) -> Result<()> {
    let exceeds_one = |name: &str| match config.get(name) {
        Some(Value::Array(sizes)) => sizes.iter().any(|size| size.as_u64() > Some(1)),
        size => size.and_then(Value::as_u64) > Some(1),
    };
    match exceeds_one("strides") && exceeds_one("dilation_rate") {
        true => Err("has strides and dilation_rate greater than 1, and in Keras one of them must be 1".into()),
        false => Ok(()),
    }
}

/// Flattens the option `name`, which Keras writes by axis (`[1, 2]`) or by side (`[[1, 1], [2, 2]]`), to one size per side.
pub(super) fn expand_sides(config: &mut Config, name: &str) -> Result<()> {
    if let Some(Value::Array(axes)) = config.get(name) {
        let both = |axis: &Value| axis.as_array().cloned().unwrap_or_else(|| vec![axis.clone(); 2]);
        let sides: Vec<Value> = axes.iter().flat_map(both).collect();
        config.insert(name.into(), json!(sides));
    }
    Ok(())
}

/// Groups the sizes of the option `name`, one per side, by axis.
pub(super) fn group_by_axis(config: &mut Config, name: &str) -> Result<()> {
    if let Some(Value::Array(sides)) = config.get(name) {
        let axes: Vec<_> = sides.chunks(2).collect();
        config.insert(name.into(), json!(axes));
    }
    Ok(())
}

/// Replaces lists of one size, which Keras writes for layers with one axis of positions, by the size.
pub(super) fn single_sizes(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    for name in ["kernel_size", "strides", "dilation_rate", "pool_size", "output_padding", "output_size"] {
        if let Some(Value::Array(sizes)) = config.get(name)
            && let [size] = &sizes[..]
        {
            let size = size.clone();
            config.insert(name.into(), size);
        }
    }
    Ok(())
}

/// Sets the strides of a layer with one axis of positions to the size of the pool if they are missing.
pub(super) fn single_strides(config: &mut Config, input: Option<Shape>) -> Result<()> {
    if config.get("strides").is_none_or(Value::is_null) {
        let pool_size = config.get("pool_size").cloned().unwrap_or(json!(2));
        config.insert("strides".into(), pool_size);
    }
    single_sizes(config, input)
}

/// Replaces a list of one axis by the axis, and removes the last axis, which is the default.
pub(super) fn single_axis(config: &mut Config, input: Option<Shape>) -> Result<()> {
    let axis = match config.get("axis") {
        Some(Value::Array(axes)) if axes.len() == 1 => axes[0].clone(),
        Some(axis) => axis.clone(),
        None => return Ok(()),
    };
    // The batch is axis 0.
    if axis == -1 || input.is_some_and(|input| axis == input.rank()) {
        config.remove("axis");
    } else {
        config.insert("axis".into(), axis);
    }
    Ok(())
}

/// Replaces the axis null of `Normalization` by no axis, and single numbers and nested lists of means and variances by lists.
pub(super) fn given_statistics(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    if let Some(axis) = config.get_mut("axis").filter(|axis| axis.is_null()) {
        *axis = json!([]);
    }
    for name in ["mean", "variance"] {
        if let Some(values) = config.get_mut(name).filter(|values| !values.is_null()) {
            let mut numbers = Vec::new();
            flatten(values, &mut numbers);
            *values = json!(numbers);
        }
    }
    Ok(())
}

/// Adds the numbers of nested lists in their order.
fn flatten(value: &Value, numbers: &mut Vec<Value>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| flatten(value, numbers)),
        number => numbers.push(number.clone()),
    }
}

/// Replaces null, the size of the input, in `noise_shape` by 0.
pub(super) fn open_sizes_to_zero(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    if let Some(Value::Array(sizes)) = config.get_mut("noise_shape") {
        sizes.iter_mut().filter(|size| size.is_null()).for_each(|size| *size = json!(0));
    }
    Ok(())
}

/// Replaces 0, the size of the input, in `noise_shape` by null.
pub(super) fn open_sizes_to_null(config: &mut Config) -> Result<()> {
    if let Some(Value::Array(sizes)) = config.get_mut("noise_shape") {
        sizes.iter_mut().filter(|size| **size == 0).for_each(|size| *size = Value::Null);
    }
    Ok(())
}

/// Replaces one number for the range of a random factor by its bounds: from its negative to the number.
pub(super) fn bounds_around_zero(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    for name in ["factor", "height_factor", "width_factor", "x_factor", "y_factor"] {
        bounds(config, name, -1.0);
    }
    Ok(())
}

/// Replaces one number for the range of a random factor by its bounds: from 0 to the number.
pub(super) fn bounds_from_zero(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    ["factor", "scale"].iter().for_each(|name| bounds(config, name, 0.0));
    Ok(())
}

/// Replaces a number n by the bounds `low` · |n|, without a negative zero, and |n|.
fn bounds(config: &mut Config, name: &str, low: f64) {
    if let Some(number) = config.get(name).and_then(Value::as_f64) {
        config.insert(name.into(), json!([low * number.abs() + 0.0, number.abs()]));
    }
}

/// Writes ranges around 0 as one number, since Keras does not read the bounds that it writes.
pub(super) fn shear_factors(config: &mut Config) -> Result<()> {
    for name in ["x_factor", "y_factor"] {
        let bounds = config.get(name).and_then(Value::as_array);
        let Some([low, high]) = bounds.map(|bounds| [0, 1].map(|at| bounds[at].as_f64().unwrap_or(0.0))) else {
            continue;
        };
        if low == -high {
            config.insert(name.into(), json!(high));
        } else if low < 0.0 {
            return Err(format!("has {name} from {low} to {high}, and Keras reads bounds from 0 to 1"));
        }
    }
    Ok(())
}

/// Replaces one fill value by a list, and one number for a range by its bounds.
pub(super) fn erasing_options(config: &mut Config, input: Option<Shape>) -> Result<()> {
    if let Some(value) = config.get("fill_value").filter(|value| value.is_number()) {
        let value = value.clone();
        config.insert("fill_value".into(), json!([value]));
    }
    bounds_from_zero(config, input)
}

/// Writes a list of one fill value as a number.
pub(super) fn single_fill_value(config: &mut Config) -> Result<()> {
    match config.get("fill_value").and_then(Value::as_array).map(|values| (values.len(), values.first().cloned())) {
        Some((1, Some(value))) => drop(config.insert("fill_value".into(), value)),
        Some((3, _)) | None => {}
        Some((count, _)) => return Err(format!("has {count} fill values, and Keras reads 1 or 3")),
    }
    Ok(())
}

/// Sets the strides to the size of the pool if they are missing.
pub(super) fn default_strides(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    if config.get("strides").is_none_or(Value::is_null) {
        let pool_size = config.get("pool_size").cloned().unwrap_or(json!([2, 2]));
        config.insert("strides".into(), pool_size);
    }
    Ok(())
}

/// Sets the strides of a layer of volumes to the size of the pool if they are missing.
pub(super) fn default_strides3d(config: &mut Config, _input: Option<Shape>) -> Result<()> {
    if config.get("strides").is_none_or(Value::is_null) {
        let pool_size = config.get("pool_size").cloned().unwrap_or(json!([2, 2, 2]));
        config.insert("strides".into(), pool_size);
    }
    Ok(())
}

/// Writes a list of one axis as a number.
pub(super) fn write_single_axis(config: &mut Config) -> Result<()> {
    if let Some(Value::Array(axes)) = config.get("axis")
        && let [axis] = &axes[..]
    {
        let axis = axis.clone();
        config.insert("axis".into(), axis);
    }
    Ok(())
}

/// Replaces a size of −1 in `target_shape` by the size that the others leave.
pub(super) fn infer_size(config: &mut Config, input: Option<Shape>) -> Result<()> {
    let Some(Value::Array(sizes)) = config.get_mut("target_shape") else { return Ok(()) };
    let known = sizes.iter().filter_map(Value::as_u64).try_fold(1u64, u64::checked_mul);
    let rest = match (input, known) {
        (Some(input), Some(known)) => (input.len() as u64).checked_div(known),
        // Another problem was reported already.
        (None, _) => Some(1),
        (_, None) => None,
    };
    let Some(size) = sizes.iter_mut().find(|size| **size == -1) else { return Ok(()) };
    *size = json!(1);
    *size = json!(rest.ok_or("target_shape does not fit the input")?);
    Ok(())
}
