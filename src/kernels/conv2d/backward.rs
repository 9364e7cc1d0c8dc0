//! The gradients of a convolution.

use super::geometry::{Geometry, IMAGES_PER_SHARD, Scratch, Shard};
use crate::kernels::matmul;
use crate::kernels::parallel;
use crate::kernels::simd::{self, Fma, SimdLevel, vectorized};
use crate::kernels::tile::{self, LANES, Panel, for_tiles};

/// db = Σ dy over images and pixels, in shards of [`IMAGES_PER_SHARD`] images.
pub fn backward_bias(geometry: &Geometry, dy: &[f32], db: &mut [f32]) {
    matmul::sum_rows(dy, geometry.filters, IMAGES_PER_SHARD * geometry.pixels(), db);
}

/// `dw[tap, filter] = Σ x[window's tap] · dy[pixel, filter]` over images and pixels: each shard of [`IMAGES_PER_SHARD`]
/// images is one ascending chain, the shards are added in ascending order.
///
/// Padded images are those of the last forward pass.
///
/// # Panics
/// When a slice has another length than the geometry says, or the scratch is not for training.
pub fn backward_weight(geometry: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32], scratch: &mut Scratch) {
    geometry.check(x, dw, dy);
    let x = scratch.padded.filled(x);
    let layer = Weight { geometry, bases: &scratch.bases, group: scratch.group, level: simd::current() };
    let nanoseconds = IMAGES_PER_SHARD.min(geometry.batch) * geometry.work() / 40;
    parallel::for_each_chunk(&mut scratch.shards, 1, nanoseconds, |number, shards| {
        let images = number * IMAGES_PER_SHARD..geometry.batch.min((number + 1) * IMAGES_PER_SHARD);
        let x = &x[images.start * geometry.padded_image()..images.end * geometry.padded_image()];
        let dy = &dy[images.start * geometry.output_image()..images.end * geometry.output_image()];
        shards.iter_mut().for_each(|shard| shard_weight(&layer, x, dy, shard));
    });
    let shards = scratch.shards.iter();
    dw.fill(0.0);
    shards.for_each(|shard| dw.iter_mut().zip(&shard.dw).for_each(|(dw, part)| *dw += part));
}

/// What the shards of a kernel's gradient share.
struct Weight<'a> {
    geometry: &'a Geometry,
    bases: &'a [usize],
    group: usize,
    level: SimdLevel,
}

/// The kernels' gradient from one shard of the batch.
fn shard_weight(layer: &Weight<'_>, x: &[f32], dy: &[f32], shard: &mut Shard) {
    let geometry = layer.geometry;
    shard.dw.fill(0.0);
    let groups = x.chunks(layer.group * geometry.padded_image()).zip(dy.chunks(layer.group * geometry.output_image()));
    for (x, dy) in groups {
        for filter in (0..geometry.filters).step_by(LANES) {
            let pixels = dy.len() / geometry.filters;
            for (pixel, panel) in shard.panel[..pixels].iter_mut().enumerate() {
                let dy = &dy[pixel * geometry.filters + filter..];
                // Where fewer filters are left, the next pixel's come along and are not used.
                match dy.first_chunk() {
                    Some(dy) => *panel = *dy,
                    None => panel[..dy.len()].copy_from_slice(dy),
                }
            }
            group_weight(layer.level, layer, x, &shard.panel[..pixels], &mut shard.dw, filter);
        }
    }
}

vectorized! {
    /// Adds a group's part of the gradient of sixteen filters.
    fn group_weight<F: Fma>(layer: &Weight<'_>, x: &[f32], panel: &[[f32; LANES]], dw: &mut [f32], filter: usize) {
        let geometry = layer.geometry;
        let width = LANES.min(geometry.filters - filter);
        for row in 0..geometry.kernel[0] {
            for_tiles!(F, 0..geometry.run(), (tap, R) => {
                let x = &x[row * geometry.padded_row() + tap..];
                let dw = &mut dw[(row * geometry.run() + tap) * geometry.filters + filter..];
                tile_weight::<F, R>(layer, x, panel, dw, width);
            });
        }
    }
}

