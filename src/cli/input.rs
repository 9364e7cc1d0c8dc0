//! Samples for a model from pictures and arrays.
//!
//! An array must have the shape of the input, in the axis order of the model's file or of `--layout`. An array with the same
//! number of elements but a different shape is not reshaped.

use super::picture::picture;
use super::reading::{Layout, Reading};
use super::source::{ending, unknown_ending, wrong};
use crate::architecture::ValueInfo;
use crate::axis_order::AxisOrder;
use crate::error::{Error, Result};
use crate::formats::npy::{self, NumpyArray};
use crate::formats::npz;
use crate::shape::Shape;
use ndarray::{ArrayD, Axis};
use std::path::Path;

/// Reads the samples of a file for an input, with the shape rows × that of the input.
pub(super) fn samples(path: &Path, input: &ValueInfo, reading: Reading) -> Result<ArrayD<f32>> {
    let array = match ending(path) {
        "png" => return picture(path, input.shape(), reading),
        "npy" => floats(npy::read_with(path, reading.memory)?, reading),
        "npz" => {
            let arrays = npz::read_with(path, reading.memory)?.arrays.into_iter().collect();
            floats(only(path, arrays, input.name())?, reading)
        }
        _ => return Err(unknown_ending(path)),
    };
    fitted(path, array, input, reading.layout)
}

/// Returns the array with the name of the input, the array `x`, or the only array.
pub(super) fn only(path: &Path, mut arrays: Vec<(String, NumpyArray)>, input: &str) -> Result<NumpyArray> {
    let named = |wanted: &str| arrays.iter().position(|(name, _)| name == wanted);
    let at = named(input).or_else(|| named("x")).or((arrays.len() == 1).then_some(0));
    let names = || arrays.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    let at = at.ok_or_else(|| wrong(path, format!("it has the arrays {}, expected one, or x", names())))?;
    Ok(arrays.swap_remove(at).1)
}

/// Reads the samples of a file for all inputs of a model: an `.npz` with their names.
pub(super) fn named_samples(path: &Path, inputs: &[ValueInfo], reading: Reading) -> Result<Vec<(String, ArrayD<f32>)>> {
    if let [input] = inputs {
        return Ok(vec![(input.name().to_owned(), samples(path, input, reading)?)]);
    }
    let names = || inputs.iter().map(ValueInfo::name).collect::<Vec<_>>().join(", ");
    if ending(path) != "npz" {
        return Err(wrong(path, format!("the model has the inputs {}, expected an .npz with these arrays", names())));
    }
    let mut arrays = npz::read(path)?;
    let found = arrays.keys().cloned().collect::<Vec<_>>().join(", ");
    let mut read = Vec::new();
    for input in inputs {
        let array = arrays.remove(input.name());
        let array = array.ok_or_else(|| {
            wrong(path, format!("it has the arrays {found}, expected {}, the inputs of the model", names()))
        })?;
        read.push((input.name().to_owned(), fitted(path, floats(array, reading), input, reading.layout)?));
    }
    Ok(read)
}

/// Converts to float32 and divides by the number of `--divide`.
pub(super) fn floats(array: NumpyArray, reading: Reading) -> ArrayD<f32> {
    let array = array.into_floats();
    match reading.divide {
        Some(number) => array / number,
        None => array,
    }
}

/// Returns the array as rows × one sample in the model's order. An array with the rank of a sample is one sample; with
/// one more axis it is rows of samples. In the model's own order, a last axis of size 1 is optional.
pub(super) fn fitted(path: &Path, array: ArrayD<f32>, input: &ValueInfo, layout: Layout) -> Result<ArrayD<f32>> {
    let Ok(found) = Shape::new(array.shape()) else {
        return Err(wrong(path, format!("its array has {} axes, expected at most 6", array.ndim())));
    };
    let order = layout.order(input);
    if found.axis(0) == 0 && found.rank() > 0 {
        return Err(wrong(path, format!("its array is {found}, expected at least one row")));
    }
    match place(found, input, order, layout) {
        Some(Place::Rows) => order.to_model(array),
        Some(Place::Sample) => order.to_model(array.insert_axis(Axis(0))),
        Some(Place::Flat) => {
            let values = array.as_standard_layout().into_owned();
            values.into_shape_with_order(vec![found.axis(0), found.sample().len()]).map_err(Error::other)
        }
        None => Err(wrong(path, mismatch(found, input, order, layout))),
    }
}

/// The interpretation of an array for a model.
enum Place {
    Rows,
    Sample,
    /// Rows of samples that are flattened to one axis.
    Flat,
}

/// Returns the interpretation of an array with shape `found` in this order, or `None` if it does not fit.
fn place(found: Shape, input: &ValueInfo, order: AxisOrder, layout: Layout) -> Option<Place> {
    let sample = input.shape();
    if layout.is_flat() {
        let fits = found.rank() > 1 && sample == Shape::from(found.sample().len());
        return fits.then_some(Place::Flat);
    }
    let expected = order.shape_in_file(sample);
    if expected.contains(found) {
        return Some(Place::Sample);
    }
    let rows = found.rank() > 0
        && (expected.contains(found.sample()) || (order.is_channels_last() && input.takes(found.sample())));
    rows.then_some(Place::Rows)
}

