//! The tiles of 2×2 outputs that cover images, and the 4×4 inputs that each depends on.

use crate::kernels::conv2d::geometry::copy_short;
use std::ops::Range;

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

/// The place of a tile: its image, and the first row and column of its outputs.
#[derive(Clone, Copy)]
pub(super) struct Place {
    image: usize,
    row: usize,
    column: usize,
}

/// Adjacent places.
pub(super) struct Places {
    output: [usize; 2],
    next: Place,
    remaining: usize,
}

impl Iterator for Places {
    type Item = Place;

    #[inline(always)]
    fn next(&mut self) -> Option<Place> {
        self.remaining = self.remaining.checked_sub(1)?;
        let place = self.next;
        self.next.column += 2;
        if self.next.column >= self.output[1] {
            (self.next.row, self.next.column) = (self.next.row + 2, 0);
        }
        if self.next.row >= self.output[0] {
            (self.next.image, self.next.row) = (self.next.image + 1, 0);
        }
        Some(place)
    }
}

impl Tiling {
    /// Rows of tiles that cover an output image.
    pub(super) fn rows(&self) -> usize {
        self.output[0].div_ceil(2)
    }

    /// Tiles in a row.
    pub(super) fn columns(&self) -> usize {
        self.output[1].div_ceil(2)
    }

    /// Number of tiles that cover an output image.
    pub(super) fn per_image(&self) -> usize {
        self.rows() * self.columns()
    }

    /// The offset in the output images of a row of tiles, counted through all images.
    pub(super) fn row_offset(&self, channels: usize, row: usize) -> usize {
        let (image, row) = (row / self.rows(), row % self.rows());
        image * self.output_image(channels) + 2 * row * self.output[1] * channels
    }

    /// The inputs that some rows of tiles depend on.
    pub(super) fn inputs<'a>(&self, images: &'a [f32], channels: usize, rows: Range<usize>) -> &'a [f32] {
        // The offset of the input row that is `below` the first output row of a row of tiles.
        let offset = |tiles: usize, below: usize| {
            let row = (2 * (tiles % self.rows()) + below).saturating_sub(self.padding[0]).min(self.input[0]);
            tiles / self.rows() * self.input_image(channels) + row * self.input[1] * channels
        };
        &images[offset(rows.start, 0)..offset(rows.end - 1, 4)]
    }

    /// The middle of some rows of tiles, between images if there are several.
    pub(super) fn middle(&self, rows: &Range<usize>) -> usize {
        let middle = rows.start + rows.len() / 2;
        let rounded = (middle + self.rows() / 2) / self.rows() * self.rows();
        if rows.start < rounded && rounded < rows.end { rounded } else { middle }
    }

    pub(super) fn input_image(&self, channels: usize) -> usize {
        self.input[0] * self.input[1] * channels
    }

    pub(super) fn output_image(&self, channels: usize) -> usize {
        self.output[0] * self.output[1] * channels
    }

    /// The places of some tiles, which are counted through all images.
    #[inline(always)]
    pub(super) fn places(&self, tiles: &Range<usize>) -> Places {
        let (image, tile) = (tiles.start / self.per_image(), tiles.start % self.per_image());
        let place = Place { image, row: tile / self.columns() * 2, column: tile % self.columns() * 2 };
        Places { output: self.output, next: place, remaining: tiles.len() }
    }

    /// The rows of the 4×4 inputs of a tile, each with the channels of four pixels. Inputs outside the image are 0; such a
    /// patch is copied to `buffer`.
    #[inline(always)]
    pub(super) fn patch<'a>(
        &self,
        images: &'a [f32],
        channels: usize,
        place: Place,
        buffer: &'a mut [f32],
    ) -> [&'a [f32]; 4] {
        let (Place { image, row, column }, [height, width]) = (place, self.input);
        let image = &images[image * self.input_image(channels)..][..self.input_image(channels)];
        // A row or column before the image wraps around to a large number.
        let (row, column) = (row.wrapping_sub(self.padding[0]), column.wrapping_sub(self.padding[1]));
        let inside = row.saturating_add(4) <= height && column.saturating_add(4) <= width;
        let (from, stride) = if inside {
            (&image[(row * width + column) * channels..], width * channels)
        } else {
            // Columns of the patch that are inside the image.
            let [start, end] = [0, width].map(|edge| (edge + self.padding[1]).saturating_sub(place.column).min(4));
            for (at, to) in buffer.chunks_exact_mut(4 * channels).enumerate() {
                let row = row.wrapping_add(at);
                if row >= height || start >= end {
                    to.fill(0.0);
                    continue;
                }
                let from = (row * width + place.column + start - self.padding[1]) * channels;
                to[..start * channels].fill(0.0);
                copy_short(&image[from..], &mut to[start * channels..end * channels]);
                to[end * channels..].fill(0.0);
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
    pub(super) fn outputs(&self, channels: usize, place: Place) -> [Option<usize>; 4] {
        let Place { image, row, column } = place;
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
