//! The gradient of depthwise kernels: lanes are channels, registers are taps, and pixels are the steps of a chain.

use super::axis::Axis;
use super::lanes;
use crate::kernels::conv2d::tile::Vector;
use crate::kernels::simd::{Fma, StridedLayout, copy_lanes, vectorized};
use crate::kernels::tile::LANES;
use std::ops::Range;

/// Minimum number of pixels per tile before its sums are stored. If a row has fewer, a tile takes several rows.
const PIXELS: usize = 32;

/// Maximum number of taps whose sums are in registers.
const fn max_taps<F: Fma>() -> usize {
    if F::ROWS < 6 { 5 } else { 15 }
}

/// The axes and channels of the images.
pub(in crate::kernels) struct Windows<'a> {
    pub(in crate::kernels) rows: &'a Axis,
    pub(in crate::kernels) columns: &'a Axis,
    /// Channels of a pixel, at least as many as lanes.
    pub(in crate::kernels) channels: usize,
}

vectorized! {
    /// Adds the products of an image with the gradient of its output to the sums of vectors of channels, from vector number
    /// `first` on. The sums of a vector are tap by tap.
    pub(in crate::kernels) fn add_image<F: Fma>(g: &Windows<'_>, x: &[f32], dy: &[f32], first: usize, sums: &mut [Vector]) {
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

impl Part<'_> {
    /// Adds the kernel rows `taps`.
    #[inline(always)]
    fn add<F: Fma>(&self, taps: Range<usize>, sums: &mut [Vector]) {
        if const { F::COLUMNS == 32 } {
            self.add_rows::<F, LANES>(taps, 0, sums);
        } else {
            for lane in [0, 8] {
                self.add_rows::<F, 8>(taps.clone(), lane, sums);
            }
        }
    }

    /// Adds the kernel rows `taps` for `L` lanes starting at `lane`.
    #[inline(always)]
    fn add_rows<F: Fma, const L: usize>(&self, taps: Range<usize>, lane: usize, sums: &mut [Vector]) {
        let mut row = taps.start;
        while row < taps.end {
            row += match taps.end - row {
                3.. if const { max_taps::<F>() >= 15 } => self.add_columns::<F, L, 3>(row, lane, sums),
                2.. if const { max_taps::<F>() >= 10 } => self.add_columns::<F, L, 2>(row, lane, sums),
                _ => self.add_columns::<F, L, 1>(row, lane, sums),
            };
        }
    }

    /// Adds `U` kernel rows and returns `U`.
    #[inline(always)]
    fn add_columns<F: Fma, const L: usize, const U: usize>(
        &self,
        row: usize,
        lane: usize,
        sums: &mut [Vector],
    ) -> usize {
        let mut column = 0;
        while column < self.g.columns.taps {
            column += match self.g.columns.taps - column {
                5 | 8.. => self.add_taps::<F, L, U, 5>([row, column], lane, sums),
                3.. => self.add_taps::<F, L, U, 3>([row, column], lane, sums),
                _ => self.add_taps::<F, L, U, 1>([row, column], lane, sums),
            };
        }
        U
    }

    /// Adds `U` rows and `V` columns of taps starting at `[row, column]`, and returns `V`.
    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "ranges of constants are unrolled, iterators over them are not")]
    fn add_taps<F: Fma, const L: usize, const U: usize, const V: usize>(
        &self,
        [row, column]: [usize; 2],
        lane: usize,
        sums: &mut [Vector],
    ) -> usize {
        let (columns, channels, mut tile) = (self.g.columns, self.g.channels, [[[0.0; L]; V]; U]);
        let sums = &mut sums[row * columns.taps + column..];
        for u in 0..U {
            for v in 0..V {
                tile[u][v] = *lanes::<L>(&sums[u * columns.taps + v].0, lane);
            }
        }
        let inner = columns.outputs_with_all(column..column + V);
        let (from, strides) = (self.from + lane, StridedLayout::<L, V>::new(columns.dilation * channels));
        let adjacent = const { F::COLUMNS == 32 } && columns.stride == 1 && columns.dilation == 1;
        for output in self.outputs.clone() {
            let (x, dy) = self.rows::<U>(output, row);
            // The input vectors of a pixel. All but the last one were read for the pixel before.
            let mut read = [[[0.0; L]; V]; U];
            for pixel in 0..columns.outputs {
                let dy = lanes::<L>(dy, pixel * channels + from);
                let at = columns.position(pixel, column).wrapping_mul(channels).wrapping_add(from);
                if inner.contains(&pixel) {
                    for u in 0..U {
                        let x = strides.view(x[u], at);
                        if !adjacent || pixel == inner.start {
                            for v in 0..V {
                                read[u][v] = *x.at(v);
                            }
                        } else {
                            for v in 1..V {
                                read[u][v - 1] = read[u][v];
                            }
                            read[u][V - 1] = *x.at(V - 1);
                        }
                        for v in 0..V {
                            F::add_products(&read[u][v], dy, &mut tile[u][v]);
                        }
                    }
                    continue;
                }
                for v in 0..V {
                    if columns.outputs_of_taps[column + v].contains(&pixel) {
                        let at = at.wrapping_add(v * columns.dilation * channels);
                        for u in 0..U {
                            F::add_products(lanes(x[u], at), dy, &mut tile[u][v]);
                        }
                    }
                }
            }
        }
        for u in 0..U {
            for v in 0..V {
                let sums = &mut sums[u * columns.taps + v].0[lane..];
                copy_lanes(&tile[u][v], sums.first_chunk_mut::<L>().expect("lanes of a vector"));
            }
        }
        V
    }

    /// The input rows at `U` kernel rows, and the row of the gradient of the output.
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
}