/// The message for an array with shape `found`, with a layout that would fit.
fn mismatch(found: Shape, input: &ValueInfo, order: AxisOrder, layout: Layout) -> String {
    let sample = input.shape();
    let expected = match layout {
        Layout::Flat if sample.rank() == 1 => format!("rows of {sample} elements"),
        Layout::Flat => format!("{sample}, because --layout flat is for models whose samples have one axis"),
        _ => {
            let expected = order.shape_in_file(sample);
            format!("rows × {expected}, or {expected} for one sample")
        }
    };
    let others = Layout::NAMES.into_iter().filter(|(_, other)| *other != layout);
    let other = others.into_iter().find(|(_, other)| {
        let order = match other {
            Layout::ChannelsFirst => AxisOrder::channels_first(sample.rank()),
            _ => AxisOrder::CHANNELS_LAST,
        };
        place(found, input, order, *other).is_some()
    });
    let remedy = other.map_or("transpose or reshape it".into(), |(name, _)| format!("use --layout {name}"));
    format!("its array is {found}, expected {expected}; {remedy}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array, IxDyn};

    /// The shape that an array with these sizes is converted to, or the message.
    fn shape(sizes: &[usize], input: &ValueInfo, layout: Layout) -> Result<Vec<usize>, String> {
        let fitted = fitted(Path::new("x.npy"), ArrayD::zeros(IxDyn(sizes)), input, layout);
        fitted.map(|array| array.shape().to_vec()).map_err(|error| error.to_string())
    }

    #[test]
    fn only_equal_shapes_fit() {
        let images = ValueInfo::new("input", [8, 6, 3]);
        let first = images.clone().with_axis_order(AxisOrder::channels_first(3));
        let fits =
            |sizes: &[usize], input, layout| shape(sizes, input, layout).is_ok_and(|rows| rows[1..] == [8, 6, 3]);
        assert!(fits(&[5, 8, 6, 3], &images, Layout::File) && fits(&[8, 6, 3], &images, Layout::File));
        assert!(fits(&[5, 3, 8, 6], &first, Layout::File) && fits(&[3, 8, 6], &first, Layout::File));
        assert!(fits(&[5, 3, 8, 6], &images, Layout::ChannelsFirst));
        assert!(fits(&[5, 8, 6, 3], &first, Layout::ChannelsLast));
        for sizes in [&[][..], &[8, 6], &[5, 3, 8, 6], &[5, 6, 8, 3], &[5, 144], &[144], &[720], &[0, 8, 6, 3], &[1; 7]]
        {
            assert!(shape(sizes, &images, Layout::File).is_err(), "{sizes:?}");
        }
        let text = "x.npy: its array is 5 × 3 × 8 × 6, expected rows × 8 × 6 × 3, or 8 × 6 × 3 for one sample; use --layout \
                    channels_first";
        assert_eq!(shape(&[5, 3, 8, 6], &images, Layout::File).unwrap_err(), text);
        let text = "x.npy: its array is 5 × 8 × 6 × 3, expected rows × 3 × 8 × 6, or 3 × 8 × 6 for one sample; use --layout \
                    channels_last";
        assert_eq!(shape(&[5, 8, 6, 3], &first, Layout::File).unwrap_err(), text);
        let text = "x.npy: its array is 5 × 144, expected rows × 8 × 6 × 3, or 8 × 6 × 3 for one sample; transpose or \
                    reshape it";
        assert_eq!(shape(&[5, 144], &images, Layout::File).unwrap_err(), text);
    }

    #[test]
    fn a_last_axis_of_size_1_is_optional() {
        let images = ValueInfo::new("input", [4, 4, 1]);
        assert_eq!(shape(&[5, 4, 4], &images, Layout::File).unwrap(), [5, 4, 4]);
        assert_eq!(shape(&[4, 4, 1], &images, Layout::File).unwrap(), [1, 4, 4, 1]);
        assert!(shape(&[4, 4], &images, Layout::File).is_err());
        assert_eq!(shape(&[5, 3, 1], &ValueInfo::new("input", [3]), Layout::File).unwrap(), [5, 3, 1]);
        assert_eq!(shape(&[5], &ValueInfo::new("input", [1]), Layout::File).unwrap(), [5]);
        let first = images.with_axis_order(AxisOrder::channels_first(3));
        assert!(shape(&[5, 4, 4], &first, Layout::File).is_err(), "the file has the axis of 1 first");
    }

    #[test]
    fn samples_are_flattened_only_on_request() {
        let row = ValueInfo::new("input", [12]);
        assert_eq!(shape(&[5, 3, 4], &row, Layout::Flat).unwrap(), [5, 12]);
        let text = "x.npy: its array is 5 × 3 × 4, expected rows × 12, or 12 for one sample; use --layout flat";
        assert_eq!(shape(&[5, 3, 4], &row, Layout::File).unwrap_err(), text);
        let text = "x.npy: its array is 5 × 13, expected rows of 12 elements; transpose or reshape it";
        assert_eq!(shape(&[5, 13], &row, Layout::Flat).unwrap_err(), text);
        let text = "x.npy: its array is 5 × 4 × 4, expected 4 × 4 × 1, because --layout flat is for models whose samples have \
                    one axis; use --layout channels_last";
        assert_eq!(shape(&[5, 4, 4], &ValueInfo::new("input", [4, 4, 1]), Layout::Flat).unwrap_err(), text);
        let array = Array::from_shape_fn(IxDyn(&[2, 2, 3]), |at| (at[0] * 6 + at[1] * 3 + at[2]) as f32);
        let flat = fitted(Path::new("x"), array, &ValueInfo::new("input", [6]), Layout::Flat).unwrap();
        assert_eq!(flat.iter().copied().collect::<Vec<f32>>(), (0..12).map(|n| n as f32).collect::<Vec<f32>>());
    }
}
