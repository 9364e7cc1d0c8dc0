//! The forward pass: lanes are filters, registers are output pixels, and taps are read directly from the image.

use super::geometry::{Geometry, Strip};
use super::tile::{self, LANES, for_even_tiles, for_rows};
use crate::error::Result;
use crate::kernels::activation::{self, Elementwise};
use crate::kernels::aligned_buffer::AlignedBuffer;
use crate::kernels::images;
use crate::kernels::parallel;
use crate::kernels::simd::{self, Fma, SimdLevel, copy_lanes, vectorized};
use crate::sizes;

/// Images per thread.
const IMAGES_PER_PIECE: usize = 8;

/// Maximum number of pixels in a tile whose windows are not contiguous. Each needs a register for its address.
const fn max_rows_apart<F: Fma, const L: usize>() -> usize {
    let most = tile::max_rows::<F, L>();
    if most < 9 { most } else { 9 }
}

/// Maximum number of pixels in a tile of 32 filters. More would need more registers for addresses than there are.
const MAX_WIDE_ROWS: usize = 8;

/// Whether strips of 32 filters are computed.
fn wide(geometry: &Geometry, level: SimdLevel) -> bool {
    level == SimdLevel::Avx512 && !geometry.side_by_side()
}

/// The buffers of a forward pass.
#[derive(Clone, Debug)]
pub(super) struct Buffers {
    /// Offset of each tap from the start of its window.
    offsets: Vec<usize>,
    /// Offset of each pixel's window.
    bases: Vec<usize>,
    /// For each group and each strip of filters: the lanes of each tap.
    panels: AlignedBuffer,
    /// A padded image for each part of the batch.
    padded: Vec<Vec<f32>>,
}

impl Buffers {
    pub(super) fn new(geometry: &Geometry) -> Result<Buffers> {
        Ok(Buffers {
            padded: geometry.padded_buffers(geometry.batch.div_ceil(IMAGES_PER_PIECE))?,
            offsets: geometry.offsets()?,
            bases: geometry.bases()?,
            panels: AlignedBuffer::zeros(sizes::check_fits_memory::<f32>(&[
                geometry.groups,
                geometry.padded_filters(),
                geometry.taps(),
            ])?),
        })
    }

    /// Copies the kernels to panels. Unused lanes stay 0.
    pub(super) fn pack(&mut self, geometry: &Geometry, w: &[f32]) {
        let wide = wide(geometry, simd::current());
        let length = geometry.padded_filters() * geometry.taps();
        for (group, panels) in self.panels.chunks_exact_mut(length).enumerate() {
            let mut at = 0;
            while at < geometry.filters {
                let Strip { first, lanes, .. } = geometry.strip(at, wide);
                let (panel, width) = (&mut panels[at * geometry.taps()..], lanes.min(geometry.filters));
                for (panel, w) in panel.chunks_exact_mut(lanes).zip(w.chunks_exact(geometry.all_filters())) {
                    panel[..width].copy_from_slice(&w[group * geometry.filters + first..][..width]);
                }
                at += lanes;
            }
        }
    }
}

/// The data shared by the images of a forward pass.
struct Layer<'a> {
    geometry: &'a Geometry,
    offsets: &'a [usize],
    bases: &'a [usize],
    panels: &'a [f32],
    bias: Option<&'a [f32]>,
}

impl<'a> Layer<'a> {
    /// The lanes of each tap for a strip of filters.
    #[inline(always)]
    fn panel<const L: usize>(&self, group: usize, strip: Strip) -> &'a [[f32; L]] {
        let taps = self.geometry.taps();
        let start = (group * self.geometry.padded_filters() + strip.at) * taps;
        self.panels[start..start + L * taps].as_chunks().0
    }
}

/// y = activation(x ∗ w + bias), image by image, with the kernels that were packed last.
pub(super) fn forward(
    geometry: &Geometry,
    x: &[f32],
    bias: Option<&[f32]>,
    activation: Elementwise,
    y: &mut [f32],
    buffers: &mut Buffers,
) {
    let level = simd::current();
    let layer = Layer { geometry, offsets: &buffers.offsets, bases: &buffers.bases, panels: &buffers.panels, bias };
    let (input, output) = (geometry.input_image(), geometry.output_image());
    // The rows of each image are distributed over threads too if there are few images.
    let rows_of_part = geometry.output[0].div_ceil(parallel::parts_of_each(buffers.padded.len()));
    let nanoseconds = sizes::work(&[IMAGES_PER_PIECE, geometry.nanoseconds()]);
    let images = ((x, IMAGES_PER_PIECE * input), (y, IMAGES_PER_PIECE * output), (&mut buffers.padded[..], 1));
    images::for_each(images.0, images.1, images.2, nanoseconds, &|x, y, padded| {
        for (x, y) in x.chunks_exact(input).zip(y.chunks_exact_mut(output)) {
            for group in 0..geometry.groups {
                let x = geometry.pad(x, group, &mut padded[0]);
                let nanoseconds = geometry.nanoseconds() * rows_of_part / geometry.output[0] / geometry.groups;
                parallel::for_each_chunk(y, rows_of_part * geometry.output_row(), nanoseconds, |number, y| {
                    rows(level, &layer, x, number * rows_of_part, y, group);
                });
            }
            if activation != Elementwise::Linear {
                activation::finish_row(level, activation, &[], y);
            }
        }
    });
}

/// Buffer for a tile with fewer filters than lanes.
type TileBuffer = [f32; tile::MAX_ROWS * LANES];

