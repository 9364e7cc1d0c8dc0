//! Cross-correlation of images with depthwise kernels: lanes are channels, registers are adjacent output pixels of a row.

use super::axis::Axis;
use super::{lanes, unroll};
use crate::kernels::activation::{self, Elementwise};
use crate::kernels::conv2d::tile::{for_even_tiles, for_rows};
use crate::kernels::simd::{Fma, StridedLayout, vectorized};
use std::ops::Range;

/// Maximum number of output pixels in a tile.
const fn max_pixels<F: Fma>() -> usize {
    if F::ROWS < 6 { 1 } else { 8 }
}

/// Maximum number of positions of a window of `taps` columns that are outside the image on either side: all but one. One or
/// two taps allow one more, for the gradient of pixels that no window covers.
const fn max_outside(taps: usize, dilation: usize) -> usize {
    (taps - 1) * dilation + if taps < 3 { 1 } else { 0 }
}

/// `y = activation(Σ x · w + bias)`, summed over the taps inside the image and over `depth` products per tap.
pub(super) struct Correlation<'a> {
    /// One axis for each set of outputs with equal taps. Output `i` belongs to axis `i` modulo their number.
    pub(super) rows: &'a [Axis],
    pub(super) columns: &'a [Axis],
    /// Channels of an output pixel, at least as many as lanes.
    pub(super) channels: usize,
    /// Number of products per tap. An input pixel has `depth` · `channels` numbers.
    pub(super) depth: usize,
    /// Columns of a kernel, of an input image and of an output image.
    pub(super) kernel_columns: usize,
    pub(super) input_columns: usize,
    pub(super) output_columns: usize,
    /// Kernel rows × kernel columns × depth × channels.
    pub(super) weights: &'a [f32],
    /// One bias per channel.
    pub(super) bias: &'a [f32],
    pub(super) activation: Elementwise,
}

