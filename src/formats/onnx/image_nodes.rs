//! Export of convolutions and pooling, of images and sequences.

use super::activation_nodes::activation;
use super::layer_settings::{extents, flag, missing, setting, size, word};
use super::node::Attribute;
use super::writer::Writer;
use crate::{SampleShape, Spec};

type Written = Result<(), String>;
type Attributes = Vec<(&'static str, Attribute)>;

/// Writes a convolution along one or two axes.
pub(super) fn convolution(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.channels_first();
    let rank = writer.rank();
    // spatial axes × channels of a group × filters → filters × channels of a group × spatial axes
    let order: Vec<usize> = [rank - 1, rank - 2].into_iter().chain(0..rank - 2).collect();
    let kernel = writer.weight("kernel", Some(&order))?;
    let mut attributes = window(writer.shape(), spec, "kernel_size")?;
    attributes.push(("group", Attribute::Integer(size(spec, "groups")? as i64)));
    convolve(writer, spec, "Conv", &kernel, &attributes)
}

/// Writes a transposed convolution along one or two axes.
pub(super) fn transposed_convolution(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.channels_first();
    let rank = writer.rank();
    // spatial axes × filters × channels → channels × filters × spatial axes
    let order: Vec<usize> = [rank - 1, rank - 2].into_iter().chain(0..rank - 2).collect();
    let kernel = writer.weight("kernel", Some(&order))?;
    let (extent, strides) = (extents(spec, "kernel_size")?, extents(spec, "strides")?);
    let (dilations, same) = (extents(spec, "dilation_rate")?, word(spec, "padding")? == "same");
    let given = if setting(spec, "output_padding").is_some() { Some(extents(spec, "output_padding")?) } else { None };
    let (mut pads, mut added) = (vec![0; 2 * extent.len()], vec![0; extent.len()]);
    for axis in 0..extent.len() {
        let (reach, stride) = ((extent[axis] - 1) * dilations[axis] + 1, strides[axis]);
        // The elements after the last window, or those that are cut off.
        let (missing, cut) = match (same, given.as_ref().map(|given| given[axis])) {
            (false, None) => (stride.saturating_sub(reach), 0),
            (false, Some(given)) => (given, 0),
            (true, None) => (stride.saturating_sub(reach), reach.saturating_sub(stride)),
            (true, Some(given)) => ((reach % 2 + given).saturating_sub(reach), reach.saturating_sub(reach % 2 + given)),
        };
        (pads[axis], pads[axis + extent.len()], added[axis]) = (cut / 2, cut - cut / 2, missing);
    }
    let attributes = [
        ("kernel_shape", integers(&extent)),
        ("strides", integers(&strides)),
        ("dilations", integers(&dilations)),
        ("pads", integers(&pads)),
        ("output_padding", integers(&added)),
    ];
    convolve(writer, spec, "ConvTranspose", &kernel, &attributes)
}

/// Writes a convolution of each channel.
pub(super) fn depthwise(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.channels_first();
    let (kernel, attributes) = depthwise_part(writer, spec, "kernel")?;
    convolve(writer, spec, "Conv", &kernel, &attributes)
}

/// Writes a depthwise and a pointwise convolution.
pub(super) fn separable(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.channels_first();
    let (kernel, attributes) = depthwise_part(writer, spec, "depthwise_kernel")?;
    writer.node("Conv", &[&kernel], &attributes);
    let rank = writer.rank();
    let order: Vec<usize> = [rank - 1, rank - 2].into_iter().chain(0..rank - 2).collect();
    let pointwise = writer.weight("pointwise_kernel", Some(&order))?;
    convolve(writer, spec, "Conv", &pointwise, &[])
}

/// The kernel of a depthwise convolution as a weight of the file, and its attributes.
fn depthwise_part(writer: &mut Writer<'_>, spec: &Spec, part: &str) -> Result<(String, Attributes), String> {
    // spatial axes × channels × multiplier → (channels · multiplier) × 1 × spatial axes
    let (kernel, axes) = (writer.weight_tensor(part)?, writer.rank() - 2);
    let order: Vec<usize> = [axes, axes + 1].into_iter().chain(0..axes).collect();
    let (channels, filters) = (kernel.sizes[axes], kernel.sizes[axes] * kernel.sizes[axes + 1]);
    let sizes = [&[filters, 1], &kernel.sizes[..axes]].concat();
    let kernel = writer.constant(part, &kernel.transposed(&order).reshaped(sizes)?);
    let mut attributes = window(writer.shape(), spec, "kernel_size")?;
    attributes.push(("group", Attribute::Integer(channels as i64)));
    Ok((kernel, attributes))
}

/// Writes a convolution with the bias and the activation of the layer.
fn convolve(
    writer: &mut Writer<'_>,
    spec: &Spec,
    operator: &str,
    kernel: &str,
    attributes: &[(&str, Attribute)],
) -> Written {
    let bias = if flag(spec, "use_bias")? { Some(writer.weight("bias", None)?) } else { None };
    let inputs: Vec<&str> = [Some(kernel), bias.as_deref()].into_iter().flatten().collect();
    writer.node(operator, &inputs, attributes);
    activation(writer, word(spec, "activation")?)
}

/// Writes a pooling layer. Averages exclude padding, which is the default in ONNX.
pub(super) fn pooling(writer: &mut Writer<'_>, spec: &Spec, operator: &str) -> Written {
    writer.channels_first();
    let attributes = window(writer.shape(), spec, "pool_size")?;
    writer.node(operator, &[], &attributes);
    Ok(())
}

pub(super) fn global_pooling(writer: &mut Writer<'_>, spec: &Spec, operator: &str) -> Written {
    writer.channels_first();
    writer.node(operator, &[], &[]);
    // The option is written only if it is set.
    if setting(spec, "keepdims").is_none() {
        writer.flatten();
    }
    Ok(())
}

/// Attributes of a window over an image or a sequence. Padding is explicit unless it depends on the size of an open axis.
fn window(image: SampleShape, spec: &Spec, kernel: &str) -> Result<Attributes, String> {
    let (kernel, strides) = (extents(spec, kernel)?, extents(spec, "strides")?);
    let count = kernel.len();
    let dilations = extents(spec, "dilation_rate");
    let dilation = dilations.clone().unwrap_or_else(|_| vec![1; count]);
    if image.rank() != count + 1 || strides.len() != count || dilation.len() != count {
        return Err(missing(spec, "strides"));
    }
    let mut pads = vec![0; 2 * count];
    let mut attributes = vec![("kernel_shape", integers(&kernel)), ("strides", integers(&strides))];
    if dilations.is_ok() {
        attributes.push(("dilations", integers(&dilation)));
    }
    if word(spec, "padding")? == "same" {
        for axis in 0..count {
            let reach = (kernel[axis] - 1) * dilation[axis] + 1;
            let total = match image.sizes()[axis] {
                Some(size) => ((size.div_ceil(strides[axis]) - 1) * strides[axis] + reach).saturating_sub(size),
                None if strides[axis] == 1 => reach - 1,
                None => {
                    attributes.push(("auto_pad", Attribute::Text("SAME_UPPER".into())));
                    return Ok(attributes);
                }
            };
            (pads[axis], pads[axis + count]) = (total / 2, total - total / 2);
        }
    }
    if word(spec, "padding")? == "causal" {
        (0..count).for_each(|axis| pads[axis] = (kernel[axis] - 1) * dilation[axis]);
    }
    attributes.push(("pads", integers(&pads)));
    Ok(attributes)
}

fn integers(sizes: &[usize]) -> Attribute {
    Attribute::Integers(sizes.iter().map(|size| *size as i64).collect())
}
