//! A pass from images to images: channels in the lanes, and a few output pixels of a row in registers.

use super::axis::Axis;
use super::{lanes, unrolled};
use crate::kernels::activation::{self, Elementwise};
use crate::kernels::conv2d::tile::{for_even_tiles, for_rows};
use crate::kernels::simd::{Fma, Strided, copy_lanes, vectorized};
use std::ops::Range;

/// Output pixels of a tile.
const fn most_pixels<F: Fma>() -> usize {
    if F::ROWS < 6 { 1 } else { 8 }
}

/// `y = activation(Σ x · w + bias)` over taps inside the image, and over `depth` for each tap.
pub(super) struct Correlation<'a> {
    /// The axes of the outputs that have the same taps: output `i` is in the one with the number `i` modulo their count.
    pub(super) rows: &'a [Axis],
    pub(super) columns: &'a [Axis],
    /// Channels of an output pixel, at least as many as lanes.
    pub(super) channels: usize,
    /// Number of products for each tap. A pixel of the input has `depth` times as many channels.
    pub(super) depth: usize,
    /// Columns of a kernel, of an input image and of an output image.
    pub(super) kernel_columns: usize,
    pub(super) input_columns: usize,
    pub(super) output_columns: usize,
    /// Kernel rows × kernel columns × depth × channels.
    pub(super) weights: &'a [f32],
    /// One for each channel.
    pub(super) bias: &'a [f32],
    pub(super) activation: Elementwise,
}

vectorized! {
    /// Fills the rows of an output image from `first` on.
    pub(super) fn fill_rows<F: Fma>(c: &Correlation<'_>, x: &[f32], first: usize, y: &mut [f32]) {
        for (place, y) in (first..).zip(y.chunks_exact_mut(c.output_columns * c.channels)) {
            let (axis, output) = (&c.rows[place % c.rows.len()], place / c.rows.len());
            let taps = axis.inside(output);
            for columns in c.columns {
                let row = Row { c, x, axis, output, taps: taps.clone(), columns };
                let sliding = columns.step == 1 && columns.apart == 1 && columns.weights_apart == 1 && c.depth == 1;
                match columns.taps {
                    3 if sliding => row.fill::<F, 3>(y),
                    5 if sliding => row.fill::<F, 5>(y),
                    _ => row.fill::<F, 0>(y),
                }
            }
            if c.activation != Elementwise::Linear {
                activation::finish_row(F::LEVEL, c.activation, &[], y);
            }
        }
    }
}

/// Outputs in a row that have the same taps.
struct Row<'a> {
    c: &'a Correlation<'a>,
    x: &'a [f32],
    axis: &'a Axis,
    output: usize,
    /// The rows of the kernel that are inside the image.
    taps: Range<usize>,
    columns: &'a Axis,
}

impl<'a> Row<'a> {
    /// Fills the outputs, for kernels of `K` contiguous columns and windows beside each other, or of any kind where `K` is 0.
    #[inline(always)]
    fn fill<F: Fma, const K: usize>(&self, y: &mut [f32]) {
        if const { F::COLUMNS == 32 } {
            self.fill_lanes::<F, K, 16>(y);
        } else {
            self.fill_lanes::<F, K, 8>(y);
        }
    }

    #[inline(always)]
    fn fill_lanes<F: Fma, const K: usize, const L: usize>(&self, y: &mut [f32]) {
        let channels = self.c.channels;
        for_even_tiles!([8 7 4 1] up to most_pixels::<F>(), 0..self.columns.outputs, (output, _, T) => {
            let mut at = 0;
            while at < channels {
                // The last lanes reach back where there are too few channels.
                let from = at.min(channels - L);
                let mut sums = [[0.0; L]; T];
                if const { K > 0 } {
                    self.sliding::<F, K, L, T>(output, from, &mut sums);
                } else {
                    self.any::<F, L, T>(output, from, &mut sums);
                }
                let bias = lanes::<L>(self.c.bias, from);
                let place = self.columns.place + output * self.columns.places_apart;
                let mut pixels = y[place * channels + from..].chunks_mut(self.columns.places_apart * channels);
                for_rows!(T, t => {
                    // Adding 0 turns −0 into 0, as in every product.
                    F::add_counting(&[0.0; L], &[u32::MAX; L], &mut sums[t]);
                    F::add_counting(bias, &[u32::MAX; L], &mut sums[t]);
                    let pixel = pixels.next().and_then(|pixel| pixel.first_chunk_mut::<L>());
                    copy_lanes(&sums[t], pixel.expect("the channels of a pixel"));
                });
                at += L;
            }
        });
    }

    /// The input row of a row of the kernel, and the position of its weights.
    #[inline(always)]
    fn row(&self, tap: usize) -> (&'a [f32], usize) {
        let (c, length) = (self.c, self.c.input_columns * self.c.depth * self.c.channels);
        let row = &self.x[self.axis.position(self.output, tap) * length..][..length];
        (row, (self.axis.weight + tap * self.axis.weights_apart) * c.kernel_columns + self.columns.weight)
    }

    /// Adds `K` contiguous columns of a kernel: each input pixel is read once for all outputs.
    #[inline(always)]
    fn sliding<F: Fma, const K: usize, const L: usize, const T: usize>(
        &self,
        output: usize,
        from: usize,
        sums: &mut [[f32; L]; T],
    ) {
        let (c, mut tile) = (self.c, *sums);
        let inside = self.columns.inside_of_run(output, T + K - 1);
        let first = self.columns.position(output, inside.start) * c.channels + from;
        for tap in self.taps.clone() {
            let (row, weight) = self.row(tap);
            let weights = Strided::<L>::new(c.weights, weight * c.channels + from, c.channels, K);
            let mut w = [[0.0; L]; K];
            for k in 0..K {
                w[k] = weights.at(k);
            }
            let x = Strided::<L>::with_missing(row, first, c.channels, T + K - 1, K - 1, inside.clone());
            unrolled!(T + K - 1, J => {
                if let Some(x) = x.get(J) {
                    for k in 0..K {
                        if J >= k && J - k < T {
                            F::add_products(&x, &w[k], &mut tile[J - k]);
                        }
                    }
                }
            });
        }
        *sums = tile;
    }

    /// Adds any kernel.
    #[inline(always)]
    fn any<F: Fma, const L: usize, const T: usize>(&self, output: usize, from: usize, sums: &mut [[f32; L]; T]) {
        let (c, columns, mut tile) = (self.c, self.columns, *sums);
        let pixel = c.depth * c.channels;
        for tap in self.taps.clone() {
            let (row, weight) = self.row(tap);
            for column in 0..columns.taps {
                let weight = (weight + column * columns.weights_apart) * pixel + from;
                let first = columns.position(output, column);
                let last = columns.position(output + T - 1, column);
                for number in 0..c.depth {
                    let at = number * c.channels + from;
                    let w = *lanes::<L>(c.weights, weight + number * c.channels);
                    if first <= last && last < c.input_columns {
                        let x = Strided::<L>::new(row, first * pixel + at, columns.step * pixel, T);
                        for_rows!(T, t => F::add_products(&x.at(t), &w, &mut tile[t]));
                        continue;
                    }
                    for_rows!(T, t => {
                        let position = columns.position(output + t, column);
                        if position < c.input_columns {
                            F::add_products(lanes::<L>(row, position * pixel + at), &w, &mut tile[t]);
                        }
                    });
                }
            }
        }
        *sums = tile;
    }
}
