//! The tiles of 2×2 outputs that cover images, and the 4×4 inputs that each depends on.

/// The sizes of images, and the padding before them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiling {
    /// Rows and columns of an input image.
    pub(super) input: [usize; 2],
    /// Zeros before the first row and column.
    pub(super) padding: [usize; 2],
    /// Rows and columns of an output image.
    pub(super) output: [usize; 2],
}

/// The place of a tile.
struct Place {
    image: usize,
    row: usize,
    column: usize,
}

impl Tiling {
    /// Number of tiles that cover an output image.
    pub(super) fn per_image(&self) -> usize {
        self.output[0].div_ceil(2) * self.output[1].div_ceil(2)
    }

    pub(super) fn input_image(&self, channels: usize) -> usize {
        self.input[0] * self.input[1] * channels
    }

    pub(super) fn output_image(&self, channels: usize) -> usize {
        self.output[0] * self.output[1] * channels
    }

    #[inline(always)]
    fn place(&self, tile: usize) -> Place {
        let (image, tile) = (tile / self.per_image(), tile % self.per_image());
        let columns = self.output[1].div_ceil(2);
        Place { image, row: tile / columns * 2, column: tile % columns * 2 }
    }

    /// The rows of the 4×4 inputs of a tile, each with the channels of four pixels. Inputs outside the image are 0; such a
    /// patch is copied to `buffer`.
    #[inline(always)]
    pub(super) fn patch<'a>(
        &self,
        images: &'a [f32],
        channels: usize,
        tile: usize,
        buffer: &'a mut [f32],
    ) -> [&'a [f32]; 4] {
        let (Place { image, row, column }, [height, width]) = (self.place(tile), self.input);
        let image = &images[image * self.input_image(channels)..][..self.input_image(channels)];
        // A row or column before the image wraps around to a large number.
        let (row, column) = (row.wrapping_sub(self.padding[0]), column.wrapping_sub(self.padding[1]));
        let inside = row.saturating_add(4) <= height && column.saturating_add(4) <= width;
        let (from, stride) = if inside {
            (&image[(row * width + column) * channels..], width * channels)
        } else {
            for (at, to) in buffer.chunks_exact_mut(channels).enumerate() {
                let (row, column) = (row.wrapping_add(at / 4), column.wrapping_add(at % 4));
                if row < height && column < width {
                    to.copy_from_slice(&image[(row * width + column) * channels..][..channels]);
                } else {
                    to.fill(0.0);
                }
            }
            (&*buffer, 4 * channels)
        };
        let mut rows = [from; 4];
        for (at, row) in rows.iter_mut().enumerate() {
            *row = &from[at * stride..][..4 * channels];
        }
        rows
    }

    /// Offsets in the output images of the 2×2 pixels of a tile, row by row. Pixels outside the image have none.
    #[inline(always)]
    pub(super) fn outputs(&self, channels: usize, tile: usize) -> [Option<usize>; 4] {
        let Place { image, row, column } = self.place(tile);
        let mut offsets = [None; 4];
        for (at, offset) in offsets.iter_mut().enumerate() {
            let (row, column) = (row + at / 2, column + at % 2);
            if row < self.output[0] && column < self.output[1] {
                *offset = Some(image * self.output_image(channels) + (row * self.output[1] + column) * channels);
            }
        }
        offsets
    }
}
