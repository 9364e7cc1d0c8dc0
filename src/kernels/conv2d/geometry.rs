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
    /// Input channels of one group, innermost.
    pub channels: usize,
    /// Rows and columns of a kernel.
    pub kernel: [usize; 2],
    /// Filters of one group: as many output channels. With several groups, at least 16.
    pub filters: usize,
    /// Number of groups. Group after group, each has separate channels and filters.
    pub groups: usize,
    /// Rows and columns between windows.
    pub strides: [usize; 2],
    /// Rows and columns between taps.
    pub dilation: [usize; 2],
    /// Zeros before the first row and column.
    pub padding: [usize; 2],
    /// Rows and columns of an output image.
    pub output: [usize; 2],
}

/// Adjacent filters of a group, in the lanes of a vector.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strip {
    /// The first filter that is not in an earlier strip.
    pub(super) at: usize,
    /// The filter in the first lane. If filters are missing, the last strip overlaps the one before.
    pub(super) first: usize,
    /// Number of lanes: 8, 16 or 32.
    pub(super) lanes: usize,
}

impl Strip {
    /// The strip that starts at filter `at` of `filters`. With `wide` vectors, it has 32 filters if that many are left, or at
    /// least more than sixteen.
    pub(super) fn new(filters: usize, at: usize, wide: bool) -> Strip {
        let lanes = match filters - at {
            _ if filters <= 8 => 8,
            17.. if wide && filters >= 2 * LANES => 2 * LANES,
            _ => LANES,
        };
        Strip { at, first: at.min(filters.saturating_sub(lanes)), lanes }
    }
}

impl Geometry {
    /// Rows and columns of a padded image: the extent of all windows, and at least the size of the image.
    pub(in crate::kernels) fn padded_size(&self) -> [usize; 2] {
        let window = |axis: usize| (self.kernel[axis] - 1) * self.dilation[axis] + 1;
        let reach = |axis: usize| (self.output[axis] - 1) * self.strides[axis] + window(axis);
        [reach(0).max(self.height + self.padding[0]), reach(1).max(self.width + self.padding[1])]
    }

    /// Checks the products that the other methods compute: the sizes of the output, the kernels, and a padded image.
    ///
    /// # Errors
    /// One of them exceeds memory.
    pub(super) fn check_sizes(&self) -> Result<()> {
        let ([rows, columns], [height, width]) = (self.output, self.padded_size());
        sizes::check_fits_memory::<f32>(&[self.batch, rows, columns, self.filters, self.groups])?;
        sizes::check_fits_memory::<f32>(&[self.kernel[0], self.kernel[1], self.channels, self.filters, self.groups])?;
        sizes::check_fits_memory::<f32>(&[height, width, self.channels]).map(|_| ())
    }

    /// Elements of a row of a padded image, which has the channels of one group.
    pub(super) fn padded_row(&self) -> usize {
        self.padded_size()[1] * self.channels
    }

    /// Elements of a padded image.
    pub(super) fn padded_image(&self) -> usize {
        self.padded_size()[0] * self.padded_row()
    }

    pub(super) fn input_image(&self) -> usize {
        self.height * self.width * self.channels * self.groups
    }

    pub(super) fn pixels(&self) -> usize {
        self.output[0] * self.output[1]
    }

    pub(super) fn output_row(&self) -> usize {
        self.output[1] * self.all_filters()
    }

    pub(super) fn output_image(&self) -> usize {
        self.pixels() * self.all_filters()
    }

    /// Channels of an output image.
    pub(super) fn all_filters(&self) -> usize {
        self.filters * self.groups
    }

    /// Number of contiguous taps in a padded image: those of one row of a window, or of one pixel if columns are dilated.
    pub(super) fn run(&self) -> usize {
        if self.dilation[1] == 1 { self.kernel[1] * self.channels } else { self.channels }
    }

    /// Number of runs of contiguous taps in a window.
    pub(super) fn runs(&self) -> usize {
        if self.dilation[1] == 1 { self.kernel[0] } else { self.kernel[0] * self.kernel[1] }
    }

    /// Offset of run number `number` from the start of its window, in a padded image.
    pub(super) fn run_offset(&self, number: usize) -> usize {
        let [row, column] = if self.dilation[1] == 1 {
            [number, 0]
        } else {
            [number / self.kernel[1], number % self.kernel[1] * self.dilation[1]]
        };
        row * self.dilation[0] * self.padded_row() + column * self.channels
    }

