//! The gradients of kernels and biases: lanes are filters, registers are taps, and the pixels of an image are the steps
//! of a chain. A bias is a tap whose input is always 1.

use super::geometry::Geometry;
use super::tile::{self, LANES, Pixels, Vector, Vectors, ZEROS, for_even_tiles, for_rows};
use crate::error::Result;
use crate::kernels::parallel;
use crate::kernels::simd::{self, Fma, SimdLevel, vectorized};
use crate::sizes;

/// Images in a shard of a sum over the batch.
pub const IMAGES_PER_SHARD: usize = 32;

/// Maximum number of taps in a tile that are not contiguous. Each needs a register for its address, and one vector is
/// for the biases.
const fn max_taps_apart<F: Fma, const L: usize>() -> usize {
    let most = tile::max_rows::<F, L>();
    if most <= 9 { most - 1 } else { 9 }
}

/// Minimum number of taps per tile. With fewer contiguous taps, a tile takes taps of several rows of the window.
const MIN_RUN: usize = 8;

/// The buffers of the gradient of the kernels.
#[derive(Clone, Debug)]
pub(super) struct Buffers {
    /// Offset of each tap from the start of its window.
    offsets: Vec<usize>,
    /// Offset of each pixel's window.
    bases: Vec<usize>,
    shards: Vec<Shard>,
}

/// The buffers of one shard of the batch.
#[derive(Clone, Debug)]
struct Shard {
    /// The gradient of the shard: for every sixteen filters, the taps, then the biases.
    sums: Vec<Vector>,
    /// A padded image.
    padded: Vec<f32>,
    /// The gradient of the last output image of the batch, with extra elements at the end for unused lanes.
    last: Vec<f32>,
}

impl Buffers {
    pub(super) fn new(geometry: &Geometry) -> Result<Buffers> {
        let count = geometry.batch.div_ceil(IMAGES_PER_SHARD);
        let taps = [sizes::product(&[geometry.groups, geometry.panels()])?, sizes::sum(&[geometry.taps(), 1])?];
        let last = sizes::sum(&[geometry.output_image(), LANES])?;
        sizes::check_fits_memory::<Vector>(&[count, taps[0], taps[1]])?;
        sizes::check_fits_memory::<f32>(&[count, last])?;
        let sums = sizes::filled(ZEROS, &taps)?;
        let shards = geometry.padded_buffers(count)?.into_iter();
        let shards = shards.map(|padded| Shard { sums: sums.clone(), padded, last: vec![0.0; last] }).collect();
        Ok(Buffers { offsets: geometry.offsets()?, bases: geometry.bases()?, shards })
    }
}

/// The data shared by all shards.
struct Layer<'a> {
    geometry: &'a Geometry,
    offsets: &'a [usize],
    bases: &'a [usize],
    level: SimdLevel,
}

/// `dw[tap, filter] = Σ x[window's tap] · dy[pixel, filter]` and db = Σ dy over images and pixels. Each shard of
/// [`IMAGES_PER_SHARD`] images is one ascending chain, and shards are added in ascending order.
pub(super) fn backward(
    geometry: &Geometry,
    x: &[f32],
    dy: &[f32],
    dw: Option<&mut [f32]>,
    db: Option<&mut [f32]>,
    buffers: &mut Buffers,
) {
    let layer = Layer { geometry, offsets: &buffers.offsets, bases: &buffers.bases, level: simd::current() };
    let nanoseconds = sizes::work(&[IMAGES_PER_SHARD.min(geometry.batch), geometry.nanoseconds()]);
    parallel::for_each_chunk(&mut buffers.shards, 1, nanoseconds, |number, shards| {
        let images = number * IMAGES_PER_SHARD..geometry.batch.min((number + 1) * IMAGES_PER_SHARD);
        let x = &x[images.start * geometry.input_image()..images.end * geometry.input_image()];
        let dy = &dy[images.start * geometry.output_image()..];
        shards.iter_mut().for_each(|shard| fill(&layer, x, dy, shard));
    });
    let last_tap = geometry.taps();
    if let Some(dw) = dw {
        add_shards(geometry, &buffers.shards, 0..last_tap, dw);
    }
    if let Some(db) = db {
        add_shards(geometry, &buffers.shards, last_tap..last_tap + 1, db);
    }
}

/// Adds the sums of all shards for these taps.
fn add_shards(geometry: &Geometry, shards: &[Shard], taps: std::ops::Range<usize>, total: &mut [f32]) {
    total.fill(0.0);
    for shard in shards {
        for (number, sums) in shard.sums.chunks_exact(geometry.taps() + 1).enumerate() {
            // If the last panel of a group overlaps the previous one, its first filters are in that one.
            let (group, first) = (number / geometry.panels(), geometry.first_filter(number));
            let filter = group * geometry.filters + number % geometry.panels() * LANES;
            let end = (group + 1) * geometry.filters;
            for (total, sums) in total.chunks_exact_mut(geometry.all_filters()).zip(&sums[taps.clone()]) {
                total[filter..end].iter_mut().zip(&sums.0[filter - first..]).for_each(|(total, sum)| *total += sum);
            }
        }
    }
}

