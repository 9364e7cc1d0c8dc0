//! Export of `TimeDistributed`: the steps of all rows become rows, and rows of steps again after the nodes of the layer.

use super::layer_settings::nested;
use super::node::Attribute;
use super::tensor::Tensor;
use super::writer::Writer;
use crate::{SampleShape, Spec};

/// Writes the layer, of which `write_layer` writes the inner one.
pub(super) fn write(
    writer: &mut Writer<'_>,
    spec: &Spec,
    write_layer: fn(&mut Writer<'_>, &Spec) -> Result<(), String>,
) -> Result<(), String> {
    let layer = nested(spec, "layer").ok_or("its layer is missing")?;
    writer.channels_last();
    let shape = writer.shape();
    let [_, sample @ ..] = shape.sizes() else { return Err("its input is not a sequence".into()) };
    let fixed: Option<Vec<usize>> = sample.iter().copied().collect();
    let fixed = fixed.ok_or("TimeDistributed of samples of any size cannot be exported")?;
    // The sizes of the rows and steps.
    let x = writer.value();
    let sizes = writer.node_with_outputs("Shape", &[&x], &[], 1).remove(0);
    let rows_and_steps = part(writer, &sizes, 0, 2);

    let each: Vec<i64> = std::iter::once(-1).chain(fixed.iter().map(|size| *size as i64)).collect();
    let each = writer.constant("each_step", &Tensor::list(each));
    writer.node("Reshape", &[&each], &[]);
    writer.set_shape(SampleShape::new(sample).map_err(|error| error.to_string())?);
    write_layer(writer, layer)?;
    writer.channels_last();

    let y = writer.value();
    let sizes = writer.node_with_outputs("Shape", &[&y], &[], 1).remove(0);
    let output = part(writer, &sizes, 1, i64::MAX);
    let both = [rows_and_steps.as_str(), output.as_str()];
    let sizes = writer.node_with_outputs("Concat", &both, &[("axis", Attribute::Integer(0))], 1).remove(0);
    writer.node("Reshape", &[&sizes], &[]);
    Ok(())
}

/// Elements of a list, from `start` to `end`.
fn part(writer: &mut Writer<'_>, list: &str, start: i64, end: i64) -> String {
    let first = writer.constant(&format!("from_{start}"), &Tensor::list(vec![start]));
    let last = writer.constant(&format!("to_{end}"), &Tensor::list(vec![end]));
    writer.node_with_outputs("Slice", &[list, &first, &last], &[], 1).remove(0)
}