    /// Taps of a window.
    pub(super) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.channels
    }

    /// Whether each pixel is a window, and the windows of all images are the rows of a matrix.
    pub(super) fn pointwise(&self) -> bool {
        let one_tap = self.kernel == [1, 1] && self.strides == [1, 1] && self.padding == [0, 0];
        one_tap && self.groups == 1 && self.output == [self.height, self.width]
    }

    /// Filters of a group, rounded up to whole vectors.
    pub(super) fn padded_filters(&self) -> usize {
        self.filters.next_multiple_of(LANES)
    }

    /// The strip of filters of a group that starts at filter `at`.
    pub(super) fn strip(&self, at: usize, wide: bool) -> Strip {
        Strip::new(self.filters, at, wide)
    }

    /// Whether corresponding taps of adjacent windows are contiguous.
    pub(super) fn side_by_side(&self) -> bool {
        self.channels == 1 && self.strides[1] == 1
    }

    /// Whether an image has one window that covers it. Such a convolution is a matrix product.
    pub(super) fn covers_image(&self) -> bool {
        let one_window = self.output == [1, 1] && self.padding == [0, 0] && self.kernel == [self.height, self.width];
        one_window && self.groups == 1
    }

    /// Nanoseconds of a pass over one image on one thread.
    pub(super) fn nanoseconds(&self) -> usize {
        sizes::work(&[self.pixels(), self.taps(), self.padded_filters(), self.groups]) / MULTIPLY_ADDS_PER_NANOSECOND
    }

    /// Offset of each tap from the start of its window, in a padded image.
    pub(super) fn offsets(&self) -> Result<Vec<usize>> {
        sizes::collect(&[self.taps()], |tap| self.run_offset(tap / self.run()) + tap % self.run())
    }

    /// Offset in a padded image of each output pixel's window.
    pub(super) fn bases(&self) -> Result<Vec<usize>> {
        let base = |pixel: usize| {
            let [row, column] = [pixel / self.output[1], pixel % self.output[1]];
            row * self.strides[0] * self.padded_row() + column * self.strides[1] * self.channels
        };
        sizes::collect(&[self.pixels()], base)
    }

    /// Creates buffers for `images` padded images, which are empty if images are read in place.
    ///
    /// # Errors
    /// They exceed memory.
    pub(super) fn padded_buffers(&self, images: usize) -> Result<Vec<Vec<f32>>> {
        let [height, width] = self.padded_size();
        let needed = [height, width] != [self.height, self.width] || self.groups > 1;
        if needed {
            sizes::check_fits_memory::<f32>(&[images, height, width, self.channels])?;
        }
        sizes::filled(vec![0.0; if needed { self.padded_image() } else { 0 }], &[images])
    }

    /// Returns the channels of a group with padding, in `buffer`, or the image itself if it needs no copy.
    pub(super) fn pad<'a>(&self, image: &'a [f32], group: usize, buffer: &'a mut [f32]) -> &'a [f32] {
        if buffer.is_empty() {
            return image;
        }
        let all = self.channels * self.groups;
        for (row, image) in image.chunks_exact(self.width * all).enumerate() {
            let buffer = &mut buffer[self.place_in_padded(row)..][..self.width * self.channels];
            if self.groups == 1 {
                buffer.copy_from_slice(image);
                continue;
            }
            for (to, from) in buffer.chunks_exact_mut(self.channels).zip(image.chunks_exact(all)) {
                copy_short(&from[group * self.channels..], to);
            }
        }
        buffer
    }

    /// Copies the part inside the padding to the channels of a group, and converts −0 to 0.
    pub(super) fn unpad(&self, padded: &[f32], group: usize, image: &mut [f32]) {
        let all = self.channels * self.groups;
        for (row, image) in image.chunks_exact_mut(self.width * all).enumerate() {
            let padded = &padded[self.place_in_padded(row)..][..self.width * self.channels];
            if self.groups == 1 {
                image.iter_mut().zip(padded).for_each(|(image, padded)| *image = padded + 0.0);
                continue;
            }
            for (to, from) in image.chunks_exact_mut(all).zip(padded.chunks_exact(self.channels)) {
                let to = &mut to[group * self.channels..];
                to.iter_mut().zip(from).for_each(|(image, padded)| *image = padded + 0.0);
            }
        }
    }

    /// Offset in a padded image of a row of the image.
    fn place_in_padded(&self, row: usize) -> usize {
        (self.padding[0] + row) * self.padded_row() + self.padding[1] * self.channels
    }

    /// Panics if the length of a slice does not match.
    pub(super) fn check(&self, x: &[f32], w: &[f32], y: &[f32]) {
        assert_eq!(x.len(), self.batch * self.input_image(), "the images' elements");
        assert_eq!(w.len(), self.taps() * self.all_filters(), "the kernels' elements");
        assert_eq!(y.len(), self.batch * self.output_image(), "the outputs' elements");
    }
}

/// The padding before the first row and column after more is added around the image; `None` if a window of these extents would
/// contain only padding.
pub(in crate::kernels) fn padding_within(
    before: [usize; 2],
    around: [[usize; 2]; 2],
    extents: [usize; 2],
) -> Option<[usize; 2]> {
    let padding = [0, 1].map(|axis| before[axis].saturating_add(around[axis][0]));
    let within = |axis: usize| padding[axis].max(around[axis][1]) < extents[axis];
    (within(0) && within(1)).then_some(padding)
}

/// Copies the first elements of `from` to all of `to`. A call of `memcpy` for each pixel would take longer.
#[inline(always)]
pub(super) fn copy_short(from: &[f32], to: &mut [f32]) {
    let (to, to_rest) = to.as_chunks_mut::<8>();
    let (from, from_rest) = from.split_at(8 * to.len());
    to.iter_mut().zip(from.as_chunks::<8>().0).for_each(|(to, from)| *to = *from);
    to_rest.iter_mut().zip(from_rest).for_each(|(to, from)| *to = *from);
}
