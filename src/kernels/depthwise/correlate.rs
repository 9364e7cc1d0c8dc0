//! Cross-correlation of images with depthwise kernels: lanes are channels, registers are adjacent output pixels of a row.

use super::axis::Axis;
use super::lanes;
use crate::error::Result;
use crate::kernels::activation::{self, Elementwise};
use crate::kernels::simd::{Fma, StridedLayout, vectorized};
use crate::sizes;

/// `y = activation(Σ x · w + bias)`, summed over the taps inside the image and over `depth` products per tap.
pub(in crate::kernels) struct Correlation<'a> {
    pub(in crate::kernels) taps: &'a Taps,
    /// Channels of an output pixel, at least as many as lanes.
    pub(in crate::kernels) channels: usize,
    /// Number of products per tap. An input pixel has `depth` · `channels` numbers.
    pub(in crate::kernels) depth: usize,
    /// Columns of an input image and of an output image.
    pub(in crate::kernels) input_columns: usize,
    pub(in crate::kernels) output_columns: usize,
    /// Kernel rows × kernel columns × depth × channels.
    pub(in crate::kernels) weights: &'a [f32],
    /// One bias per channel.
    pub(in crate::kernels) bias: &'a [f32],
    pub(in crate::kernels) activation: Elementwise,
}

/// The axes of a pass, and the offsets of the taps.
#[derive(Clone, Debug)]
pub(in crate::kernels) struct Taps {
    /// One axis for each set of outputs with equal taps. Output `i` belongs to axis `i` modulo their number.
    rows: Vec<Axis>,
    columns: Vec<Axis>,
    /// For each row axis and each column axis: the taps in order, with `depth` entries per tap. An entry is the offset of the
    /// input from the start of a window, and the offset of the weights.
    offsets: Vec<Vec<[usize; 2]>>,
}

impl Taps {
    /// Computes the offsets for images of `input_columns` columns with `depth` · `channels` numbers per pixel.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) if they exceed memory.
    pub(in crate::kernels) fn new(
        [rows, columns]: [Vec<Axis>; 2],
        [input_columns, kernel_columns]: [usize; 2],
        [depth, channels]: [usize; 2],
    ) -> Result<Taps> {
        let mut offsets = Vec::new();
        for row_axis in &rows {
            for axis in &columns {
                offsets.push(sizes::collect(&[row_axis.taps, axis.taps, depth], |at| {
                    let (row, column, number) = (at / depth / axis.taps, at / depth % axis.taps, at % depth);
                    // It wraps around, because taps may be far outside the image.
                    let place = |row: usize, column: usize, columns: usize| {
                        let pixel = row.wrapping_mul(columns).wrapping_add(column);
                        pixel.wrapping_mul(depth).wrapping_add(number).wrapping_mul(channels)
                    };
                    let x =
                        place(row.wrapping_mul(row_axis.dilation), column.wrapping_mul(axis.dilation), input_columns);
                    [x, place(row_axis.kernel_position(row), axis.kernel_position(column), kernel_columns)]
                })?);
            }
        }
        Ok(Taps { rows, columns, offsets })
    }
}