/// Computes the sums of one shard from its images `x` and the gradients from its first image to the end of the batch.
fn fill(layer: &Layer<'_>, x: &[f32], dy: &[f32], shard: &mut Shard) {
    let geometry = layer.geometry;
    shard.sums.fill(ZEROS);
    for (x, dy) in x.chunks_exact(geometry.input_image()).zip((0..).map(|i: usize| &dy[i * geometry.output_image()..]))
    {
        let dy = if dy.len() > geometry.output_image() + LANES {
            dy
        } else {
            shard.last[..geometry.output_image()].copy_from_slice(&dy[..geometry.output_image()]);
            &shard.last
        };
        let panels = shard.sums.chunks_exact_mut(geometry.panels() * (geometry.taps() + 1));
        for (group, panels) in panels.enumerate() {
            let x = geometry.pad(x, group, &mut shard.padded);
            for (number, sums) in panels.chunks_exact_mut(geometry.taps() + 1).enumerate() {
                let dy = &dy[geometry.first_filter(group * geometry.panels() + number)..];
                match (geometry.filters <= 8, geometry.run() < MIN_RUN) {
                    (true, true) => few_side_by_side::<8>(layer.level, layer, x, dy, sums),
                    (true, false) => many_side_by_side::<8>(layer.level, layer, x, dy, sums),
                    (false, true) => few_side_by_side::<LANES>(layer.level, layer, x, dy, sums),
                    (false, false) => many_side_by_side::<LANES>(layer.level, layer, x, dy, sums),
                }
            }
        }
    }
}

vectorized! {
    /// Adds the contribution of a padded image to the sums of a panel of filters.
    fn many_side_by_side<F: Fma, const L: usize>(layer: &Layer<'_>, x: &[f32], dy: &[f32], sums: &mut [Vector]) {
        let geometry = layer.geometry;
        let pixels = Pixels { dy, filters: geometry.all_filters() };
        let (taps, biases) = sums.split_at_mut(geometry.taps());
        for (row, sums) in taps.chunks_exact_mut(geometry.run()).enumerate() {
            let run = 0..geometry.run();
            for_even_tiles!([16 15 12 9 8 6 4 2] up to tile::max_rows_side_by_side::<F, L>(), run, (tap, overlap, R) => {
                let x = &x[geometry.run_offset(row) + tap..];
                let mut tile = load::<R, L>(&sums[tap..]);
                tile::side_by_side::<F, R, L>(&mut tile, x, layer.bases, pixels);
                save(&tile, overlap, &mut sums[tap..]);
            });
        }
        let [mut total] = load::<1, L>(biases);
        for pixel in 0..geometry.pixels() {
            F::add_scaled(1.0, pixels.get(pixel), &mut total);
        }
        save(&[total], 0, biases);
    }
}

vectorized! {
    /// Computes tiles with taps of several rows of the window.
    fn few_side_by_side<F: Fma, const L: usize>(layer: &Layer<'_>, x: &[f32], dy: &[f32], sums: &mut [Vector]) {
        let geometry = layer.geometry;
        let pixels = Pixels { dy, filters: geometry.all_filters() };
        let (sums, biases) = sums.split_at_mut(geometry.taps());
        let [mut total] = load::<1, L>(biases);
        for_even_tiles!([9 8 5 4 2 1] up to max_taps_apart::<F, L>(), 0..geometry.taps(), (tap, overlap, R) => {
            let Some(offsets) = layer.offsets[tap..].first_chunk() else { return };
            let mut tile = load::<R, L>(&sums[tap..]);
            let mut ignored = [0.0; L];
            let total = if tap == 0 { &mut total } else { &mut ignored };
            tile::scattered::<F, R, L>(&mut tile, total, x, layer.bases, offsets, pixels);
            save(&tile, overlap, &mut sums[tap..]);
        });
        save(&[total], 0, biases);
    }
}

#[inline(always)]
fn load<const R: usize, const L: usize>(sums: &[Vector]) -> [[f32; L]; R] {
    let (sums, mut tile) = (&sums[..R], [[0.0; L]; R]);
    for_rows!(R, r => tile[r] = *tile::lanes(&sums[r]));
    tile
}

/// Stores sums except for the first `overlap`, which are already stored.
#[inline(always)]
fn save<const R: usize, const L: usize>(tile: &[[f32; L]; R], overlap: usize, sums: &mut [Vector]) {
    let sums = &mut sums[..R];
    for_rows!(R, r => if r >= overlap {
        sums[r].0[..L].copy_from_slice(&tile[r]);
    });
}
