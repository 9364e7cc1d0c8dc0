//! The gradient of the images: taps that lie side by side in the lanes, output pixels one below the other in registers.
//!
//! Windows of pixels below each other share no element in the same row of the kernel, so their sums can be taken from the
//! image's gradient, go on over the filters, and be put back. In this order of kernel rows, from the last to the first, every
//! element's chain walks the output pixels in ascending order.

use super::geometry::Geometry;
use super::tile::{self, LANES, Vector, ZEROS, for_even_tiles, for_rows};
use crate::kernels::images;
use crate::kernels::simd::{self, Fma, vectorized};

/// Images that stay on one thread.
const IMAGES_PER_PIECE: usize = 8;

/// What the images' gradient works in.
#[derive(Clone, Debug)]
pub(super) struct Room {
    /// The kernels, sixteen taps of a row at a time, filter by filter.
    panels: Vec<Vector>,
    /// For each piece of the batch.
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
struct Piece {
    /// The gradient of an output image: for each sixteen filters column by column.
    dy: Vec<Vector>,
    /// The gradient of a padded image, with room behind for lanes that are too many.
    dx: Vec<f32>,
}

impl Room {
    pub(super) fn new(geometry: &Geometry) -> Room {
        let piece = Piece {
            dy: vec![ZEROS; geometry.filters.div_ceil(LANES) * geometry.pixels()],
            dx: vec![0.0; geometry.padded_image() + LANES],
        };
        Room {
            panels: vec![ZEROS; geometry.kernel[0] * geometry.run().div_ceil(LANES) * geometry.filters],
            pieces: vec![piece; geometry.batch.div_ceil(IMAGES_PER_PIECE)],
        }
    }

    /// Copies the kernels into panels of sixteen taps of a row, with the filters one after the other; lanes that have no
    /// tap stay 0.
    fn pack(&mut self, geometry: &Geometry, w: &[f32]) {
        let (filters, run) = (geometry.filters, geometry.run());
        let groups = w.chunks_exact(run * filters).flat_map(|row| row.chunks(LANES * filters));
        for (panel, w) in self.panels.chunks_exact_mut(filters).zip(groups) {
            for (lane, w) in w.chunks_exact(filters).enumerate() {
                panel.iter_mut().zip(w).for_each(|(panel, w)| panel.0[lane] = *w);
            }
        }
    }
}

/// `dx[element] = Σ dy[pixel, filter] · w[tap, filter]` over the windows that the element lies in: one chain over the pixels
/// in ascending order, for each over the filters.
pub(super) fn backward(geometry: &Geometry, dy: &[f32], w: &[f32], dx: &mut [f32], room: &mut Room) {
    room.pack(geometry, w);
    let (input, output, level) = (geometry.input_image(), geometry.output_image(), simd::current());
    let (panels, nanoseconds) = (&room.panels[..], IMAGES_PER_PIECE * geometry.nanoseconds());
    let images = ((dy, IMAGES_PER_PIECE * output), (dx, IMAGES_PER_PIECE * input), (&mut room.pieces[..], 1));
    images::for_each(images.0, images.1, images.2, nanoseconds, &|dy, dx, pieces| {
        for (dy, dx) in dy.chunks_exact(output).zip(dx.chunks_exact_mut(input)) {
            for piece in &mut *pieces {
                piece.arrange(geometry, dy);
                piece.dx.fill(0.0);
                image(level, geometry, panels, piece);
                geometry.unpad(&piece.dx, dx);
            }
        }
    });
}

impl Piece {
    /// Copies an output image's gradient so that sixteen filters of pixels below each other follow each other.
    fn arrange(&mut self, geometry: &Geometry, dy: &[f32]) {
        let [rows, columns] = geometry.output;
        for (pixel, dy) in dy.chunks_exact(geometry.filters).enumerate() {
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
    /// The gradient of a padded image.
    fn image<F: Fma>(geometry: &Geometry, panels: &[Vector], piece: &mut Piece) {
        let ([rows, columns], run, filters) = (geometry.output, geometry.run(), geometry.filters);
        let (groups, below) = (run.div_ceil(LANES), geometry.strides[0] * geometry.padded_row());
        for kernel_row in (0..geometry.kernel[0]).rev() {
            for column in 0..columns {
                let corner = kernel_row * geometry.padded_row() + column * geometry.strides[1] * geometry.channels;
                for group in 0..groups {
                    let panel = &panels[(kernel_row * groups + group) * filters..][..filters];
                    let counts = first_lanes(run - group * LANES);
                    for_even_tiles!(const { tile::most_rows::<F, LANES>() }, 0..rows, (row, R) => {
                        let dx = &mut piece.dx[corner + group * LANES + row * below..];
                        let mut sums = [[0.0; LANES]; R];
                        for_rows!(R, r => sums[r] = sixteen(dx, r * below));
                        for (number, panel) in panel.chunks(LANES).enumerate() {
                            let dy = &piece.dy[(number * columns + column) * rows + row..][..R];
                            add::<F, R>(&mut sums, dy, panel);
                        }
                        for_rows!(R, r => put_back(&sums[r], &counts, dx, r * below));
                    });
                }
            }
        }
    }
}

/// `sums[r] += Σ dy[r][filter] · panel[filter]` over up to sixteen filters.
#[inline(always)]
fn add<F: Fma, const R: usize>(sums: &mut [[f32; LANES]; R], dy: &[Vector], panel: &[Vector]) {
    let mut tile = *sums;
    let panel = &panel[..LANES.min(panel.len())]; // so that the loop need not check
    for filter in 0..panel.len() {
        for_rows!(R, r => F::add_scaled(dy[r].0[filter], &panel[filter].0, &mut tile[r]));
    }
    *sums = tile;
}

#[inline(always)]
fn sixteen(dx: &[f32], from: usize) -> [f32; LANES] {
    *dx[from..].first_chunk().expect("there is room behind the last tap")
}

/// Puts the sums back whose lanes count; the other elements stay what they were.
#[inline(always)]
fn put_back(sums: &[f32; LANES], counts: &[u32; LANES], dx: &mut [f32], from: usize) {
    let dx: &mut [f32; LANES] = dx[from..].first_chunk_mut().expect("there is room behind the last tap");
    for l in 0..LANES {
        dx[l] = f32::from_bits((sums[l].to_bits() & counts[l]) | (dx[l].to_bits() & !counts[l]));
    }
}

/// All bits set in the first `width` lanes, none in the others.
#[inline(always)]
fn first_lanes(width: usize) -> [u32; LANES] {
    let mut counts = [0; LANES];
    counts.iter_mut().take(width).for_each(|lane| *lane = u32::MAX);
    counts
}