/// `R` taps of sixteen filters: takes their sums up and goes on over the group's pixels.
#[inline(always)]
fn tile_weight<F: Fma, const R: usize>(
    layer: &Weight<'_>,
    x: &[f32],
    panel: &[[f32; LANES]],
    dw: &mut [f32],
    width: usize,
) {
    let filters = layer.geometry.filters;
    let mut tile = [[0.0; LANES]; R];
    for (tile, dw) in tile.iter_mut().zip(dw.chunks(filters)) {
        match dw.first_chunk() {
            Some(dw) if width == LANES => *tile = *dw,
            _ => tile[..width].copy_from_slice(&dw[..width]),
        }
    }
    tile::by_bases::<F, R, LANES>(&mut tile, x, layer.bases, panel);
    for (tile, dw) in tile.iter().zip(dw.chunks_mut(filters)) {
        match dw.first_chunk_mut() {
            Some(dw) if width == LANES => *dw = *tile,
            _ => dw[..width].copy_from_slice(&tile[..width]),
        }
    }
}

/// `dx[element] = Σ dy[pixel, filter] · w[tap, filter]` over the windows that the element lies in: for each window one
/// chain over the filters, windows added in a fixed order.
///
/// # Panics
/// When a slice has another length than the geometry says, or the scratch is not for training.
pub fn backward_input(geometry: &Geometry, dy: &[f32], w: &[f32], dx: &mut [f32], scratch: &mut Scratch) {
    geometry.check(dx, w, dy);
    scratch.pack_taps(w);
    let layer = Input { geometry, bases: &scratch.bases, panels: &scratch.taps, level: simd::current() };
    let (input, output) = (scratch.group * geometry.padded_image(), scratch.group * geometry.output_image());
    let nanoseconds = scratch.group * geometry.work() / 20;
    scratch.padded.unpad(dx, |dx| {
        parallel::for_each_pair((dy, output), (dx, input), nanoseconds, |_, dy, dx| {
            group_input(&layer, dy, dx);
        });
    });
}

/// What the groups of an input's gradient share.
struct Input<'a> {
    geometry: &'a Geometry,
    bases: &'a [usize],
    /// The kernels, sixteen taps of a run at a time, filter by filter.
    panels: &'a [[f32; LANES]],
    level: SimdLevel,
}

/// The gradient of a group of padded images.
fn group_input(layer: &Input<'_>, dy: &[f32], dx: &mut [f32]) {
    let geometry = layer.geometry;
    dx.fill(0.0);
    let mut panels = layer.panels.chunks_exact(geometry.filters);
    for row in 0..geometry.kernel[0] {
        for tap in (0..geometry.run()).step_by(LANES) {
            let Some(panel) = panels.next() else { return };
            let width = LANES.min(geometry.run() - tap);
            run_input(layer.level, layer, dy, panel, width, &mut dx[row * geometry.padded_row() + tap..]);
        }
    }
}

vectorized! {
    /// Adds what sixteen taps of a run, of which `width` count, give to the gradient.
    fn run_input<F: Fma>(layer: &Input<'_>, dy: &[f32], panel: &[[f32; LANES]], width: usize, dx: &mut [f32]) {
        let filters = layer.geometry.filters;
        let pixels = dy.len() / filters;
        for_tiles!(F, 0..pixels, (pixel, R) => {
            let mut tile = [[0.0; LANES]; R];
            let row = |r: usize| &dy[(pixel + r) * filters..][..filters];
            tile::by_rows::<F, R, LANES>(&mut tile, std::array::from_fn(row), Panel::packed(panel));
            scatter(&tile, &layer.bases[pixel..], width, dx);
        });
    }
}

/// Adds sixteen taps of a few windows to where they came from.
#[inline(always)]
fn scatter<const R: usize>(tile: &[[f32; LANES]; R], bases: &[usize], width: usize, dx: &mut [f32]) {
    for (tile, &base) in tile.iter().zip(bases) {
        match dx[base..].first_chunk_mut::<LANES>() {
            Some(dx) if width == LANES => dx.iter_mut().zip(tile).for_each(|(dx, part)| *dx += part),
            _ => dx[base..][..width].iter_mut().zip(tile).for_each(|(dx, part)| *dx += part),
        }
    }
}
