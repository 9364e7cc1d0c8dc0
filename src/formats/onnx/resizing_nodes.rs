//! Export of layers that resize images.

use super::layer_settings::{extents, flag, number, setting, size};
use super::node::Attribute;
use super::tensor::Tensor;
use super::writer::Writer;
use crate::ops::Interpolation;
use crate::{Spec, SpecValue};

type Written = Result<(), String>;

/// Writes the enlargement of images or sequences by whole factors.
pub(super) fn up_sampling(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.channels_first();
    let (factors, interpolation) = (extents(spec, "size")?, interpolation(spec, Interpolation::Nearest)?);
    let word = |word: &str| Attribute::Text(word.into());
    let attributes = match interpolation {
        Interpolation::Nearest => vec![
            ("coordinate_transformation_mode", word("asymmetric")),
            ("mode", word("nearest")),
            ("nearest_mode", word("floor")),
        ],
        Interpolation::Bilinear => vec![("mode", word("linear"))],
        interpolation => {
            let mut targets = Vec::new();
            for (axis, factor) in factors.iter().enumerate() {
                targets.push(fixed(writer, axis)? * factor);
            }
            return by_products(writer, &targets, interpolation, false);
        }
    };
    let scales: Vec<f32> = [1.0, 1.0].into_iter().chain(factors.into_iter().map(|factor| factor as f32)).collect();
    let scales = writer.constant("scales", &Tensor::floats(vec![scales.len()], scales));
    writer.node("Resize", &["", &scales], &attributes);
    Ok(())
}

/// Writes the resizing of images to a given size.
pub(super) fn resizing(writer: &mut Writer<'_>, spec: &Spec) -> Written {
    writer.channels_first();
    let (interpolation, antialias) = (interpolation(spec, Interpolation::Bilinear)?, flag(spec, "antialias")?);
    let target = [size(spec, "height")?, size(spec, "width")?];
    let image = [fixed(writer, 0)?, fixed(writer, 1)?];
    // In single precision, as in Keras.
    let scaled = |size: usize, to: usize, of: usize| (size.saturating_mul(to) as f32 / of as f32) as usize;
    let in_ratio = [scaled(image[1], target[0], target[1]), scaled(image[0], target[1], target[0])];
    let mut resized = image;
    if flag(spec, "crop_to_aspect_ratio")? {
        resized = [0, 1].map(|axis| in_ratio[axis].clamp(1, image[axis]));
        let starts = [0, 1].map(|axis| (image[axis] - resized[axis]) / 2);
        let list = |sizes: [usize; 2]| Tensor::list(sizes.map(|size| size as i64).to_vec());
        let ends = writer.constant(&named("ends", image), &list([0, 1].map(|axis| starts[axis] + resized[axis])));
        let starts = writer.constant(&named("starts", image), &list(starts));
        let axes = writer.constant("axes", &list([2, 3]));
        writer.node("Slice", &[&starts, &ends, &axes], &[]);
    } else if flag(spec, "pad_to_aspect_ratio")? {
        let pads = [0, 1].map(|axis| (in_ratio[axis].max(image[axis]) - image[axis]) / 2);
        resized = [0, 1].map(|axis| image[axis] + 2 * pads[axis]);
        let around = [0, 0, pads[0] as i64, pads[1] as i64].repeat(2);
        let pads = writer.constant(&named("pads", image), &Tensor::list(around));
        let value = writer.constant("fill_value", &Tensor::floats(Vec::new(), vec![number(spec, "fill_value")?]));
        writer.node("Pad", &[&pads, &value], &[("mode", Attribute::Text("constant".into()))]);
    }
    for (axis, from) in resized.into_iter().enumerate() {
        product(writer, axis, [from, target[axis]], interpolation, antialias);
    }
    Ok(())
}

/// Writes a resizing of each axis as a product with its weights.
fn by_products(writer: &mut Writer<'_>, to: &[usize], interpolation: Interpolation, antialias: bool) -> Written {
    for (axis, to) in to.iter().enumerate() {
        let from = fixed(writer, axis)?;
        product(writer, axis, [from, *to], interpolation, antialias);
    }
    Ok(())
}

/// Writes the resizing of the rows (`axis` 0) or columns (1) of images with channels first as a matrix product. `Resize` has not
/// all interpolations of Keras.
fn product(writer: &mut Writer<'_>, axis: usize, [from, to]: [usize; 2], kind: Interpolation, antialias: bool) {
    if from == to {
        return;
    }
    // A matrix of rows to × from, or of from × columns to.
    let mut values = vec![0.0; from * to];
    for (at, terms) in kind.terms(from, to, antialias).into_iter().enumerate() {
        for (element, weight) in terms {
            values[if axis == 0 { at * from + element } else { element * to + at }] = weight;
        }
    }
    let sizes = if axis == 0 { vec![to, from] } else { vec![from, to] };
    let part = format!("{}_{from}", ["rows", "columns"][axis]);
    let matrix = writer.fixed_constant(&part, Tensor::floats(sizes, values));
    let x = writer.value();
    let inputs = if axis == 0 { [matrix, x] } else { [x, matrix] };
    writer.node_of("MatMul", &[&inputs[0], &inputs[1]], &[]);
}

/// The name of a constant that depends on the size of the image.
fn named(part: &str, [height, width]: [usize; 2]) -> String {
    format!("{part}_{height}_{width}")
}

/// The size of a spatial axis, which must not be open.
fn fixed(writer: &Writer<'_>, axis: usize) -> Result<usize, String> {
    let size = writer.shape().sizes().get(axis).copied().flatten();
    size.ok_or_else(|| "its weights depend on the size of an open axis".to_owned())
}

fn interpolation(spec: &Spec, default: Interpolation) -> Result<Interpolation, String> {
    match setting(spec, "interpolation") {
        Some(SpecValue::Str(name)) => {
            Interpolation::from_name(name).ok_or_else(|| format!("unknown interpolation {name}"))
        }
        _ => Ok(default),
    }
}