/// Computes some rows of pixels of a group of filters from a padded image of the group's channels. `y` starts at row number
/// `first`.
fn rows(level: SimdLevel, layer: &Layer<'_>, x: &[f32], first: usize, y: &mut [f32], group: usize) {
    let (geometry, wide, mut at) = (layer.geometry, wide(layer.geometry, level), 0);
    while at < geometry.filters {
        let strip = geometry.strip(at, wide);
        match strip.lanes {
            8 => panel::<8>(level, layer, x, first, y, group, strip),
            LANES => panel::<LANES>(level, layer, x, first, y, group, strip),
            _ => wide_panel(level, layer, x, first, y, group, strip),
        }
        at += strip.lanes;
    }
}

vectorized! {
    /// Computes pixels of a padded image, starting with row `row`, for a strip of up to sixteen filters.
    fn panel<F: Fma, const L: usize>(
        layer: &Layer<'_>,
        x: &[f32],
        row: usize,
        y: &mut [f32],
        group: usize,
        strip: Strip,
    ) {
        let geometry = layer.geometry;
        let (panel, first) = (layer.panel::<L>(group, strip), group * geometry.filters + strip.first);
        let bias = bias_lanes(layer.bias, first);
        let (filters, mut buffers) = (geometry.all_filters(), [0.0; tile::MAX_ROWS * LANES]);
        if geometry.side_by_side() {
            // Corresponding taps of adjacent windows are contiguous.
            for (row, y) in (row..).zip(y.chunks_exact_mut(geometry.output_row())) {
                let (x, columns) = (&x[row * geometry.strides[0] * geometry.padded_row()..], 0..geometry.output[1]);
                for_even_tiles!([12 9 8 6 4 2 1] up to tile::max_rows::<F, L>(), columns, (column, _, R) => {
                    let mut sums = [[0.0; L]; R];
                    tile::side_by_side::<F, R, L>(&mut sums, &x[column..], layer.offsets, panel);
                    store::<F, R, L>(&sums, &bias, &mut y[column * filters + first..], filters, &mut buffers);
                });
            }
            return;
        }
        for_even_tiles!([9 6 4 2 1] up to max_rows_apart::<F, L>(), 0..y.len() / filters, (pixel, _, R) => {
            let sums = window_sums::<F, R, L>(layer, x, panel, row * geometry.output[1] + pixel);
            store::<F, R, L>(&sums, &bias, &mut y[pixel * filters + first..], filters, &mut buffers);
        });
    }
}

vectorized! {
    /// Computes pixels of a padded image, starting with row `row`, for a strip of 32 filters, if tiles have that many columns.
    fn wide_panel<F: Fma>(layer: &Layer<'_>, x: &[f32], row: usize, y: &mut [f32], group: usize, strip: Strip) {
        const L: usize = 2 * LANES;
        if const { F::COLUMNS == L } {
            let geometry = layer.geometry;
            let (panel, first) = (layer.panel::<L>(group, strip), group * geometry.filters + strip.first);
            let bias = bias_lanes(layer.bias, first);
            let (filters, mut buffers) = (geometry.all_filters(), [0.0; tile::MAX_ROWS * LANES]);
            for_even_tiles!([8 7 6 4 2 1] up to MAX_WIDE_ROWS, 0..y.len() / filters, (pixel, _, R) => {
                let sums = window_sums::<F, R, L>(layer, x, panel, row * geometry.output[1] + pixel);
                store::<F, R, L>(&sums, &bias, &mut y[pixel * filters + first..], filters, &mut buffers);
            });
        }
    }
}

/// The sums of `R` adjacent pixels.
#[inline(always)]
fn window_sums<F: Fma, const R: usize, const L: usize>(
    layer: &Layer<'_>,
    x: &[f32],
    panel: &[[f32; L]],
    pixel: usize,
) -> [[f32; L]; R] {
    let reach = layer.offsets.last().map_or(0, |last| last + 1);
    let bases: &[usize; R] = layer.bases[pixel..].first_chunk().expect("a window for each pixel");
    let mut windows = [x; R];
    for_rows!(R, r => windows[r] = &x[bases[r]..][..reach]);
    tile::by_rows::<F, R, L>(&windows, layer.offsets, panel)
}

/// The biases starting at filter `first`, followed by zeros.
fn bias_lanes<const L: usize>(bias: Option<&[f32]>, first: usize) -> [f32; L] {
    let mut lanes = [0.0; L];
    let bias = bias.map_or(&[][..], |bias| &bias[first..]);
    lanes.iter_mut().zip(bias).for_each(|(lane, bias)| *lane = *bias);
    lanes
}

/// Writes the sums of adjacent pixels with their biases. `y` starts at the first pixel.
#[inline(always)]
fn store<F: Fma, const R: usize, const L: usize>(
    sums: &[[f32; L]; R],
    bias: &[f32; L],
    y: &mut [f32],
    filters: usize,
    buffers: &mut TileBuffer,
) {
    // With fewer filters than lanes, the surplus is written to the next pixel, which is overwritten next. At the end of
    // an image, a buffer is used.
    let needed = (R - 1) * filters + L;
    let fits = y.len() >= needed;
    let to = if fits { &mut y[..needed] } else { &mut buffers[..needed] };
    for_rows!(R, r => {
        // Adding 0 turns −0 into 0, as in every product.
        let mut pixel = sums[r];
        F::add(&[0.0; L], &mut pixel);
        F::add(bias, &mut pixel);
        copy_lanes(&pixel, to[r * filters..].first_chunk_mut::<L>().expect("lanes of a pixel"));
    });
    if !fits {
        y.copy_from_slice(&buffers[..y.len()]);
    }
}
