//! Export of pooling to a given number of windows, which ONNX does not have. Windows of equal sizes that do not overlap are those
//! of a pooling operator.

use super::layer_settings::extents;
use super::node::Attribute;
use super::tensor::Tensor;
use super::writer::Writer;
use crate::Spec;

/// Writes the maxima, or the means, of the windows.
pub(super) fn write(writer: &mut Writer<'_>, spec: &Spec, maxima: bool) -> Result<(), String> {
    writer.channels_first();
    let counts = extents(spec, "output_size")?;
    let sizes = writer.shape().sizes().iter().copied().take(counts.len()).collect::<Option<Vec<usize>>>();
    let sizes = sizes.ok_or_else(|| format!("{} of an open axis cannot be exported", spec.class()))?;
    if sizes.iter().zip(&counts).all(|(size, count)| size.is_multiple_of(*count)) {
        let kernel: Vec<usize> = sizes.iter().zip(&counts).map(|(size, count)| size / count).collect();
        pool(writer, if maxima { "MaxPool" } else { "AveragePool" }, &kernel);
        return Ok(());
    }
    for axis in (0..counts.len()).filter(|axis| sizes[*axis] != counts[*axis]) {
        match maxima {
            true => max_along(writer, axis, counts.len(), [sizes[axis], counts[axis]]),
            false => mean_along(writer, axis, counts.len(), [sizes[axis], counts[axis]]),
        }
    }
    Ok(())
}

/// The first element and the end of each window along an axis, as in the adaptive pooling layers.
fn windows(size: usize, count: usize) -> impl Iterator<Item = [usize; 2]> {
    (0..count).map(move |window| [window * size / count, ((window + 1) * size).div_ceil(count)])
}

/// Writes a pooling whose strides are the sizes of the window.
fn pool(writer: &mut Writer<'_>, operator: &str, kernel: &[usize]) {
    let kernel = Attribute::Integers(kernel.iter().map(|size| *size as i64).collect());
    writer.node(operator, &[], &[("kernel_shape", kernel.clone()), ("strides", kernel)]);
}

/// Writes the maxima along a spatial axis: the windows, filled with their last elements, one after the other, are pooled.
fn max_along(writer: &mut Writer<'_>, axis: usize, axes: usize, [size, count]: [usize; 2]) {
    let widest = windows(size, count).map(|[start, end]| end - start).max().unwrap_or(1);
    let elements = |[start, end]: [usize; 2]| (start..start + widest).map(move |at| at.min(end - 1) as i64);
    let elements = windows(size, count).flat_map(elements).collect();
    let elements = writer.constant(&format!("elements_{axis}_{size}"), &Tensor::list(elements));
    writer.node("Gather", &[&elements], &[("axis", Attribute::Integer(axis as i64 + 2))]);
    let kernel: Vec<usize> = (0..axes).map(|other| if other == axis { widest } else { 1 }).collect();
    pool(writer, "MaxPool", &kernel);
}

/// Writes the means along a spatial axis as a product with the weights of the elements.
fn mean_along(writer: &mut Writer<'_>, axis: usize, axes: usize, [size, count]: [usize; 2]) {
    let mut weights = vec![0.0; size * count];
    for (window, [start, end]) in windows(size, count).enumerate() {
        (start..end).for_each(|element| weights[element * count + window] = 1.0 / (end - start) as f32);
    }
    let weights = Tensor::floats(vec![size, count], weights);
    let weights = writer.fixed_constant(&format!("weights_{axis}_{size}"), weights);
    // Products are along the last axis.
    let mut order: Vec<i64> = (0..axes as i64 + 2).collect();
    order.swap(axis + 2, axes + 1);
    let swap = [("perm", Attribute::Integers(order))];
    let is_last = axis + 1 == axes;
    if !is_last {
        writer.node("Transpose", &[], &swap);
    }
    writer.node("MatMul", &[&weights], &[]);
    if !is_last {
        writer.node("Transpose", &[], &swap);
    }
}
