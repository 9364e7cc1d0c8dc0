//! A pass from images to images: channels in the lanes, and a few output pixels of a row in registers.

use super::axis::Axis;
use super::lanes;
use crate::error::Result;
use crate::kernels::activation::{self, Elementwise};
use crate::kernels::simd::{Fma, Strides, vectorized};
use crate::sizes;

/// `y = activation(Σ x · w + bias)` over taps inside the image, and over `depth` for each tap.
pub(super) struct Correlation<'a> {
    pub(super) taps: &'a Taps,
    /// Channels of an output pixel, at least as many as lanes.
    pub(super) channels: usize,
    /// Number of products for each tap. A pixel of the input has `depth` times as many channels.
    pub(super) depth: usize,
    /// Columns of an input image and of an output image.
    pub(super) input_columns: usize,
    pub(super) output_columns: usize,
    /// Kernel rows × kernel columns × depth × channels.
    pub(super) weights: &'a [f32],
    /// One for each channel.
    pub(super) bias: &'a [f32],
    pub(super) activation: Elementwise,
}

/// The axes of a pass, and where the taps of a kernel are.
#[derive(Clone, Debug)]
pub(super) struct Taps {
    /// The axes of the outputs that have the same taps: output `i` is in the one with the number `i` modulo their count.
    rows: Vec<Axis>,
    columns: Vec<Axis>,
    /// For each axis of rows and each of columns the taps in order, with `depth` entries each: the distance from the beginning
    /// of a window, and the place of the weights.
    offsets: Vec<Vec<[usize; 2]>>,
}

impl Taps {
    /// The taps of windows in images of `input_columns`, whose kernels have `kernel_columns`, with `depth` × `channels` numbers
    /// in a pixel.
    ///
    /// # Errors
    /// Memory does not hold them.
    pub(super) fn new(
        [rows, columns]: [Vec<Axis>; 2],
        [input_columns, kernel_columns]: [usize; 2],
        [depth, channels]: [usize; 2],
    ) -> Result<Taps> {
        let mut offsets = Vec::new();
        for row_axis in &rows {
            for axis in &columns {
                offsets.push(sizes::collect(&[row_axis.taps, axis.taps, depth], |at| {
                    let (row, column, number) = (at / depth / axis.taps, at / depth % axis.taps, at % depth);
                    // Modulo 2⁶⁴: taps may be far outside the image.
                    let place = |row: usize, column: usize, columns: usize| {
                        let pixel = row.wrapping_mul(columns).wrapping_add(column);
                        pixel.wrapping_mul(depth).wrapping_add(number).wrapping_mul(channels)
                    };
                    let x = place(row.wrapping_mul(row_axis.apart), column.wrapping_mul(axis.apart), input_columns);
                    [x, place(row_axis.tap(row), axis.tap(column), kernel_columns)]
                })?);
            }
        }
        Ok(Taps { rows, columns, offsets })
    }
}

