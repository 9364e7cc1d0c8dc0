//! Pictures as PNG files.

use super::Picture;
use crate::error::Result;
use crate::files::write_whole;
use std::path::Path;

impl Picture {
    /// The bytes of a PNG file, equal for equal pictures.
    ///
    /// # Panics
    /// With more than 2³² pixels a side, which no PNG file can have.
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
        written.expect("the header says what the pixels are, and a Vec takes every byte");
        file
    }

    /// Writes a PNG file, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_png(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path.as_ref(), &self.to_png())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    #[test]
    fn what_is_written_decodes_to_the_same_pixels() {
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
