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
use super::tile::{self, LANES, Panel, for_tiles};

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
    let (panels, bases, offsets) = (&scratch.filters, &scratch.bases, &scratch.offsets);
    let layer = Forward { geometry, bases, offsets, panels, bias, activation, level: simd::current() };
    let (input, output) = (scratch.group * geometry.padded_image(), scratch.group * geometry.output_image());
    let nanoseconds = scratch.group * geometry.work() / 40;
    parallel::for_each_pair((x, input), (y, output), nanoseconds, |_, x, y| forward_group(&layer, x, y));
}

/// What the groups of a forward pass share.
struct Forward<'a> {
    geometry: &'a Geometry,
    /// Where in a group each pixel's window begins.
    bases: &'a [usize],
    /// How far each tap is from where its window begins.
    offsets: &'a [usize],
    /// The filters, sixteen at a time, tap by tap.
    panels: &'a [[f32; LANES]],
    bias: Option<&'a [f32]>,
    activation: Elementwise,
    level: SimdLevel,
}

/// All output pixels of a group of images.
fn forward_group(layer: &Forward<'_>, x: &[f32], y: &mut [f32]) {
    for number in 0..layer.geometry.filters.div_ceil(LANES) {
        forward_panel(layer.level, layer, x, y, number);
    }
}

vectorized! {
    /// The same for sixteen filters.
    fn forward_panel<F: Fma>(layer: &Forward<'_>, x: &[f32], y: &mut [f32], number: usize) {
        let geometry = layer.geometry;
        let panel = &layer.panels[number * geometry.taps()..][..geometry.taps()];
        let bias = bias_lanes(layer.bias, number * LANES);
        let pixels = y.len() / geometry.filters;
        let span = if geometry.side_by_side() { geometry.output[1] } else { pixels };
        for start in (0..pixels).step_by(span) {
            for_tiles!(F, start..start + span, (pixel, R) => {
                let mut sums = [[0.0; LANES]; R];
                add_windows::<F, R>(layer, x, pixel, panel, &mut sums);
                // Adding 0 turns −0 into 0, as in every product.
                sums.iter_mut().for_each(|sums| (0..LANES).for_each(|l| sums[l] = (sums[l] + 0.0) + bias[l]));
                if layer.activation != Elementwise::Linear {
                    activation::finish_row(layer.level, layer.activation, &[], sums.as_flattened_mut());
                }
                store(&sums, y, [pixel, number * LANES, geometry.filters]);
            });
        }
    }
}

/// Adds the sums over the windows of `R` pixels, for sixteen filters.
#[inline(always)]
fn add_windows<F: Fma, const R: usize>(
    layer: &Forward<'_>,
    x: &[f32],
    pixel: usize,
    panel: &[[f32; LANES]],
    sums: &mut [[f32; LANES]; R],
) {
    let (geometry, bases) = (layer.geometry, layer.bases);
    if geometry.side_by_side() {
        // The windows' taps of the same place lie side by side.
        return tile::by_bases::<F, R, LANES>(sums, &x[bases[pixel]..], layer.offsets, panel);
    }
    for (row, panel) in panel.chunks_exact(geometry.run()).enumerate() {
        let taps = |r: usize| &x[bases[pixel + r] + row * geometry.padded_row()..][..panel.len()];
        tile::by_rows::<F, R, LANES>(sums, std::array::from_fn(taps), Panel::packed(panel));
    }
}

/// The biases of sixteen filters, 0 beyond the last.
fn bias_lanes(bias: Option<&[f32]>, first: usize) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    let bias = bias.map_or(&[][..], |bias| &bias[first..]);
    lanes.iter_mut().zip(bias).for_each(|(lane, bias)| *lane = *bias);
    lanes
}

#[inline(always)]
fn store<const R: usize>(sums: &[[f32; LANES]; R], y: &mut [f32], [pixel, filter, filters]: [usize; 3]) {
    for (r, sums) in sums.iter().enumerate() {
        let y = &mut y[(pixel + r) * filters + filter..];
        let width = LANES.min(filters - filter);
        match (y.first_chunk_mut::<LANES>(), sums.first_chunk::<8>()) {
            (Some(y), _) if width == LANES => *y = *sums,
            // With so few filters, what is too much lands in the next pixel, which is written next.
            (Some(y), Some(sums)) if filters <= 8 => y[..8].copy_from_slice(sums),
            _ => y[..width].copy_from_slice(&sums[..width]),
        }
    }
}

#[cfg(test)]
mod tests;
