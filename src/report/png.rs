//! Encoding of pictures as PNG.

use super::Picture;
use crate::error::Result;
use crate::files::write_whole;
use std::path::Path;

impl Picture {
    /// Encodes the picture as a PNG file. Equal pictures give equal bytes.
    ///
    /// # Panics
    /// Panics if the width or the height is 2³² pixels or more, which PNG cannot represent.
    pub fn to_png(&self) -> Vec<u8> {
        let (channels, pixels) = self.bytes();
        let side = |pixels: usize| u32::try_from(pixels).expect("a PNG file has fewer than 2³² pixels a side");
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, side(self.width()), side(self.height()));
        encoder.set_color(if channels == 3 { png::ColorType::Rgb } else { png::ColorType::Grayscale });
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        let written = encoder.write_header().and_then(|mut writer| {
            writer.write_image_data(pixels)?;
            writer.finish()
        });
        written.expect("the header matches the pixels, and writing to a Vec cannot fail");
        file
    }

    /// Writes the picture to a PNG file atomically.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn write_png(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path.as_ref(), &self.to_png())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    #[test]
    fn png_files_decode_to_the_same_pixels() {
        for channels in [1, 3] {
            let image = Array3::from_shape_fn((5, 7, channels), |(y, x, c)| (y * 37 + x * 11 + c * 101) as u8);
            let picture = Picture::new(&image).unwrap();
            let file = picture.to_png();
            let mut reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            assert_eq!((info.width, info.height), (7, 5));
            assert_eq!(pixels, image.into_raw_vec_and_offset().0);
            assert_eq!(file, picture.to_png());
        }
    }
}
