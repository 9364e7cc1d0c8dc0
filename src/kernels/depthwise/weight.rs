//! The gradient of depthwise kernels: lanes are channels, registers are taps, and pixels are the steps of a chain.

use super::axis::Axis;
use super::{lanes, unroll};
use crate::kernels::conv2d::tile::{Vector, for_rows};
use crate::kernels::simd::{Fma, StridedLayout, copy_lanes, vectorized};
use crate::kernels::tile::LANES;
use std::ops::Range;

/// Minimum number of pixels per tile before its sums are stored. If a row has fewer, a tile takes several rows.
const PIXELS: usize = 32;

/// Pixels that are read together if they are not contiguous.
const STRIDED_PIXELS: usize = 8;

/// Maximum number of taps whose sums are in registers.
const fn max_taps<F: Fma>() -> usize {
    match F::ROWS {
        0..6 => 5,
        6..12 => 10,
        _ => 15,
    }
}

/// The axes and channels of the images.
pub(super) struct Windows<'a> {
    pub(super) rows: &'a Axis,
    pub(super) columns: &'a Axis,
    /// Channels of a pixel, at least as many as lanes.
    pub(super) channels: usize,
}

vectorized! {
    /// Adds the products of an image with the gradient of its output to the sums of vectors of channels, from vector number
    /// `first` on. The sums of a vector are tap by tap.
    pub(super) fn add_image<F: Fma>(g: &Windows<'_>, x: &[f32], dy: &[f32], first: usize, sums: &mut [Vector]) {
        let (rows, vectors) = (g.rows, rows_together(g));
        let mut start = 0;
        while start < rows.outputs {
            let taps = rows.inside(start);
            let same = (start..rows.outputs.min(start + vectors)).take_while(|row| rows.inside(*row) == taps);
            let outputs = start..start + same.count();
            for (number, sums) in (first..).zip(sums.chunks_exact_mut(rows.taps * g.columns.taps)) {
                let from = (number * LANES).min(g.channels - LANES);
                let part = Part { g, x, dy, outputs: outputs.clone(), from };
                part.add::<F>(taps.clone(), sums);
            }
            start = outputs.end;
        }
    }
}

/// Number of output rows in a tile.
fn rows_together(g: &Windows<'_>) -> usize {
    PIXELS.div_ceil(g.columns.outputs)
}

/// Some output rows of an image, and a vector of channels.
struct Part<'a> {
    g: &'a Windows<'a>,
    x: &'a [f32],
    dy: &'a [f32],
    outputs: Range<usize>,
    from: usize,
}

/// Runs `$body` for tiles of `$U` kernel rows from `$row` on, which cover `$rows`. A tile has as many rows as registers hold
/// with `$V` columns.
macro_rules! for_kernel_rows {
    ($rows:expr, $V:literal, ($row:ident, $U:ident) => $body:expr) => {
        for_kernel_rows!(@ $rows, $V, ($row, $U) => $body, 5 3 2 1)
    };
    (@ $rows:expr, $V:literal, ($row:ident, $U:ident) => $body:expr, $($count:literal)*) => {{
        let mut $row = $rows.start;
        while $row < $rows.end {
            $row += match $rows.end - $row {
                $($count.. if const { $count == 1 || $count * $V <= max_taps::<F>() } => {
                    const $U: usize = $count;
                    $body;
                    $count
                })*
                _ => break,
            };
        }
    }};
}

