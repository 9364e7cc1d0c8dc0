//! Samples for a model, from pictures and arrays.

use super::source::{ending, unknown_ending};
use crate::error::{Error, Result};
use crate::files::read_whole;
use crate::formats::npy::{self, NumpyArray};
use crate::formats::npz;
use crate::shape::Shape;
use ndarray::{ArrayD, IxDyn};
use std::io::Cursor;
use std::path::Path;

/// The most pixels that a picture may have.
const MOST_PIXELS: usize = 1 << 24;

/// How bytes and pictures become floats.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) raw: bool,
    pub(super) invert: bool,
}

/// The samples of a file, n × the shape that the model takes.
pub(super) fn samples(path: &Path, sample: Shape, reading: Reading) -> Result<ArrayD<f32>> {
    let array = match ending(path) {
        "png" => picture(path, sample, reading)?,
        "npy" => floats(npy::read(path)?, reading),
        "npz" => floats(only(path, npz::read(path)?.into_iter().collect())?, reading),
        _ => return Err(unknown_ending(path)),
    };
    fitted(path, array, sample)
}

/// The array `x`, or the only one.
fn only(path: &Path, mut arrays: Vec<(String, NumpyArray)>) -> Result<NumpyArray> {
    let at = arrays.iter().position(|(name, _)| name == "x").or((arrays.len() == 1).then_some(0));
    let names = || arrays.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    let at = at.ok_or_else(|| wrong(path, format!("it has the arrays {}, expected one, or x", names())))?;
    Ok(arrays.swap_remove(at).1)
}

/// Bytes from 0 to 1 unless they are wanted raw.
pub(super) fn floats(array: NumpyArray, reading: Reading) -> ArrayD<f32> {
    let bytes = matches!(array, NumpyArray::Bytes(_));
    let array = array.into_floats();
    if bytes && !reading.raw { array / 255.0 } else { array }
}

/// The same elements as n samples; one sample may come without an axis for n.
fn fitted(path: &Path, array: ArrayD<f32>, sample: Shape) -> Result<ArrayD<f32>> {
    let found = array.shape().to_vec();
    let rows = match array.len() {
        length if length == sample.len() && found.first() != Some(&1) => 1,
        _ => found.first().copied().unwrap_or(1),
    };
    let sizes = [&[rows], sample.sizes()].concat();
    let told = || wrong(path, format!("it holds {found:?} elements, expected samples of {sample}"));
    if rows.checked_mul(sample.len()) != Some(array.len()) || rows == 0 {
        return Err(told());
    }
    let values = array.as_standard_layout().into_owned();
    values.into_shape_with_order(IxDyn(&sizes)).map_err(|_| told())
}

/// A picture's pixels in as many channels as the model takes, gray where it takes one.
fn picture(path: &Path, sample: Shape, reading: Reading) -> Result<ArrayD<f32>> {
    let broken = |error: png::DecodingError| wrong(path, format!("it is not a PNG picture: {error}"));
    let bytes = read_whole(path)?;
    let mut decoder = png::Decoder::new(Cursor::new(&bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(broken)?;
    let size = reader.output_buffer_size().filter(|size| *size <= 4 * MOST_PIXELS);
    let size = size.ok_or_else(|| wrong(path, format!("it has more than {MOST_PIXELS} pixels")))?;
    let mut pixels = vec![0; size];
    let info = reader.next_frame(&mut pixels).map_err(broken)?;
    let channels = info.color_type.samples();
    let colours = if sample.rank() == 3 { sample.last() } else { 1 };
    let mut values = Vec::new();
    for pixel in pixels[..info.buffer_size()].chunks_exact(channels) {
        match (colours, pixel) {
            (3, [red, green, blue, ..]) => values.extend([*red, *green, *blue].map(f32::from)),
            (3, [gray, ..]) => values.extend([f32::from(*gray); 3]),
            (_, [red, green, blue, ..]) => {
                // How bright eyes find the colours (Rec. 601).
                values.push(0.299 * f32::from(*red) + 0.587 * f32::from(*green) + 0.114 * f32::from(*blue));
            }
            (_, [gray, ..]) => values.push(f32::from(*gray)),
            (_, []) => {}
        }
    }
    let scale = if reading.raw { 1.0 } else { 255.0 };
    values.iter_mut().for_each(|value| *value = if reading.invert { 255.0 - *value } else { *value } / scale);
    let (height, width, colours) = (info.height as usize, info.width as usize, if colours == 3 { 3 } else { 1 });
    if values.len() != sample.len() {
        let problem = format!("the picture is {height} × {width}, the model takes {sample}; scale it first");
        return Err(wrong(path, problem));
    }
    ArrayD::from_shape_vec(vec![1, height, width, colours], values).map_err(Error::other)
}

pub(super) fn wrong(path: &Path, problem: String) -> Error {
    Error::Format { path: path.into(), problem }
}
