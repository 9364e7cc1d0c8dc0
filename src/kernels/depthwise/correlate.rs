//! A pass from images to images: channels in the lanes, and a few output pixels of a row in registers.

use super::axis::Axis;
use super::{lanes, unrolled};
use crate::kernels::activation::{self, Elementwise};
use crate::kernels::conv2d::tile::{for_even_tiles, for_rows};
use crate::kernels::simd::{Fma, Strides, vectorized};
use std::ops::Range;

/// Output pixels of a tile.
const fn most_pixels<F: Fma>() -> usize {
    if F::ROWS < 6 { 1 } else { 8 }
}

/// Positions of windows of `taps` columns that may be outside the image on either side: all but one of a kernel's. Windows of
/// one or two taps have one more, for the gradient of pixels that none reads.
const fn edge(taps: usize, apart: usize) -> usize {
    (taps - 1) * apart + if taps < 3 { 1 } else { 0 }
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
                let common = c.depth == 1 && columns.outside_at_most(edge(columns.taps.max(1), columns.apart));
                let kind = if common { (columns.taps, columns.step, columns.apart) } else { (0, 0, 0) };
                match kind {
                    (1, 1, _) => row.fill::<F, 1, 1, 1>(y),
                    (2, 1, 1) => row.fill::<F, 2, 1, 1>(y),
                    (3, 1, 1) => row.fill::<F, 3, 1, 1>(y),
                    (5, 1, 1) => row.fill::<F, 5, 1, 1>(y),
                    (3, 2, 1) => row.fill::<F, 3, 2, 1>(y),
                    (5, 2, 1) => row.fill::<F, 5, 2, 1>(y),
                    (3, 1, 2) => row.fill::<F, 3, 1, 2>(y),
                    (5, 1, 2) => row.fill::<F, 5, 1, 2>(y),
                    _ => row.fill::<F, 1, 0, 1>(y),
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

/// The windows of a tile's outputs.
struct Windows<const L: usize> {
    /// The pixels of a row that they read, and the weights of a row of the kernel.
    x: Strides<L>,
    weights: Strides<L>,
    /// Where the first of either is, and the distance of those of the next row.
    at: [usize; 2],
    apart: [usize; 2],
}

impl<'a> Row<'a> {
    /// Fills the outputs, for kernels of `K` columns at a distance of `D` and windows at a distance of `S`, or of any kind
    /// where `S` is 0.
    #[inline(always)]
    fn fill<F: Fma, const K: usize, const S: usize, const D: usize>(&self, y: &mut [f32]) {
        if const { F::COLUMNS == 32 } {
            self.fill_lanes::<F, K, S, D, 16>(y);
        } else {
            self.fill_lanes::<F, K, S, D, 8>(y);
        }
    }

    #[inline(always)]
    fn fill_lanes<F: Fma, const K: usize, const S: usize, const D: usize, const L: usize>(&self, y: &mut [f32]) {
        if const { K > 2 && S == 1 && D == 1 } {
            for_even_tiles!([8 7 4 1] up to most_pixels::<F>(), 0..self.columns.outputs, (output, _, T) => {
                self.fill_tile::<F, K, S, D, L, T>(output, y);
            });
        } else {
            for_even_tiles!([8 4 1] up to most_pixels::<F>(), 0..self.columns.outputs, (output, _, T) => {
                self.fill_tile::<F, K, S, D, L, T>(output, y);
            });
        }
    }

    #[inline(always)]
    fn fill_tile<F: Fma, const K: usize, const S: usize, const D: usize, const L: usize, const T: usize>(
        &self,
        output: usize,
        y: &mut [f32],
    ) {
        let (channels, apart) = (self.c.channels, self.columns.places_apart);
        let place = (self.columns.place + output * apart) * channels;
        let y_strides = Strides::<L>::new(apart * channels, T);
        let windows = self.windows::<K, S, D, L, T>(output);
        let mut at = 0;
        while at < channels {
            // The last lanes reach back where there are too few channels.
            let from = at.min(channels - L);
            let mut sums = [[0.0; L]; T];
            if const { S > 0 } {
                self.sliding::<F, K, S, D, L, T>(&windows, from, &mut sums);
            } else {
                self.any::<F, L, T>(output, from, &mut sums);
            }
            let bias = lanes::<L>(self.c.bias, from);
            let mut pixels = y_strides.of_mut(y, place + from);
            for_rows!(T, t => {
                // Adding 0 turns −0 into 0, as in every product.
                F::add(&[0.0; L], &mut sums[t]);
                F::add(bias, &mut sums[t]);
                pixels.set(t, sums[t]);
            });
            at += L;
        }
    }

    /// Where the input row of a row of the kernel begins, and its weights.
    #[inline(always)]
    fn row(&self, tap: usize) -> (usize, usize) {
        let (c, pixel) = (self.c, self.c.depth * self.c.channels);
        let row = self.axis.position(self.output, tap) * c.input_columns * pixel;
        let weight = (self.axis.weight + tap * self.axis.weights_apart) * c.kernel_columns + self.columns.weight;
        (row, weight * pixel)
    }

    /// The windows of `T` outputs.
    #[inline(always)]
    fn windows<const K: usize, const S: usize, const D: usize, const L: usize, const T: usize>(
        &self,
        output: usize,
    ) -> Windows<L> {
        if const { S == 0 } {
            return Windows { x: Strides::new(0, 0), weights: Strides::new(0, 0), at: [0; 2], apart: [0; 2] };
        }
        let (c, count) = (self.c, (T - 1) * S + (K - 1) * D + 1);
        let inside = self.columns.inside_of_run(output, count);
        let (row, weight) = if self.taps.is_empty() { (0, 0) } else { self.row(self.taps.start) };
        let first = self.columns.position(output, 0).wrapping_add(inside.start);
        Windows {
            x: Strides::with_missing(c.channels, count, edge(K, D), inside),
            weights: Strides::new(self.columns.weights_apart * c.channels, K),
            at: [row + first * c.channels, weight],
            apart: [self.axis.apart * c.input_columns, self.axis.weights_apart * c.kernel_columns]
                .map(|pixels| pixels * c.channels),
        }
    }

    /// Adds `K` columns of a kernel: each input pixel is read once for all outputs.
    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "ranges of constants are unrolled, iterators over them are not")]
    fn sliding<F: Fma, const K: usize, const S: usize, const D: usize, const L: usize, const T: usize>(
        &self,
        windows: &Windows<L>,
        from: usize,
        sums: &mut [[f32; L]; T],
    ) {
        let [mut x_at, mut weights_at] = windows.at.map(|at| at + from);
        let mut tile = *sums;
        for _ in 0..self.taps.len() {
            let (x, weights) = (windows.x.of(self.x, x_at), windows.weights.of(self.c.weights, weights_at));
            let mut w = [[0.0; L]; K];
            for k in 0..K {
                w[k] = weights.at(k);
            }
            unrolled!((T - 1) * S + (K - 1) * D + 1, J => {
                if let Some(x) = x.get(J) {
                    for k in 0..K {
                        // Wraps around to a large number before the first output.
                        let beyond = J.wrapping_sub(k * D);
                        if beyond < T * S && beyond.is_multiple_of(S) {
                            F::add_products(&x, &w[k], &mut tile[beyond / S]);
                        }
                    }
                }
            });
            (x_at, weights_at) = (x_at.wrapping_add(windows.apart[0]), weights_at.wrapping_add(windows.apart[1]));
        }
        *sums = tile;
    }

    /// Adds any kernel.
    #[inline(always)]
    fn any<F: Fma, const L: usize, const T: usize>(&self, output: usize, from: usize, sums: &mut [[f32; L]; T]) {
        let (c, columns, mut tile) = (self.c, self.columns, *sums);
        let (pixel, weights_apart) = (c.depth * c.channels, columns.weights_apart * c.depth * c.channels);
        let full = Strides::<L>::new(columns.step * pixel, T);
        for tap in self.taps.clone() {
            let (row, weight) = self.row(tap);
            for (column, outputs) in columns.outputs_of_taps.iter().enumerate() {
                let start = outputs.start.saturating_sub(output).min(T);
                let end = outputs.end.saturating_sub(output).min(T);
                if start >= end {
                    continue;
                }
                let mut x_at = row + columns.position(output + start, column) * pixel + from;
                let mut weight_at = weight + column * weights_apart + from;
                let part = Strides::<L>::with_missing(columns.step * pixel, T, T, start..end);
                for _ in 0..c.depth {
                    let w = *lanes::<L>(c.weights, weight_at);
                    if end - start == T {
                        let x = full.of(self.x, x_at);
                        for_rows!(T, t => F::add_products(&x.at(t), &w, &mut tile[t]));
                    } else {
                        let x = part.of(self.x, x_at);
                        for_rows!(T, t => if let Some(x) = x.get(t) {
                            F::add_products(&x, &w, &mut tile[t]);
                        });
                    }
                    (x_at, weight_at) = (x_at + c.channels, weight_at + c.channels);
                }
            }
        }
        *sums = tile;
    }
}
