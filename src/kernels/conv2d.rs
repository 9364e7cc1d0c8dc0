//! Convolution of images (NHWC) without writing patches: each tap is read straight from the image.
//!
//! Seen as a product, a convolution has a row for each output pixel, a column for each filter and k over the taps of a
//! window. The taps of one row of a window lie side by side in the image, so for a tile of six pixels k is a few runs that
//! start at a base for each pixel. Images are taken in groups of a fixed number, so that a group has a good number of
//! pixels; groups share a table of bases. Padding is a copy of the images with zeros around.

mod backward;
mod geometry;

pub use backward::{backward_bias, backward_input, backward_weight};
pub use geometry::{Geometry, IMAGES_PER_SHARD, Scratch};

use super::activation::{self, Elementwise};
use super::parallel;
use super::simd::{self, Fma, SimdLevel, vectorized};
use super::tile::{self, LANES, ROWS, for_rows};

/// y = activation(x ∗ w + bias). Each sum is one chain of fused multiply-adds over the taps in the order of the kernel
/// (rows, columns, channels).
///
/// # Panics
/// When a slice has another length than the geometry says.
pub fn forward(
    geometry: &Geometry,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    activation: Elementwise,
    y: &mut [f32],
    scratch: &mut Scratch,
) {
    geometry.check(x, w, y);
    scratch.pack_filters(w);
    let x = scratch.padded.fill(x);
    let (panels, bases) = (&scratch.filters, &scratch.bases);
    let layer = Forward { geometry, bases, panels, bias, activation, level: simd::current() };
    let (input, output) = (scratch.group * geometry.padded_image(), scratch.group * geometry.output_image());
    let nanoseconds = scratch.group * geometry.work() / 40;
    parallel::for_each_pair((x, input), (y, output), nanoseconds, |_, x, y| forward_group(layer.level, &layer, x, y));
}

/// What the groups of a forward pass share.
struct Forward<'a> {
    geometry: &'a Geometry,
    /// Where in a group each pixel's window begins.
    bases: &'a [usize],
    /// The filters, sixteen at a time, tap by tap.
    panels: &'a [[f32; LANES]],
    bias: Option<&'a [f32]>,
    activation: Elementwise,
    level: SimdLevel,
}

vectorized! {
    /// All output pixels of a group of images.
    fn forward_group<F: Fma>(layer: &Forward<'_>, x: &[f32], y: &mut [f32]) {
        let (filters, taps) = (layer.geometry.filters, layer.geometry.taps());
        let pixels = y.len() / filters;
        for (number, panel) in layer.panels.chunks_exact(taps).enumerate() {
            for pixel in (0..pixels).step_by(ROWS) {
                for_rows!(pixels - pixel, R => forward_tile::<F, R>(layer, x, y, pixel, number * LANES, panel));
            }
        }
    }
}

#[inline(always)]
fn forward_tile<F: Fma, const R: usize>(
    layer: &Forward<'_>,
    x: &[f32],
    y: &mut [f32],
    pixel: usize,
    filter: usize,
    panel: &[[f32; LANES]],
) {
    let geometry = layer.geometry;
    let mut tile = [[0.0; LANES]; R];
    for (row, panel) in panel.chunks_exact(geometry.run()).enumerate() {
        let taps = |r: usize| &x[layer.bases[pixel + r] + row * geometry.padded_row()..][..panel.len()];
        tile::by_rows(layer.level, &mut tile, std::array::from_fn(taps), panel);
    }
    let width = LANES.min(geometry.filters - filter);
    for (r, sums) in tile.iter().enumerate() {
        let y = &mut y[(pixel + r) * geometry.filters + filter..][..width];
        y.iter_mut().zip(sums).for_each(|(y, sum)| *y = sum + 0.0);
        if let Some(bias) = layer.bias {
            y.iter_mut().zip(&bias[filter..]).for_each(|(y, bias)| *y += bias);
        }
        activation::apply::<F>(layer.activation, y);
    }
}

#[cfg(test)]
mod tests;
