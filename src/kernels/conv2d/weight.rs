//! The gradients of kernels and biases: lanes are filters, registers are taps, and the pixels of an image are the steps
//! of a chain. A bias is a tap whose input is always 1.

use super::geometry::{Geometry, Strip};
use super::tile::{self, LANES, Pixels, Vectors, for_even_tiles, for_rows};
use crate::error::Result;
use crate::kernels::aligned_buffer::AlignedBuffer;
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
    /// The gradient of the shard: for each group and each strip of filters, the lanes of the taps, then of the biases.
    sums: AlignedBuffer,
    /// A padded image.
    padded: Vec<f32>,
    /// The gradient of the last output image of the batch, with extra elements at the end for unused lanes.
    last: Vec<f32>,
}

impl Buffers {
    pub(super) fn new(geometry: &Geometry) -> Result<Buffers> {
        let count = geometry.batch.div_ceil(IMAGES_PER_SHARD);
        let filters = sizes::product(&[geometry.groups, geometry.padded_filters()])?;
        let sums = sizes::product(&[filters, sizes::sum(&[geometry.taps(), 1])?])?;
        let last = sizes::sum(&[geometry.output_image(), LANES])?;
        sizes::check_fits_memory::<f32>(&[count, sums])?;
        sizes::check_fits_memory::<f32>(&[count, last])?;
        let shards = geometry.padded_buffers(count)?.into_iter();
        let shard = |padded| Shard { sums: AlignedBuffer::zeros(sums), padded, last: vec![0.0; last] };
        let shards = shards.map(shard).collect();
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
    let (last_tap, wide) = (geometry.taps(), wide(geometry, layer.level));
    if let Some(dw) = dw {
        add_shards(geometry, &buffers.shards, 0..last_tap, wide, dw);
    }
    if let Some(db) = db {
        add_shards(geometry, &buffers.shards, last_tap..last_tap + 1, wide, db);
    }
}

/// Whether strips of 32 filters are computed.
fn wide(geometry: &Geometry, level: SimdLevel) -> bool {
    level == SimdLevel::Avx512 && geometry.run() >= MIN_RUN
}

/// Adds the sums of all shards for these taps.
fn add_shards(geometry: &Geometry, shards: &[Shard], taps: std::ops::Range<usize>, wide: bool, total: &mut [f32]) {
    total.fill(0.0);
    let (filters, rows) = (geometry.filters, geometry.taps() + 1);
    for shard in shards {
        for (group, sums) in shard.sums.chunks_exact(geometry.padded_filters() * rows).enumerate() {
            let mut at = 0;
            while at < filters {
                // If the last strip overlaps the previous one, its first filters are in that one.
                let Strip { first, lanes, .. } = geometry.strip(at, wide);
                let (start, end) = (group * filters + at, group * filters + filters.min(at + lanes));
                let sums = sums[at * rows..].chunks_exact(lanes).skip(taps.start).take(taps.len());
                for (total, sums) in total.chunks_exact_mut(geometry.all_filters()).zip(sums) {
                    total[start..end].iter_mut().zip(&sums[at - first..]).for_each(|(total, sum)| *total += sum);
                }
                at += lanes;
            }
        }
    }
}

/// Computes the sums of one shard from its images `x` and the gradients from its first image to the end of the batch.
fn fill(layer: &Layer<'_>, x: &[f32], dy: &[f32], shard: &mut Shard) {
    let geometry = layer.geometry;
    let (rows, wide) = (geometry.taps() + 1, wide(geometry, layer.level));
    shard.sums.fill(0.0);
    for (x, dy) in x.chunks_exact(geometry.input_image()).zip((0..).map(|i: usize| &dy[i * geometry.output_image()..]))
    {
        let dy = if dy.len() > geometry.output_image() + LANES {
            dy
        } else {
            shard.last[..geometry.output_image()].copy_from_slice(&dy[..geometry.output_image()]);
            &shard.last
        };
        for (group, sums) in shard.sums.chunks_exact_mut(geometry.padded_filters() * rows).enumerate() {
            let x = geometry.pad(x, group, &mut shard.padded);
            let mut at = 0;
            while at < geometry.filters {
                let Strip { first, lanes, .. } = geometry.strip(at, wide);
                let dy = &dy[group * geometry.filters + first..];
                let sums = &mut sums[at * rows..][..lanes * rows];
                match (lanes, geometry.run() < MIN_RUN) {
                    (8, true) => few_side_by_side::<8>(layer.level, layer, x, dy, sums),
                    (8, false) => many_side_by_side::<8>(layer.level, layer, x, dy, sums),
                    (LANES, true) => few_side_by_side::<LANES>(layer.level, layer, x, dy, sums),
                    (LANES, false) => many_side_by_side::<LANES>(layer.level, layer, x, dy, sums),
                    _ => wide_side_by_side(layer.level, layer, x, dy, sums),
                }
                at += lanes;
            }
        }
    }
}

vectorized! {
    /// Adds the contribution of a padded image to the sums of a strip of up to sixteen filters.
    fn many_side_by_side<F: Fma, const L: usize>(layer: &Layer<'_>, x: &[f32], dy: &[f32], sums: &mut [f32]) {
        let (geometry, (sums, _)) = (layer.geometry, sums.as_chunks_mut::<L>());
        let pixels = Pixels { dy, filters: geometry.all_filters() };
        let (taps, biases) = sums.split_at_mut(geometry.taps());
        for (number, sums) in taps.chunks_exact_mut(geometry.run()).enumerate() {
            let (x, run) = (&x[geometry.run_offset(number)..], 0..geometry.run());
            for_even_tiles!([16 15 12 9 8 6 4 2] up to tile::max_rows_side_by_side::<F, L>(), run, (tap, overlap, R) => {
                add_taps::<F, R, L>(layer, &x[tap..], pixels, overlap, &mut sums[tap..]);
            });
        }
        add_biases::<F, L>(geometry.pixels(), pixels, &mut biases[0]);
    }
}

vectorized! {
    /// Adds the contribution of a padded image to the sums of a strip of 32 filters, if tiles have that many columns.
    fn wide_side_by_side<F: Fma>(layer: &Layer<'_>, x: &[f32], dy: &[f32], sums: &mut [f32]) {
        const L: usize = 2 * LANES;
        if const { F::COLUMNS == L } {
            let (geometry, (sums, _)) = (layer.geometry, sums.as_chunks_mut::<L>());
            let pixels = Pixels { dy, filters: geometry.all_filters() };
            let (taps, biases) = sums.split_at_mut(geometry.taps());
            for (number, sums) in taps.chunks_exact_mut(geometry.run()).enumerate() {
                let (x, run) = (&x[geometry.run_offset(number)..], 0..geometry.run());
                for_even_tiles!([12 10 9 8] up to tile::MAX_ROWS, run, (tap, overlap, R) => {
                    add_taps::<F, R, L>(layer, &x[tap..], pixels, overlap, &mut sums[tap..]);
                });
            }
            add_biases::<F, L>(geometry.pixels(), pixels, &mut biases[0]);
        }
    }
}

/// Adds the contribution of a padded image to the sums of `R` adjacent taps, except for the first `overlap`, which are
/// already complete.
#[inline(always)]
fn add_taps<F: Fma, const R: usize, const L: usize>(
    layer: &Layer<'_>,
    x: &[f32],
    pixels: Pixels<'_>,
    overlap: usize,
    sums: &mut [[f32; L]],
) {
    let sums: &mut [[f32; L]; R] = sums.first_chunk_mut().expect("as many taps");
    let mut tile = *sums;
    tile::side_by_side::<F, R, L>(&mut tile, x, layer.bases, pixels);
    save(&tile, overlap, sums);
}

/// Adds the gradients of all pixels to those of the biases.
#[inline(always)]
fn add_biases<F: Fma, const L: usize>(count: usize, pixels: Pixels<'_>, biases: &mut [f32; L]) {
    let mut total = *biases;
    for pixel in 0..count {
        F::add_scaled(1.0, pixels.get(pixel), &mut total);
    }
    *biases = total;
}

vectorized! {
    /// Computes tiles with taps of several rows of the window.
    fn few_side_by_side<F: Fma, const L: usize>(layer: &Layer<'_>, x: &[f32], dy: &[f32], sums: &mut [f32]) {
        let (geometry, (sums, _)) = (layer.geometry, sums.as_chunks_mut::<L>());
        let pixels = Pixels { dy, filters: geometry.all_filters() };
        let (sums, biases) = sums.split_at_mut(geometry.taps());
        let mut total = biases[0];
        for_even_tiles!([9 8 5 4 2 1] up to max_taps_apart::<F, L>(), 0..geometry.taps(), (tap, overlap, R) => {
            let Some(offsets) = layer.offsets[tap..].first_chunk() else { return };
            let sums: &mut [[f32; L]; R] = sums[tap..].first_chunk_mut().expect("as many taps");
            let (mut tile, mut ignored) = (*sums, [0.0; L]);
            let total = if tap == 0 { &mut total } else { &mut ignored };
            tile::scattered::<F, R, L>(&mut tile, total, x, layer.bases, offsets, pixels);
            save(&tile, overlap, sums);
        });
        biases[0] = total;
    }
}

/// Stores sums except for the first `overlap`, which are already stored.
#[inline(always)]
fn save<const R: usize, const L: usize>(tile: &[[f32; L]; R], overlap: usize, sums: &mut [[f32; L]; R]) {
    for_rows!(R, r => if r >= overlap {
        sums[r] = tile[r];
    });
}
