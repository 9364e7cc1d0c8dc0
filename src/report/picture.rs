//! Pictures: arrays as pixels.

use crate::error::{Error, Result};
use ndarray::{ArrayRef, ArrayViewD, Axis, Dimension};

/// A grayscale or RGB picture with 8 bits per channel.
///
/// It can be written as PNG, added to a [`Page`](super::Page), or shown in a terminal.
///
/// ```
/// use gradus::report::Picture;
/// let picture = Picture::new(&ndarray::arr2(&[[0.0f32, 1.0], [0.5, 0.25]]))?;
/// assert_eq!((picture.height(), picture.width(), picture.pixel(0, 1)), (2, 2, [255, 255, 255]));
/// assert_eq!(picture.inverted().pixel(0, 1), [0, 0, 0]);
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Picture {
    height: usize,
    width: usize,
    /// 1 for grayscale, 3 for RGB.
    channels: usize,
    pixels: Vec<u8>,
}

/// An array element that represents a brightness: `f32` from 0 to 1, or `u8`.
pub trait Brightness: Copy {
    /// The brightness from 0 to 255. Values out of range are clipped; NaN becomes 0.
    fn byte(self) -> u8;
}

impl Brightness for u8 {
    fn byte(self) -> u8 {
        self
    }
}

impl Brightness for f32 {
    fn byte(self) -> u8 {
        (self * 255.0).round() as u8
    }
}

impl Picture {
    /// Creates a picture from an array of shape height × width, height × width × 1 (grayscale) or height × width × 3 (RGB).
    ///
    /// # Errors
    /// Returns an error if the array has another shape or no elements.
    pub fn new<A: Brightness, D: Dimension>(image: &ArrayRef<A, D>) -> Result<Picture> {
        Picture::of(image.view().into_dyn())
    }

    /// Creates one picture per image of an array of shape n × height × width, optionally × 1 or × 3 channels.
    ///
    /// # Errors
    /// Returns an error if the array has another shape or an image has no pixels.
    pub fn all<A: Brightness, D: Dimension>(images: &ArrayRef<A, D>) -> Result<Vec<Picture>> {
        let images = images.view().into_dyn();
        if images.ndim() == 0 {
            return Err(unfit(images.shape()));
        }
        (0..images.len_of(Axis(0))).map(|image| Picture::of(images.index_axis(Axis(0), image))).collect()
    }

    fn of<A: Brightness>(image: ArrayViewD<'_, A>) -> Result<Picture> {
        let (height, width, channels) = match *image.shape() {
            [height, width] => (height, width, 1),
            [height, width, channels @ (1 | 3)] => (height, width, channels),
            _ => return Err(unfit(image.shape())),
        };
        if image.is_empty() {
            return Err(Error::Empty { what: "the picture".into() });
        }
        Ok(Picture { height, width, channels, pixels: image.iter().map(|value| value.byte()).collect() })
    }