vectorized! {
    /// Fills the rows of an output image from `first` on.
    pub(super) fn fill_rows<F: Fma>(c: &Correlation<'_>, x: &[f32], first: usize, y: &mut [f32]) {
        for (place, y) in (first..).zip(y.chunks_exact_mut(c.output_columns * c.channels)) {
            let (number, output) = (place % c.taps.rows.len(), place / c.taps.rows.len());
            let axis = &c.taps.rows[number];
            let taps = axis.inside(output);
            let first = axis.position(output, 0).wrapping_mul(c.input_columns);
            for (columns, offsets) in c.taps.columns.iter().zip(&c.taps.offsets[number * c.taps.columns.len()..]) {
                let (apart, adjacent) = (columns.taps * c.depth, [columns.step, columns.apart, c.depth] == [1, 1, 1]);
                let offsets = &offsets[taps.start * apart..taps.end * apart];
                let row = Row { c, x, first, columns, offsets, rows: taps.len(), apart, adjacent };
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

/// Outputs in a row that have the same taps.
struct Row<'a> {
    c: &'a Correlation<'a>,
    x: &'a [f32],
    /// The first pixel of the row of the image where windows begin, modulo 2⁶⁴ as it may be in the padding.
    first: usize,
    columns: &'a Axis,
    /// The taps in the rows of the kernel that are inside the image, the number of these rows, and the taps in one.
    offsets: &'a [[usize; 2]],
    rows: usize,
    apart: usize,
    /// Whether the inputs of an output are those of the one before, one tap later.
    adjacent: bool,
}

/// Some of the taps in a row's `offsets`: in each of `rows` rows of the kernel `width` from `first` on.
#[derive(Clone, Copy)]
struct Chain {
    first: usize,
    rows: usize,
    width: usize,
}

impl Row<'_> {
    /// Fills the outputs: pixels together where windows are inside the image, and channels together at its sides.
    #[inline(always)]
    fn fill<F: Fma, const L: usize>(&self, y: &mut [f32]) {
        let (columns, inner) = (self.columns, self.columns.inner());
        let mut output = 0;
        while output < columns.outputs {
            // The last pixels reach back where fewer are left, whose values are computed again.
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

    /// Fills the channels of `T` outputs from `output` on, and returns the output after them.
    #[inline(always)]
    fn fill_pixels<F: Fma, const L: usize, const T: usize>(&self, output: usize, y: &mut [f32]) -> usize {
        let (c, columns) = (self.c, self.columns);
        let taps = if self.adjacent {
            Chain { first: 0, rows: self.rows, width: self.apart }
        } else {
            Chain { first: 0, rows: 1, width: self.offsets.len() }
        };
        let apart = [columns.step * c.depth * c.channels, 0, columns.places_apart * c.channels].map(Strides::new);
        let (mut from, at) = (0, self.places(output));
        while from < c.channels {
            // The last lanes reach back where fewer channels are left.
            self.fill_tile::<F, L, T>(at, taps, from.min(c.channels - L), (apart, self.adjacent), y);
            from += L;
        }
        output + T
    }

    /// Fills the channels of one output, some of whose taps may be outside the image, and returns the next.
    #[inline(always)]
    fn fill_pixel<F: Fma, const L: usize>(&self, output: usize, y: &mut [f32]) -> usize {
        let (channels, depth, inside) = (self.c.channels, self.c.depth, self.columns.inside(output));
        let taps = Chain { first: inside.start * depth, rows: self.rows, width: inside.len() * depth };
        let (mut from, at) = (0, self.places(output));
        while from < channels {
            if const { F::ROWS >= 6 } && from + 4 * L <= channels {
                self.fill_tile::<F, L, 4>(at, taps, from, ([Strides::new(L); 3], false), y);
                from += 4 * L;
            } else {
                self.fill_tile::<F, L, 1>(at, taps, from.min(channels - L), ([Strides::new(L); 3], false), y);
                from += L;
            }
        }
        output + 1
    }

    /// Where the window of an output begins, modulo 2⁶⁴, and where the output is.
    #[inline(always)]
    fn places(&self, output: usize) -> [usize; 2] {
        let window = self.first.wrapping_add(self.columns.position(output, 0));
        let place = self.columns.place + output * self.columns.places_apart;
        [window.wrapping_mul(self.c.depth * self.c.channels), place * self.c.channels]
    }

    /// Fills `T` vectors, the first from the channel `from` of a pixel on. `apart` has the distances of their inputs, weights
    /// and outputs, and whether they have the same weights, and an input at a tap is the one before it at the next tap.
    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "ranges of constants are unrolled, iterators over them are not")]
    fn fill_tile<F: Fma, const L: usize, const T: usize>(
        &self,
        [window, place]: [usize; 2],
        taps: Chain,
        from: usize,
        (apart, adjacent): ([Strides<L, T>; 3], bool),
        y: &mut [f32],
    ) {
        let (weights, mut sums) = (self.c.weights, [[0.0; L]; T]);
        let window = window.wrapping_add(from);
        let mut first = taps.first;
        for _ in 0..taps.rows {
            let mut taps = &self.offsets[first..][..taps.width];
            if adjacent {
                while let [[x, w], [next, w_next], [last, w_last], rest @ ..] = taps {
                    // Without closures, which would be called here and end the use of registers.
                    let x = apart[0].of(self.x, window.wrapping_add(*x));
                    let next = apart[0].of(self.x, window.wrapping_add(*next));
                    let last = apart[0].of(self.x, window.wrapping_add(*last));
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
                let x = apart[0].of(self.x, window.wrapping_add(*x));
                let w = apart[1].of(weights, w.wrapping_add(from));
                for t in 0..T {
                    F::add_products(x.at(t), w.at(t), &mut sums[t]);
                }
            }
            first += self.apart;
        }
        let (bias, mut y) = (apart[1].of(self.c.bias, from), apart[2].of_mut(y, place + from));
        for t in 0..T {
            // Adding 0 turns −0 into 0, as in every product.
            F::add(&[0.0; L], &mut sums[t]);
            F::add(bias.at(t), &mut sums[t]);
            y.set(t, &sums[t]);
        }
    }
}
