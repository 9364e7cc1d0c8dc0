//! Export of layers that change the shape or the order of elements.

use super::layer_settings::{missing, size, sizes};
use super::node::Attribute;
use super::tensor::Tensor;
use super::writer::Writer;
use crate::Spec;

type Written = Result<(), String>;

pub(super) fn flatten(writer: &mut Writer<'_>, _spec: &Spec) -> Written {
    writer.channels_last();
    if writer.shape().rank() != 1 {
        writer.node("Flatten", &[], &[("axis", Attribute::Integer(1))]);
    }
    Ok(())
}

pub(super) fn reshape(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.channels_last();
    let sizes = sizes(spec, "target_shape")?;
    // 0 keeps the number of rows.
    let target = [&[0], sizes].concat().iter().map(|size| *size as i64).collect();
    let target = writer.constant("shape", &Tensor::list(target));
    writer.node("Reshape", &[&target], &[]);
    Ok(())
}

/// The name of a constant that lists sizes of the axes in their current order.
fn ordered(writer: &Writer<'_>, part: &str) -> String {
    if writer.is_channels_first() { format!("{part}_channels_first") } else { part.to_owned() }
}

/// The pair of numbers for each spatial axis of a layer, such as the padding before and after.
fn pairs(writer: &Writer<'_>, spec: &Spec, name: &str) -> Result<Vec<[i64; 2]>, String> {
    let numbers = sizes(spec, name)?;
    let (pairs, rest) = numbers.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() + 2 != writer.rank() {
        return Err(missing(spec, name));
    }
    Ok(pairs.iter().map(|pair| pair.map(|number| number as i64)).collect())
}

/// Writes zero padding of images or sequences in their current axis order.
pub(super) fn zero_padding(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    let mut around = vec![[0, 0]];
    let pairs = pairs(writer, spec, "padding")?;
    match writer.is_channels_first() {
        true => around.extend([[0, 0]].into_iter().chain(pairs)),
        false => around.extend(pairs.into_iter().chain([[0, 0]])),
    }
    let pads = [0, 1].into_iter().flat_map(|side| around.iter().map(move |pair| pair[side])).collect();
    let pads = writer.constant(&ordered(writer, "pads"), &Tensor::list(pads));
    writer.node("Pad", &[&pads], &[("mode", Attribute::Text("constant".into()))]);
    Ok(())
}

/// Writes the removal of borders of images or sequences in their current axis order.
pub(super) fn cropping(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    let pairs = pairs(writer, spec, "cropping")?;
    let first = if writer.is_channels_first() { 2 } else { 1 };
    let axes = (0..pairs.len() as i64).map(|axis| axis + first).collect();
    let starts = pairs.iter().map(|pair| pair[0]).collect();
    // An end counts from the end of the axis, whose size may be open.
    let ends = pairs.iter().map(|pair| if pair[1] == 0 { i64::MAX } else { -pair[1] }).collect();
    let axes = writer.constant(&ordered(writer, "axes"), &Tensor::list(axes));
    let [starts, ends] =
        [("starts", starts), ("ends", ends)].map(|(part, list)| writer.constant(part, &Tensor::list(list)));
    writer.node("Slice", &[&starts, &ends, &axes], &[]);
    Ok(())
}

/// Writes a permutation of axes.
pub(super) fn permute(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.channels_last();
    let axes = [&[0], sizes(spec, "dims")?].concat().iter().map(|axis| *axis as i64).collect();
    writer.node("Transpose", &[], &[("perm", Attribute::Integers(axes))]);
    Ok(())
}

/// Writes the repetition of a vector.
pub(super) fn repeat_vector(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    let second = writer.constant("second", &Tensor::list(vec![1]));
    let target = writer.constant("target", &Tensor::list(vec![1, size(spec, "n")? as i64, 1]));
    writer.node("Unsqueeze", &[&second], &[]);
    writer.node("Expand", &[&target], &[]);
    Ok(())
}