    /// Inverts the brightness of every channel.
    pub fn inverted(mut self) -> Picture {
        self.pixels.iter_mut().for_each(|value| *value = 255 - *value);
        self
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The red, green and blue values of a pixel.
    ///
    /// # Panics
    /// Panics if `row` or `column` is out of bounds.
    pub fn pixel(&self, row: usize, column: usize) -> [u8; 3] {
        assert!(row < self.height && column < self.width, "pixel {row}, {column} of {} × {}", self.height, self.width);
        let at = (row * self.width + column) * self.channels;
        std::array::from_fn(|channel| self.pixels[at + channel.min(self.channels - 1)])
    }

    /// Downscales the picture by an integer factor. Each pixel is the mean of a block of `factor` × `factor` pixels.
    ///
    /// # Panics
    /// Panics if `factor` is 0.
    pub fn shrunk(&self, factor: usize) -> Picture {
        let (height, width) = (self.height.div_ceil(factor), self.width.div_ceil(factor));
        let block = |row: usize, column: usize| {
            let rows = row * factor..self.height.min((row + 1) * factor);
            rows.flat_map(move |row| {
                (column * factor..self.width.min((column + 1) * factor)).map(move |column| self.pixel(row, column))
            })
        };
        let mean = |row: usize, column: usize, channel: usize| {
            let (sum, count) =
                block(row, column).fold((0, 0), |(sum, count), pixel| (sum + u32::from(pixel[channel]), count + 1));
            (sum / count) as u8
        };
        let places = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
        let pixels = places.flat_map(|(row, column)| (0..self.channels).map(move |channel| mean(row, column, channel)));
        Picture { height, width, channels: self.channels, pixels: pixels.collect() }
    }

    /// Combines pictures into one, `columns` per row, separated by a black gap of `gap` pixels.
    pub fn side_by_side(pictures: &[Picture], columns: usize, gap: usize) -> Picture {
        let (columns, rows) = (columns.clamp(1, pictures.len().max(1)), pictures.len().div_ceil(columns.max(1)));
        let widest = pictures.iter().map(Picture::width).max().unwrap_or(1);
        let highest = pictures.iter().map(Picture::height).max().unwrap_or(1);
        let channels = pictures.iter().map(|picture| picture.channels).max().unwrap_or(1);
        let extent = |count: usize, each: usize| (count.max(1) * (each + gap)).saturating_sub(gap).max(1);
        let (height, width) = (extent(rows, highest), extent(columns, widest));
        let mut sheet = Picture { height, width, channels, pixels: vec![0; height * width * channels] };
        for (at, picture) in pictures.iter().enumerate() {
            sheet.paste(picture, at / columns * (highest + gap), at % columns * (widest + gap));
        }
        sheet
    }

    fn paste(&mut self, picture: &Picture, top: usize, left: usize) {
        for row in 0..picture.height {
            for column in 0..picture.width {
                let at = ((top + row) * self.width + left + column) * self.channels;
                let color = picture.pixel(row, column);
                self.pixels[at..at + self.channels].copy_from_slice(&color[..self.channels]);
            }
        }
    }

    /// The number of channels and the bytes of all pixels in row-major order.
    pub(super) fn bytes(&self) -> (usize, &[u8]) {
        (self.channels, &self.pixels)
    }
}

fn unfit(found: &[usize]) -> Error {
    let expected = "an image height × width, or × 1 or × 3 channels; reshape a row of 784 pixels to 28 × 28 first";
    Error::expected(format!("{expected} (found axes {found:?})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, arr1, arr2};

    #[test]
    fn elements_become_bytes() {
        let image = arr2(&[[-1.0, 0.0, 0.5, 1.0, 7.0, f32::NAN, f32::INFINITY]]);
        assert_eq!(Picture::new(&image).unwrap().pixels, [0, 0, 128, 255, 255, 0, 255]);
        let colors = Array3::from_shape_vec((1, 2, 3), vec![1u8, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(Picture::new(&colors).unwrap().pixel(0, 1), [4, 5, 6]);
        let transposed = arr2(&[[1u8, 2, 3], [4, 5, 6]]);
        assert_eq!(Picture::new(&transposed.t()).unwrap().pixels, [1, 4, 2, 5, 3, 6]);
    }

    #[test]
    fn arrays_that_are_not_images_are_errors() {
        let message = Picture::new(&arr1(&[0u8; 784])).unwrap_err().to_string();
        assert!(message.contains("reshape a row of 784 pixels to 28 × 28 first (found axes [784])"), "{message}");
        assert!(Picture::new(&Array3::<u8>::zeros((2, 2, 2))).is_err());
        assert!(Picture::new(&Array3::<u8>::zeros((0, 2, 1))).is_err());
    }

    #[test]
    fn pictures_side_by_side_keep_their_pixels() {
        let picture = |value: u8| Picture::new(&ndarray::Array2::from_elem((2, 1), value)).unwrap();
        let sheet = Picture::side_by_side(&[picture(1), picture(2), picture(3)], 2, 1);
        assert_eq!((sheet.height, sheet.width), (5, 3));
        assert_eq!(sheet.pixels, [1, 0, 2, 1, 0, 2, 0, 0, 0, 3, 0, 0, 3, 0, 0]);
        assert_eq!(Picture::side_by_side(&[], 0, 3).pixels, [0]);
    }

    #[test]
    fn shrinking_averages_blocks() {
        let picture = Picture::new(&arr2(&[[0u8, 10, 100], [20, 30, 200]])).unwrap();
        assert_eq!(picture.shrunk(2).pixels, [15, 150]);
        assert_eq!(picture.shrunk(1), picture);
    }
}
