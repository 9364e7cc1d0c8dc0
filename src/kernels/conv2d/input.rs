//! The gradient of the images: lanes are contiguous taps, registers are vertically adjacent output pixels.
//!
//! A tile is the contribution of a few pixels of one column to one run of taps of their windows. Windows of vertically adjacent
//! pixels share no element of such a run, so the tile is added to the gradient of the images at once, which is not read
//! again before the next tile.

use super::geometry::Geometry;
use super::tile::{LANES, Vector, ZEROS, for_even_tiles, for_rows};
use crate::error::Result;
use crate::kernels::images;
use crate::kernels::simd::{self, Aligned, Fma, vectorized};
use crate::sizes;

/// Images per thread.
const IMAGES_PER_PIECE: usize = 8;

/// Contiguous taps: two vectors, of which a narrow instruction set uses one per tile.
type Strip = Aligned<[f32; STRIP]>;
const STRIP: usize = 2 * LANES;

/// Minimum number of pixels per tile. With fewer vertically adjacent pixels, a tile takes pixels of several images.
const MIN_ROWS: usize = 8;

/// The buffers of the gradient of the images.
#[derive(Clone, Debug)]
pub(super) struct Buffers {
    /// The kernels in panels of 32 taps of a row, filter by filter.
    panels: Vec<Strip>,
    /// Offset of the first window of each row of output pixels in some padded images.
    tops: Vec<usize>,
    /// Buffers for each part of the batch.
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
struct Piece {
    /// The gradients of some output images, for every sixteen filters column by column and row by row.
    dy: Vec<Vector>,
    /// The gradients of padded images, with extra elements at the end for unused lanes.
    dx: Vec<f32>,
}

/// Number of images that are processed together.
fn images_together(geometry: &Geometry) -> usize {
    MIN_ROWS.div_ceil(geometry.output[0])
}

impl Buffers {
    pub(super) fn new(geometry: &Geometry) -> Result<Buffers> {
        let (together, rows) = (images_together(geometry), geometry.output[0]);
        let pieces = geometry.batch.div_ceil(IMAGES_PER_PIECE);
        let ([height, width], channels) = (geometry.padded_size(), geometry.channels);
        let images = sizes::product(&[together, height, width, channels])?;
        let dx = sizes::sum(&[images, STRIP])?;
        let dy = [geometry.filters.div_ceil(LANES), together, geometry.pixels()];
        sizes::check_fits_memory::<f32>(&[pieces, dx])?;
        sizes::check_fits_memory::<Vector>(&[pieces, sizes::product(&dy)?])?;
        let piece = Piece { dy: sizes::filled(ZEROS, &dy)?, dx: sizes::zeros(&[dx])? };
        let top = |row| row / rows * geometry.padded_image() + row % rows * geometry.strides[0] * geometry.padded_row();
        let panels = [geometry.groups, geometry.runs(), geometry.run().div_ceil(STRIP), geometry.filters];
        Ok(Buffers {
            panels: sizes::filled(Aligned([0.0; STRIP]), &panels)?,
            tops: sizes::collect(&[together, rows], top)?,
            pieces: sizes::filled(piece, &[pieces])?,
        })
    }

    /// Copies the kernels to panels of 32 taps of a run, group by group and filter by filter. Lanes without a tap stay 0.
    fn pack(&mut self, geometry: &Geometry, w: &[f32]) {
        let (filters, all, run) = (geometry.filters, geometry.all_filters(), geometry.run());
        let panels = geometry.runs() * run.div_ceil(STRIP) * filters;
        for (group, panels) in self.panels.chunks_exact_mut(panels).enumerate() {
            let parts = w.chunks_exact(run * all).flat_map(|run| run.chunks(STRIP * all));
            for (panel, w) in panels.chunks_exact_mut(filters).zip(parts) {
                for (lane, w) in w.chunks_exact(all).enumerate() {
                    panel.iter_mut().zip(&w[group * filters..]).for_each(|(panel, w)| panel.0[lane] = *w);
                }
            }
        }
    }
}

/// The data shared by all parts.
struct Layer<'a> {
    geometry: &'a Geometry,
    panels: &'a [Strip],
    tops: &'a [usize],
}

/// `dx[element] = Σ dy[pixel, filter] · w[tap, filter]` over the windows that contain the element. Each window is one
/// chain over the filters. Windows are added from the last row of pixels to the first, and from the first column to the last
/// within a row, or from the last to the first if columns are dilated.
pub(super) fn backward(geometry: &Geometry, dy: &[f32], w: &[f32], dx: &mut [f32], buffers: &mut Buffers) {
    buffers.pack(geometry, w);
    let (input, output, level) = (geometry.input_image(), geometry.output_image(), simd::current());
    let together = images_together(geometry);
    let layer = Layer { geometry, panels: &buffers.panels, tops: &buffers.tops };
    let nanoseconds = sizes::work(&[IMAGES_PER_PIECE, geometry.nanoseconds()]);
    let images = ((dy, IMAGES_PER_PIECE * output), (dx, IMAGES_PER_PIECE * input), (&mut buffers.pieces[..], 1));
    images::for_each(images.0, images.1, images.2, nanoseconds, &|dy, dx, pieces| {
        for (dy, dx) in dy.chunks(together * output).zip(dx.chunks_mut(together * input)) {
            for piece in &mut *pieces {
                for group in 0..geometry.groups {
                    piece.arrange(geometry, group, dy);
                    piece.dx.fill(0.0);
                    fill(level, &layer, dy.len() / output, group, piece);
                    let padded = piece.dx.chunks_exact(geometry.padded_image());
                    for (dx, padded) in dx.chunks_exact_mut(input).zip(padded) {
                        geometry.unpad(padded, group, dx);
                    }
                }
            }
        }
    });
}