vectorized! {
    /// Computes rows of an output image, starting at row `first`.
    pub(in crate::kernels) fn fill_rows<F: Fma>(c: &Correlation<'_>, x: &[f32], first: usize, y: &mut [f32]) {
        for (row, y) in (first..).zip(y.chunks_exact_mut(c.output_columns * c.channels)) {
            let (number, output) = (row % c.taps.rows.len(), row / c.taps.rows.len());
            let axis = &c.taps.rows[number];
            let taps = axis.inside(output);
            let first = axis.position(output, 0).wrapping_mul(c.input_columns);
            for (columns, offsets) in c.taps.columns.iter().zip(&c.taps.offsets[number * c.taps.columns.len()..]) {
                let (row_length, adjacent) = (columns.taps * c.depth, [columns.stride, columns.dilation, c.depth] == [1, 1, 1]);
                let offsets = &offsets[taps.start * row_length..taps.end * row_length];
                let row = Row { c, x, first, columns, offsets, rows: taps.len(), row_length, adjacent };
                if const { F::COLUMNS == 32 } {
                    row.fill::<F, 16>(y);
                } else {
                    row.fill::<F, 8>(y);
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
    /// The index of the first pixel of the input row in which windows start. It wraps around below 0, in the padding.
    first: usize,
    columns: &'a Axis,
    /// The offsets of the taps in kernel rows inside the image, the number of these rows, and the offsets per row.
    offsets: &'a [[usize; 2]],
    rows: usize,
    row_length: usize,
    /// Whether each output reads at one tap what the previous output reads at the next tap, and `depth` is 1.
    adjacent: bool,
}

/// A selection of the offsets of a [`Row`]: in each of `rows` kernel rows, `width` offsets starting at `first`.
#[derive(Clone, Copy)]
struct Chain {
    first: usize,
    rows: usize,
    width: usize,
}

impl Row<'_> {
    /// Computes the outputs: a tile has several pixels where all taps are inside the image, and several vectors of channels of
    /// one pixel at the sides.
    #[inline(always)]
    fn fill<F: Fma, const L: usize>(&self, y: &mut [f32]) {
        let (columns, inner) = (self.columns, self.columns.outputs_with_all(0..self.columns.taps));
        let mut output = 0;
        while output < columns.outputs {
            // If fewer pixels are left, the last tile overlaps the one before and computes the same values again.
            let [length, left] = if inner.contains(&output) { [inner.len(), inner.end - output] } else { [0, 0] };
            let first = |pixels: usize| output.min(inner.end - pixels);
            output = if const { F::ROWS >= 6 } && length >= 8 && left > 6 {
                self.fill_pixels::<F, L, 8>(first(8), y)
            } else if const { F::ROWS >= 6 } && length >= 6 && left > 3 {
                self.fill_pixels::<F, L, 6>(first(6), y)
            } else if const { F::ROWS >= 6 } && length >= 3 {
                self.fill_pixels::<F, L, 3>(first(3), y)
            } else {
                self.fill_pixel::<F, L>(output, y)
            };
        }
    }

    /// Computes `T` outputs starting at `output`, and returns the index of the next output.
    #[inline(always)]
    fn fill_pixels<F: Fma, const L: usize, const T: usize>(&self, output: usize, y: &mut [f32]) -> usize {
        let (c, columns) = (self.c, self.columns);
        let taps = if self.adjacent {
            Chain { first: 0, rows: self.rows, width: self.row_length }
        } else {
            Chain { first: 0, rows: 1, width: self.offsets.len() }
        };
        let layouts =
            [columns.stride * c.depth * c.channels, 0, columns.output_step * c.channels].map(StridedLayout::new);
        let (mut from, at) = (0, self.offsets_of(output));
        while from < c.channels {
            // If fewer channels are left, the last vector overlaps the one before.
            self.fill_tile::<F, L, T>(at, taps, from.min(c.channels - L), (layouts, self.adjacent), y);
            from += L;
        }
        output + T
    }

    /// Computes one output, which may have taps outside the image, and returns the index of the next output.
    #[inline(always)]
    fn fill_pixel<F: Fma, const L: usize>(&self, output: usize, y: &mut [f32]) -> usize {
        let (channels, depth, inside) = (self.c.channels, self.c.depth, self.columns.inside(output));
        let taps = Chain { first: inside.start * depth, rows: self.rows, width: inside.len() * depth };
        let (mut from, at) = (0, self.offsets_of(output));
        while from < channels {
            if const { F::ROWS >= 6 } && from + 4 * L <= channels {
                self.fill_tile::<F, L, 4>(at, taps, from, ([StridedLayout::new(L); 3], false), y);
                from += 4 * L;
            } else {
                self.fill_tile::<F, L, 1>(at, taps, from.min(channels - L), ([StridedLayout::new(L); 3], false), y);
                from += L;
            }
        }
        output + 1
    }

    /// The offset of the window of an output, which wraps around below 0, and the offset of the output.
    #[inline(always)]
    fn offsets_of(&self, output: usize) -> [usize; 2] {
        let window = self.first.wrapping_add(self.columns.position(output, 0));
        let place = self.columns.output_start + output * self.columns.output_step;
        [window.wrapping_mul(self.c.depth * self.c.channels), place * self.c.channels]
    }

    /// Computes `T` vectors of outputs. The first one starts at channel `from` of a pixel. `layouts` are those of their
    /// inputs, weights and outputs. If `adjacent`, they share their weights, and three taps read each input once.
    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "ranges of constants are unrolled, iterators over them are not")]
    fn fill_tile<F: Fma, const L: usize, const T: usize>(
        &self,
        [window, output]: [usize; 2],
        taps: Chain,
        from: usize,
        (layouts, adjacent): ([StridedLayout<L, T>; 3], bool),
        y: &mut [f32],
    ) {
        let (weights, mut sums) = (self.c.weights, [[0.0; L]; T]);
        let window = window.wrapping_add(from);
        let mut first = taps.first;
        for _ in 0..taps.rows {
            let mut taps = &self.offsets[first..][..taps.width];
            if adjacent {
                while let [[x, w], [next, w_next], [last, w_last], rest @ ..] = taps {
                    // Closures would not be inlined, and the sums would not stay in registers.
                    let x = layouts[0].view(self.x, window.wrapping_add(*x));
                    let next = layouts[0].view(self.x, window.wrapping_add(*next));
                    let last = layouts[0].view(self.x, window.wrapping_add(*last));
                    let w = [
                        lanes::<L>(weights, w.wrapping_add(from)),
                        lanes::<L>(weights, w_next.wrapping_add(from)),
                        lanes::<L>(weights, w_last.wrapping_add(from)),
                    ];
                    let (mut x, mut next) = (*x.at(0), *next.at(0));
                    for t in 0..T {
                        let last = *last.at(t);
                        F::add_products(&x, w[0], &mut sums[t]);
                        F::add_products(&next, w[1], &mut sums[t]);
                        F::add_products(&last, w[2], &mut sums[t]);
                        (x, next) = (next, last);
                    }
                    taps = rest;
                }
            }
            for [x, w] in taps {
                let x = layouts[0].view(self.x, window.wrapping_add(*x));
                let w = layouts[1].view(weights, w.wrapping_add(from));
                for t in 0..T {
                    F::add_products(x.at(t), w.at(t), &mut sums[t]);
                }
            }
            first += self.row_length;
        }
        let (bias, mut y) = (layouts[1].view(self.c.bias, from), layouts[2].view_mut(y, output + from));
        for t in 0..T {
            // Adding 0 turns −0 into 0, as in every product.
            F::add(&[0.0; L], &mut sums[t]);
            F::add(bias.at(t), &mut sums[t]);
            y.set(t, &sums[t]);
        }
    }
}
