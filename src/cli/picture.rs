//! PNG pictures as samples.

use super::reading::Reading;
use super::source::wrong;
use crate::error::Result;
use crate::files::read_whole;
use crate::sample_shape::SampleShape;
use crate::shape::Shape;
use ndarray::{Array3, ArrayD, Axis};
use png::{BitDepth, ColorType, Decoder, DecodingError, Transformations};
use std::io::Cursor;
use std::path::Path;

/// Maximum number of pixels of a picture.
const MAX_PIXELS: usize = 1 << 24;

/// Reads a picture as one sample with an axis of rows: rows × height × width × channels, without the last axis if the
/// model's samples have two. With the layout `flat`, samples with one axis are flattened.
pub(super) fn picture(path: &Path, sample: SampleShape, reading: Reading) -> Result<ArrayD<f32>> {
    let pixels = Pixels::read(path)?;
    let (height, width) = (pixels.height, pixels.width);
    let channels = match sample.sizes() {
        [_, _, Some(channels @ (1 | 3))] => *channels,
        [Some(length)] if reading.layout.is_flat() && *length == 3 * height * width => 3,
        [_] if reading.layout.is_flat() => 1,
        [_, _] => 1,
        _ => pixels.channels(),
    };
    let found = Shape::from([height, width, channels]);
    let shape = match sample.rank() {
        1 => Shape::from(found.len()),
        2 => Shape::from([height, width]),
        _ => found,
    };
    if !sample.contains(shape) || (sample.rank() == 1 && !reading.layout.is_flat()) {
        let remedy = match sample.rank() {
            1 if sample.contains(shape) => "use --layout flat to flatten it",
            _ => "scale or crop it first",
        };
        let problem = format!("the picture is {found} (height × width × channels), expected {sample}; {remedy}");
        return Err(wrong(path, problem));
    }
    let values = Array3::from_shape_vec((height, width, channels), pixels.values(channels, reading));
    let values = values.and_then(|values| values.into_dyn().into_shape_with_order(shape.sizes()));
    values.map(|values| values.insert_axis(Axis(0))).map_err(crate::error::Error::other)
}

/// A decoded picture.
struct Pixels {
    height: usize,
    width: usize,
    /// Gray or RGB, optionally with alpha.
    color: ColorType,
    depth: BitDepth,
    bytes: Vec<u8>,
}

impl Pixels {
    fn read(path: &Path) -> Result<Pixels> {
        let broken = |error: DecodingError| wrong(path, format!("it is not a PNG picture: {error}"));
        let bytes = read_whole(path)?;
        let mut decoder = Decoder::new(Cursor::new(&bytes));
        // Expands palettes to RGB, transparent colors to alpha, and samples to 8 bits or more.
        decoder.set_transformations(Transformations::EXPAND);
        let mut reader = decoder.read_info().map_err(broken)?;
        let size = reader.output_buffer_size().filter(|size| *size <= 8 * MAX_PIXELS);
        let size = size.ok_or_else(|| wrong(path, format!("it has more than {MAX_PIXELS} pixels")))?;
        let mut bytes = vec![0; size];
        let info = reader.next_frame(&mut bytes).map_err(broken)?;
        bytes.truncate(info.buffer_size());
        let (height, width) = (info.height as usize, info.width as usize);
        Ok(Pixels { height, width, color: info.color_type, depth: info.bit_depth, bytes })
    }

    /// Number of color channels: 1 for gray, 3 for RGB.
    fn channels(&self) -> usize {
        if matches!(self.color, ColorType::Grayscale | ColorType::GrayscaleAlpha) { 1 } else { 3 }
    }

    /// The samples of each pixel, from 0 to 255. Samples of 16 bits keep their fractions.
    fn samples(&self) -> Vec<f32> {
        match self.depth {
            BitDepth::Sixteen => {
                let (pairs, _) = self.bytes.as_chunks();
                pairs.iter().map(|pair| f32::from(u16::from_be_bytes(*pair)) / 257.0).collect()
            }
            _ => self.bytes.iter().map(|byte| f32::from(*byte)).collect(),
        }
    }

    /// The pixels in the model's number of channels, composed on the background.
    fn values(&self, channels: usize, reading: Reading) -> Vec<f32> {
        let (own, alpha) = (self.channels(), self.color.samples() > self.channels());
        let background = reading.background.0.map(f32::from);
        let mut values = Vec::with_capacity(self.height * self.width * channels);
        for pixel in self.samples().chunks_exact(own + usize::from(alpha)) {
            let opaque = if alpha { pixel[own] } else { 255.0 };
            let color = |at: usize| if own == 3 { pixel[at] } else { pixel[0] };
            let composed = |at: usize| match opaque {
                255.0 => color(at),
                _ => (opaque * color(at) + (255.0 - opaque) * background[at]) / 255.0,
            };
            let [red, green, blue] = [0, 1, 2].map(composed);
            match channels {
                3 => values.extend([red, green, blue]),
                _ if red == green && green == blue => values.push(red),
                // Luma of the color (Rec. 601).
                _ => values.push(0.299 * red + 0.587 * green + 0.114 * blue),
            }
        }
        let scale = if reading.raw { 1.0 } else { 255.0 };
        values.iter_mut().for_each(|value| *value = if reading.invert { 255.0 - *value } else { *value } / scale);
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::reading::Background;

    fn pixels(color: ColorType, depth: BitDepth, bytes: &[u8]) -> Pixels {
        Pixels { height: 1, width: 1, color, depth, bytes: bytes.to_vec() }
    }

    fn reading(background: [u8; 3]) -> Reading {
        Reading { raw: true, background: Background(background), ..Reading::default() }
    }

    #[test]
    fn transparent_pixels_are_composed_on_the_background() {
        let white = reading([255; 3]);
        let clear = pixels(ColorType::GrayscaleAlpha, BitDepth::Eight, &[0, 0]);
        assert_eq!((clear.values(1, white), clear.values(3, white)), (vec![255.0], vec![255.0; 3]));
        assert_eq!(clear.values(1, reading([0; 3])), [0.0]);
        assert_eq!(clear.values(3, reading([1, 2, 3])), [1.0, 2.0, 3.0]);
        let half = pixels(ColorType::Rgba, BitDepth::Eight, &[255, 0, 51, 51]);
        assert_eq!(half.values(3, reading([0, 100, 255])), [51.0, 80.0, 214.2]);
        let deep = pixels(ColorType::GrayscaleAlpha, BitDepth::Sixteen, &[0, 0, 128, 0]);
        assert_eq!(deep.values(1, white), [255.0 - 32768.0 / 257.0]);
        let opaque = pixels(ColorType::Rgba, BitDepth::Sixteen, &[255, 255, 1, 1, 0, 0, 255, 255]);
        assert_eq!(opaque.values(3, reading([9; 3])), [255.0, 1.0, 0.0]);
    }

    #[test]
    fn colors_and_grays_are_converted() {
        let reading = reading([0; 3]);
        let gray = pixels(ColorType::Grayscale, BitDepth::Eight, &[7]);
        assert_eq!(gray.values(3, reading), [7.0; 3]);
        let color = pixels(ColorType::Rgb, BitDepth::Eight, &[100, 200, 50]);
        assert_eq!(color.values(1, reading), [0.299 * 100.0 + 0.587 * 200.0 + 0.114 * 50.0]);
        let inverted = Reading { invert: true, raw: false, ..reading };
        assert_eq!(gray.values(1, inverted), [248.0 / 255.0]);
    }
}