impl Piece {
    /// Copies the gradients of a group of filters of output images so that every sixteen filters of vertically adjacent
    /// pixels are adjacent.
    fn arrange(&mut self, geometry: &Geometry, group: usize, dy: &[f32]) {
        let columns = geometry.output[1];
        let rows = dy.len() / (columns * geometry.all_filters());
        for (pixel, dy) in dy.chunks_exact(geometry.all_filters()).enumerate() {
            let dy = &dy[group * geometry.filters..][..geometry.filters];
            let (row, column) = (pixel / columns, pixel % columns);
            for (number, dy) in dy.chunks(LANES).enumerate() {
                let to = &mut self.dy[(number * columns + column) * rows + row].0;
                match dy.first_chunk() {
                    Some(dy) => *to = *dy,
                    None => to[..dy.len()].copy_from_slice(dy),
                }
            }
        }
    }
}

vectorized! {
    /// Computes the gradients of a group of channels of several padded images.
    fn fill<F: Fma>(layer: &Layer<'_>, images: usize, group: usize, piece: &mut Piece) {
        let (geometry, filters) = (layer.geometry, layer.geometry.filters);
        let (rows, columns, run) = (images * geometry.output[0], geometry.output[1], geometry.run());
        let strips = run.div_ceil(STRIP);
        for number in 0..geometry.runs() {
            let panels = &layer.panels[(group * geometry.runs() + number) * strips * filters..][..strips * filters];
            for column in 0..columns {
                let corner = geometry.run_offset(number) + column * geometry.strides[1] * geometry.channels;
                let mut tap = 0;
                while tap < run {
                    let counts = first_lanes(run - tap);
                    let panel = &panels[tap / STRIP * filters..][..filters];
                    let wide = F::COLUMNS == STRIP && run - tap > LANES;
                    for_even_tiles!([12 10 9 8 6 5 4 2 1] up to F::ROWS, 0..rows, (row, overlap, R) => {
                        let dy = &piece.dy[column * rows + row..];
                        let tops: &[usize; R] = layer.tops[row..].first_chunk().expect("a top for each row");
                        let dx = &mut piece.dx[corner + tap..];
                        let stride = columns * rows;
                        if const { F::COLUMNS == STRIP } {
                            if wide {
                                add_tile::<F, R, STRIP, 0>(dy, stride, panel, &counts, tops, overlap, dx);
                            } else {
                                add_tile::<F, R, LANES, 0>(dy, stride, panel, &counts, tops, overlap, dx);
                            }
                        } else if tap % STRIP == 0 {
                            add_tile::<F, R, LANES, 0>(dy, stride, panel, &counts, tops, overlap, dx);
                        } else {
                            add_tile::<F, R, LANES, LANES>(dy, stride, panel, &counts, tops, overlap, dx);
                        }
                    });
                    tap += if wide { STRIP } else { LANES };
                }
            }
        }
    }
}

/// Adds the contribution of `R` pixels to `L` taps, starting at lane `FROM` of a panel. Every sixteen filters of `dy` are
/// at a distance of `stride` vectors. The first `overlap` pixels were already added.
#[inline(always)]
fn add_tile<F: Fma, const R: usize, const L: usize, const FROM: usize>(
    dy: &[Vector],
    stride: usize,
    panel: &[Strip],
    counts: &[u32; STRIP],
    tops: &[usize; R],
    overlap: usize,
    dx: &mut [f32],
) {
    let counts = counts.first_chunk().expect("lanes of a strip");
    let mut tile = [[0.0; L]; R];
    for (number, panel) in panel.chunks(LANES).enumerate() {
        let dy = &dy[number * stride..][..R];
        for (lane, taps) in panel.iter().enumerate() {
            let taps: &[f32; L] = taps.0[FROM..].first_chunk().expect("lanes of a strip");
            for_rows!(R, r => F::add_scaled(dy[r].0[lane % LANES], taps, &mut tile[r]));
        }
    }
    for_rows!(R, r => if r >= overlap {
        let dx: &mut [f32; L] = dx[tops[r]..].first_chunk_mut().expect("the buffer extends beyond the last tap");
        // Lanes without a tap may contain NaN if dy is not finite.
        F::add_masked(&tile[r], counts, dx);
    });
}

/// All bits set in the first `width` lanes, none in the others.
#[inline(always)]
fn first_lanes(width: usize) -> [u32; STRIP] {
    let mut counts = [0; STRIP];
    (0..STRIP).for_each(|l| counts[l] = if l < width { u32::MAX } else { 0 });
    counts
}
