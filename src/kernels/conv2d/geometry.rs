//! The sizes of a convolution, and images with padding.

use super::tile::LANES;
use crate::error::Result;
use crate::kernels::parallel::MULTIPLY_ADDS_PER_NANOSECOND;
use crate::sizes;

/// The sizes of a convolution, checked by the operation that records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Images in the batch.
    pub batch: usize,
    /// Rows of an input image.
    pub height: usize,
    /// Columns of an input image.
    pub width: usize,
    /// Channels of an input image, innermost.
    pub channels: usize,
    /// Rows and columns of a kernel.
    pub kernel: [usize; 2],
    /// Channels of an output image.
    pub filters: usize,
    /// Rows and columns between windows.
    pub strides: [usize; 2],
    /// Zeros before the first row and column.
    pub padding: [usize; 2],
    /// Rows and columns of an output image.
    pub output: [usize; 2],
}

impl Geometry {
    /// Rows and columns of a padded image: the extent of all windows, and at least the size of the image.
    pub(super) fn padded_size(&self) -> [usize; 2] {
        let reach = |axis: usize| (self.output[axis] - 1) * self.strides[axis] + self.kernel[axis];
        [reach(0).max(self.height + self.padding[0]), reach(1).max(self.width + self.padding[1])]
    }

    /// Checks the products that the other methods compute: the sizes of the output, the kernels, and a padded image.
    ///
    /// # Errors
    /// One of them exceeds memory.
    pub(super) fn check_sizes(&self) -> Result<()> {
        let ([rows, columns], [height, width]) = (self.output, self.padded_size());
        sizes::check_fits_memory::<f32>(&[self.batch, rows, columns, self.filters])?;
        sizes::check_fits_memory::<f32>(&[self.kernel[0], self.kernel[1], self.channels, self.filters])?;
        sizes::check_fits_memory::<f32>(&[height, width, self.channels]).map(|_| ())
    }

    /// Elements of a row of a padded image.
    pub(super) fn padded_row(&self) -> usize {
        self.padded_size()[1] * self.channels
    }

    /// Elements of a padded image.
    pub(super) fn padded_image(&self) -> usize {
        self.padded_size()[0] * self.padded_row()
    }

    pub(super) fn input_image(&self) -> usize {
        self.height * self.width * self.channels
    }

    pub(super) fn pixels(&self) -> usize {
        self.output[0] * self.output[1]
    }

    pub(super) fn output_image(&self) -> usize {
        self.pixels() * self.filters
    }

    /// Number of contiguous taps in an image: those of one row of a window.
    pub(super) fn run(&self) -> usize {
        self.kernel[1] * self.channels
    }

    /// Taps of a window.
    pub(super) fn taps(&self) -> usize {
        self.kernel[0] * self.run()
    }

    /// Whether corresponding taps of adjacent windows are contiguous.
    pub(super) fn side_by_side(&self) -> bool {
        self.channels == 1 && self.strides[1] == 1
    }

    /// Whether an image has one window that covers it. Such a convolution is a matrix product.
    pub(super) fn covers_image(&self) -> bool {
        self.output == [1, 1] && self.padding == [0, 0] && self.kernel == [self.height, self.width]
    }

    /// Index of the first filter in panel `number`. The last panel overlaps the previous one if filters are missing.
    pub(super) fn first_filter(&self, number: usize) -> usize {
        (number * LANES).min(self.filters.saturating_sub(LANES))
    }

    /// Nanoseconds of a pass over one image on one thread.
    pub(super) fn nanoseconds(&self) -> usize {
        sizes::work(&[self.pixels(), self.taps(), self.filters.next_multiple_of(LANES)]) / MULTIPLY_ADDS_PER_NANOSECOND
    }

    /// Offset of each tap from the start of its window, in a padded image.
    pub(super) fn offsets(&self) -> Result<Vec<usize>> {
        sizes::collect(&[self.taps()], |tap| tap / self.run() * self.padded_row() + tap % self.run())
    }

    /// Offset in a padded image of each output pixel's window.
    pub(super) fn bases(&self) -> Result<Vec<usize>> {
        let base = |pixel: usize| {
            let [row, column] = [pixel / self.output[1], pixel % self.output[1]];
            row * self.strides[0] * self.padded_row() + column * self.strides[1] * self.channels
        };
        sizes::collect(&[self.pixels()], base)
    }

    /// Creates buffers for `images` padded images, which are empty if images need no padding.
    ///
    /// # Errors
    /// They exceed memory.
    pub(super) fn padded_buffers(&self, images: usize) -> Result<Vec<Vec<f32>>> {
        let [height, width] = self.padded_size();
        let needed = [height, width] != [self.height, self.width];
        if needed {
            sizes::check_fits_memory::<f32>(&[images, height, width, self.channels])?;
        }
        sizes::filled(vec![0.0; if needed { self.padded_image() } else { 0 }], &[images])
    }

    /// Returns the image with padding, in `buffer`, or the image itself if it needs none.
    pub(super) fn pad<'a>(&self, image: &'a [f32], buffer: &'a mut [f32]) -> &'a [f32] {
        if buffer.is_empty() {
            return image;
        }
        let length = self.width * self.channels;
        for (row, image) in image.chunks_exact(length).enumerate() {
            buffer[self.place_in_padded(row)..][..length].copy_from_slice(image);
        }
        buffer
    }

    /// Copies the part inside the padding to `image`, and converts −0 to 0.
    pub(super) fn unpad(&self, padded: &[f32], image: &mut [f32]) {
        let length = self.width * self.channels;
        for (row, image) in image.chunks_exact_mut(length).enumerate() {
            let padded = &padded[self.place_in_padded(row)..][..length];
            image.iter_mut().zip(padded).for_each(|(image, padded)| *image = padded + 0.0);
        }
    }

    /// Offset in a padded image of a row of the image.
    fn place_in_padded(&self, row: usize) -> usize {
        (self.padding[0] + row) * self.padded_row() + self.padding[1] * self.channels
    }

    /// Panics if the length of a slice does not match.
    pub(super) fn check(&self, x: &[f32], w: &[f32], y: &[f32]) {
        assert_eq!(x.len(), self.batch * self.input_image(), "the images' elements");
        assert_eq!(w.len(), self.taps() * self.filters, "the kernels' elements");
        assert_eq!(y.len(), self.batch * self.output_image(), "the outputs' elements");
    }
}