impl Part<'_> {
    /// Adds the products for these kernel rows.
    #[inline(always)]
    fn add<F: Fma>(&self, taps: Range<usize>, sums: &mut [Vector]) {
        let columns = self.g.columns;
        let contiguous = columns.stride == 1 && columns.dilation == 1 && columns.extends_at_most(columns.taps - 1);
        match columns.taps {
            3 if contiguous => for_kernel_rows!(taps, 3, (row, U) => {
                if const { F::COLUMNS == 32 } {
                    self.add_contiguous::<F, LANES, U, 3, 8>(row, 0, sums);
                } else {
                    self.add_contiguous::<F, 8, U, 3, 4>(row, 0, sums);
                    self.add_contiguous::<F, 8, U, 3, 4>(row, 8, sums);
                }
            }),
            5 if contiguous => for_kernel_rows!(taps, 5, (row, U) => {
                if const { F::COLUMNS == 32 } {
                    self.add_contiguous::<F, LANES, U, 5, 4>(row, 0, sums);
                } else {
                    self.add_contiguous::<F, 8, U, 5, 4>(row, 0, sums);
                    self.add_contiguous::<F, 8, U, 5, 4>(row, 8, sums);
                }
            }),
            _ => {
                for column in 0..columns.taps {
                    for_kernel_rows!(taps, 2, (row, U) => self.add_strided::<F, U>(row, column, sums));
                }
            }
        }
    }

    /// The input rows at `U` kernel rows from `row` on, and the row of the gradient of the output.
    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "ranges of constants are unrolled, iterators over them are not")]
    fn rows<const U: usize>(&self, output: usize, row: usize) -> ([&[f32]; U], &[f32]) {
        let g = self.g;
        let lengths = [g.columns.size * g.channels, g.columns.outputs * g.channels];
        let mut x = [self.x; U];
        for u in 0..U {
            x[u] = &self.x[g.rows.position(output, row + u) * lengths[0]..][..lengths[0]];
        }
        (x, &self.dy[output * lengths[1]..][..lengths[1]])
    }

    /// Adds the products for `U` kernel rows of `V` contiguous columns, for `L` lanes from `lane` on, `P` pixels at a time.
    /// Each input pixel is read once for all taps.
    #[inline(always)]
    fn add_contiguous<F: Fma, const L: usize, const U: usize, const V: usize, const P: usize>(
        &self,
        row: usize,
        lane: usize,
        sums: &mut [Vector],
    ) {
        let (columns, mut tile) = (self.g.columns, [[[0.0; L]; V]; U]);
        let sums = &mut sums[row * V..];
        for u in 0..U {
            for v in 0..V {
                tile[u][v] = *lanes::<L>(&sums[u * V + v].0, lane);
            }
        }
        for output in self.outputs.clone() {
            let (x, dy) = self.rows::<U>(output, row);
            let mut pixel = 0;
            while pixel + P <= columns.outputs {
                self.add_pixels::<F, L, U, V, P>(x, dy, pixel, self.from + lane, &mut tile);
                pixel += P;
            }
            while pixel < columns.outputs {
                self.add_pixels::<F, L, U, V, 1>(x, dy, pixel, self.from + lane, &mut tile);
                pixel += 1;
            }
        }
        for u in 0..U {
            for v in 0..V {
                let sums = &mut sums[u * V + v].0[lane..];
                copy_lanes(&tile[u][v], sums.first_chunk_mut::<L>().expect("lanes of a vector"));
            }
        }
    }

    /// Adds the products of `P` pixels to a tile.
    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "ranges of constants are unrolled, iterators over them are not")]
    fn add_pixels<F: Fma, const L: usize, const U: usize, const V: usize, const P: usize>(
        &self,
        x: [&[f32]; U],
        dy: &[f32],
        pixel: usize,
        from: usize,
        tile: &mut [[[f32; L]; V]; U],
    ) {
        let (columns, channels) = (self.g.columns, self.g.channels);
        let dy = StridedLayout::<L>::new(channels, P).view(dy, pixel * channels + from);
        let mut pixels = [[0.0; L]; P];
        for p in 0..P {
            pixels[p] = dy.at(p);
        }
        let inside = columns.inside_of_run(pixel, P + V - 1);
        let first = columns.position(pixel, 0).wrapping_add(inside.start) * channels + from;
        let strides = StridedLayout::<L>::with_missing(channels, P + V - 1, V - 1, inside);
        for u in 0..U {
            let x = strides.view(x[u], first);
            unroll!(P + V - 1, J => {
                if let Some(x) = x.get(J) {
                    for v in 0..V {
                        // Before the first pixel, it wraps around to a large number.
                        let pixel = J.wrapping_sub(v);
                        if pixel < P {
                            F::add_products(&x, &pixels[pixel], &mut tile[u][v]);
                        }
                    }
                }
            });
        }
    }

    /// Adds the products for `U` kernel rows of one column, with any stride and dilation.
    #[inline(always)]
    fn add_strided<F: Fma, const U: usize>(&self, row: usize, column: usize, sums: &mut [Vector]) {
        let (g, columns) = (self.g, self.g.columns);
        let mut tile = [[0.0; LANES]; U];
        let at = |u: usize| (row + u) * columns.taps + column;
        for u in 0..U {
            tile[u] = *lanes::<LANES>(&sums[at(u)].0, 0);
        }
        let outputs = columns.outputs_of_taps[column].clone();
        let [dy_strides, x_strides] =
            [1, columns.stride].map(|step| StridedLayout::<LANES>::new(step * g.channels, STRIDED_PIXELS));
        for output in self.outputs.clone() {
            let (x, dy) = self.rows::<U>(output, row);
            let mut pixel = outputs.start;
            while pixel + STRIDED_PIXELS <= outputs.end {
                let dy = dy_strides.view(dy, pixel * g.channels + self.from);
                let first = columns.position(pixel, column) * g.channels + self.from;
                for_rows!(U, u => {
                    let (x, mut sums) = (x_strides.view(x[u], first), tile[u]);
                    for_rows!(STRIDED_PIXELS, p => F::add_products(&x.at(p), &dy.at(p), &mut sums));
                    tile[u] = sums;
                });
                pixel += STRIDED_PIXELS;
            }
            for pixel in pixel..outputs.end {
                let (dy, first) = (lanes(dy, pixel * g.channels + self.from), columns.position(pixel, column));
                for u in 0..U {
                    F::add_products(lanes::<LANES>(x[u], first * g.channels + self.from), dy, &mut tile[u]);
                }
            }
        }
        for u in 0..U {
            copy_lanes(&tile[u], &mut sums[at(u)].0);
        }
    }
}