vectorized! {
    /// Computes rows of an output image, from row `first` on.
    pub(super) fn fill_rows<F: Fma>(c: &Correlation<'_>, x: &[f32], first: usize, y: &mut [f32]) {
        for (place, y) in (first..).zip(y.chunks_exact_mut(c.output_columns * c.channels)) {
            let (axis, output) = (&c.rows[place % c.rows.len()], place / c.rows.len());
            let taps = axis.inside(output);
            for columns in c.columns {
                let row = Row { c, x, axis, output, taps: taps.clone(), columns };
                let common = c.depth == 1 && columns.extends_at_most(max_outside(columns.taps.max(1), columns.dilation));
                let kind = if common { (columns.taps, columns.stride, columns.dilation) } else { (0, 0, 0) };
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

/// Outputs of one row that have equal taps.
struct Row<'a> {
    c: &'a Correlation<'a>,
    x: &'a [f32],
    axis: &'a Axis,
    output: usize,
    /// The rows of the kernel that are inside the image.
    taps: Range<usize>,
    columns: &'a Axis,
}

/// The windows of the outputs of a tile.
struct Windows<const L: usize> {
    /// The pixels of an input row that they cover, and the weights of a kernel row.
    x: StridedLayout<L>,
    weights: StridedLayout<L>,
    /// The offsets of the first input pixel and of the first weight, and the distances to those of the next row.
    at: [usize; 2],
    row_step: [usize; 2],
}

impl<'a> Row<'a> {
    /// Computes the outputs for kernels of `K` columns with dilation `D` and stride `S`, or for any kernel if `S` is 0.
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
            for_even_tiles!([8 7 4 1] up to max_pixels::<F>(), 0..self.columns.outputs, (output, _, T) => {
                self.fill_tile::<F, K, S, D, L, T>(output, y);
            });
        } else {
            for_even_tiles!([8 4 1] up to max_pixels::<F>(), 0..self.columns.outputs, (output, _, T) => {
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
        let (channels, step) = (self.c.channels, self.columns.output_step);
        let first = (self.columns.output_start + output * step) * channels;
        let y_strides = StridedLayout::<L>::new(step * channels, T);
        let windows = self.windows::<K, S, D, L, T>(output);
        let mut at = 0;
        while at < channels {
            // The last vector overlaps the previous one if channels are missing.
            let from = at.min(channels - L);
            let mut sums = [[0.0; L]; T];
            if const { S > 0 } {
                self.add_sliding::<F, K, S, D, L, T>(&windows, from, &mut sums);
            } else {
                self.add_general::<F, L, T>(output, from, &mut sums);
            }
            let bias = lanes::<L>(self.c.bias, from);
            let mut pixels = y_strides.view_mut(y, first + from);
            for_rows!(T, t => {
                // Adding 0 turns −0 into 0, as in every product.
                F::add(&[0.0; L], &mut sums[t]);
                F::add(bias, &mut sums[t]);
                pixels.set(t, sums[t]);
            });
            at += L;
        }
    }

    /// The offsets of the input row at a kernel row, and of the weights of the kernel row.
    #[inline(always)]
    fn row(&self, tap: usize) -> (usize, usize) {
        let (c, pixel) = (self.c, self.c.depth * self.c.channels);
        let row = self.axis.position(self.output, tap) * c.input_columns * pixel;
        let weight =
            (self.axis.kernel_start + tap * self.axis.kernel_step) * c.kernel_columns + self.columns.kernel_start;
        (row, weight * pixel)
    }

    /// The windows of `T` outputs from `output` on.
    #[inline(always)]
    fn windows<const K: usize, const S: usize, const D: usize, const L: usize, const T: usize>(
        &self,
        output: usize,
    ) -> Windows<L> {
        if const { S == 0 } {
            return Windows {
                x: StridedLayout::new(0, 0),
                weights: StridedLayout::new(0, 0),
                at: [0; 2],
                row_step: [0; 2],
            };
        }
        let (c, count) = (self.c, (T - 1) * S + (K - 1) * D + 1);
        let inside = self.columns.inside_of_run(output, count);
        let (row, weight) = if self.taps.is_empty() { (0, 0) } else { self.row(self.taps.start) };
        let first = self.columns.position(output, 0).wrapping_add(inside.start);
        Windows {
            x: StridedLayout::with_missing(c.channels, count, max_outside(K, D), inside),
            weights: StridedLayout::new(self.columns.kernel_step * c.channels, K),
            at: [row + first * c.channels, weight],
            row_step: [self.axis.dilation * c.input_columns, self.axis.kernel_step * c.kernel_columns]
                .map(|pixels| pixels * c.channels),
        }
    }

    /// Adds the products with kernels of `K` columns. Each input pixel is read once for all outputs.
    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "ranges of constants are unrolled, iterators over them are not")]
    fn add_sliding<F: Fma, const K: usize, const S: usize, const D: usize, const L: usize, const T: usize>(
        &self,
        windows: &Windows<L>,
        from: usize,
        sums: &mut [[f32; L]; T],
    ) {
        let [mut x_at, mut weights_at] = windows.at.map(|at| at + from);
        let mut tile = *sums;
        for _ in 0..self.taps.len() {
            let (x, weights) = (windows.x.view(self.x, x_at), windows.weights.view(self.c.weights, weights_at));
            let mut w = [[0.0; L]; K];
            for k in 0..K {
                w[k] = weights.at(k);
            }
            unroll!((T - 1) * S + (K - 1) * D + 1, J => {
                if let Some(x) = x.get(J) {
                    for k in 0..K {
                        // Before the first output, it wraps around to a large number.
                        let beyond = J.wrapping_sub(k * D);
                        if beyond < T * S && beyond.is_multiple_of(S) {
                            F::add_products(&x, &w[k], &mut tile[beyond / S]);
                        }
                    }
                }
            });
            (x_at, weights_at) = (x_at.wrapping_add(windows.row_step[0]), weights_at.wrapping_add(windows.row_step[1]));
        }
        *sums = tile;
    }

    /// Adds the products with any kernel.
    #[inline(always)]
    fn add_general<F: Fma, const L: usize, const T: usize>(
        &self,
        output: usize,
        from: usize,
        sums: &mut [[f32; L]; T],
    ) {
        let (c, columns, mut tile) = (self.c, self.columns, *sums);
        let (pixel, kernel_step) = (c.depth * c.channels, columns.kernel_step * c.depth * c.channels);
        let full = StridedLayout::<L>::new(columns.stride * pixel, T);
        for tap in self.taps.clone() {
            let (row, weight) = self.row(tap);
            for (column, outputs) in columns.outputs_of_taps.iter().enumerate() {
                let start = outputs.start.saturating_sub(output).min(T);
                let end = outputs.end.saturating_sub(output).min(T);
                if start >= end {
                    continue;
                }
                let mut x_at = row + columns.position(output + start, column) * pixel + from;
                let mut weight_at = weight + column * kernel_step + from;
                let part = StridedLayout::<L>::with_missing(columns.stride * pixel, T, T, start..end);
                for _ in 0..c.depth {
                    let w = *lanes::<L>(c.weights, weight_at);
                    if end - start == T {
                        let x = full.view(self.x, x_at);
                        for_rows!(T, t => F::add_products(&x.at(t), &w, &mut tile[t]));
                    } else {
                        let x = part.view(self.x, x_at);
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
