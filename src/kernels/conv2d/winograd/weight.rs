//! The gradients of kernels and biases: products of the transformed inputs and the transformed gradients, with the tiles of a
//! shard of images as the steps of a chain.

use super::correlate::{transform_inputs, vectors};
use super::planes::{Planes, block};
use super::tiling::Tiling;
use super::{PLANES, bounded, plain, transforms};
use crate::error::Result;
use crate::kernels::aligned_buffer::AlignedBuffer;
use crate::kernels::conv2d::geometry::{Geometry, Strip};
use crate::kernels::conv2d::tile::{LANES, for_even_tiles};
use crate::kernels::conv2d::weight::IMAGES_PER_SHARD;
use crate::kernels::parallel;
use crate::kernels::simd::{Fma, SimdLevel, copy_lanes, vectorized};
use crate::kernels::tile::{self, Panel};
use crate::kernels::workspace::Workspace;
use crate::sizes;
use std::ops::Range;

/// Elements of the transformed inputs and gradients of a block. The sums are read and written once per block.
const BLOCK_ELEMENTS: usize = 1 << 17;

/// The buffers of the gradients of kernels and biases.
#[derive(Clone, Debug)]
pub(in super::super) struct WeightGradient {
    tiling: Tiling,
    channels: usize,
    filters: usize,
    shards: Vec<Shard>,
    workspace: Workspace,
}

/// The sums of one shard of the batch.
#[derive(Clone, Debug)]
struct Shard {
    /// For each plane and strip of filters: the lanes of each channel.
    transformed: AlignedBuffer,
    /// The gradient of the kernels by images with large values. Empty until there is such an image.
    plain: Vec<f32>,
    biases: AlignedBuffer,
}

impl WeightGradient {
    pub(in super::super) fn new(geometry: &Geometry) -> Result<WeightGradient> {
        let &Geometry { batch, height, width, padding, output, channels, filters, .. } = geometry;
        let (inputs, gradients) = block(channels, filters, tiles_per_block(channels, filters));
        let count = batch.div_ceil(IMAGES_PER_SHARD);
        let sums = [PLANES, channels, filters.next_multiple_of(LANES)];
        sizes::check_fits_memory::<f32>(&[count, sizes::product(&sums)?])?;
        let shard = Shard {
            transformed: AlignedBuffer::zeros(sizes::product(&sums)?),
            plain: Vec::new(),
            biases: AlignedBuffer::zeros(filters),
        };
        Ok(WeightGradient {
            tiling: Tiling { input: [height, width], padding, output },
            channels,
            filters,
            shards: vec![shard; count],
            workspace: Workspace::new(sizes::sum(&[inputs.len(), gradients.len(), inputs.patch()])?)?,
        })
    }

    /// The gradients of kernels and biases from the images `x` and the gradients `dy` of the outputs.
    pub(in super::super) fn run(
        &mut self,
        level: SimdLevel,
        x: &[f32],
        dy: &[f32],
        dw: Option<&mut [f32]>,
        db: Option<&mut [f32]>,
    ) {
        let WeightGradient { tiling, channels, filters, ref mut shards, ref workspace } = *self;
        let pass = Pass { tiling, channels, filters, workspace };
        let (input, output) = (tiling.input_image(channels), tiling.output_image(filters));
        let images = IMAGES_PER_SHARD.min(x.len() / input);
        let nanoseconds = sizes::work(&[images, tiling.per_image(), PLANES, channels, filters])
            / parallel::MULTIPLY_ADDS_PER_NANOSECOND;
        parallel::for_each_chunk(shards, 1, nanoseconds, |number, shards| {
            let images = number * IMAGES_PER_SHARD..(x.len() / input).min((number + 1) * IMAGES_PER_SHARD);
            let (x, dy) =
                (&x[images.start * input..images.end * input], &dy[images.start * output..images.end * output]);
            shards.iter_mut().for_each(|shard| pass.fill(level, x, dy, shard));
        });
        if let Some(db) = db {
            db.fill(0.0);
            for shard in &self.shards {
                db.iter_mut().zip(&*shard.biases).for_each(|(db, bias)| *db += bias);
            }
        }
        if let Some(dw) = dw {
            let (first, others) = self.shards.split_first_mut().expect("at least one image");
            for shard in others {
                first.transformed.iter_mut().zip(&*shard.transformed).for_each(|(first, sum)| *first += sum);
            }
            transform_sums(level, &first.transformed, channels, filters, dw);
            for shard in &self.shards {
                dw.iter_mut().zip(&shard.plain).for_each(|(dw, plain)| *dw += plain);
            }
        }
    }
}

/// The data shared by all shards.
struct Pass<'a> {
    tiling: Tiling,
    channels: usize,
    filters: usize,
    workspace: &'a Workspace,
}

impl Pass<'_> {
    /// Computes the sums of a shard from its images and the gradients of its outputs.
    fn fill(&self, level: SimdLevel, x: &[f32], dy: &[f32], shard: &mut Shard) {
        let (input, output) = (self.tiling.input_image(self.channels), self.tiling.output_image(self.filters));
        shard.transformed.fill(0.0);
        shard.biases.fill(0.0);
        shard.plain.clear();
        let (count, most) = (x.len() / input, tiles_per_block(self.channels, self.filters));
        let mut done = 0;
        for image in 0..=count {
            let regular = image < count
                && bounded(level, &x[image * input..][..input])
                && bounded(level, &dy[image * output..][..output]);
            let end = image + usize::from(regular);
            if regular && end < count && (end - done) * self.tiling.per_image() < most {
                continue; // a block may have several images
            }
            self.transformed(level, done..end, x, dy, shard);
            if image < count && !regular {
                self.plain(level, &x[image * input..][..input], &dy[image * output..][..output], shard);
            }
            done = image + 1;
        }
    }

    /// Adds the contribution of an image by plain loops.
    fn plain(&self, level: SimdLevel, x: &[f32], dy: &[f32], shard: &mut Shard) {
        shard.plain.resize(9 * self.channels * self.filters, 0.0);
        plain::add_kernel_gradient(level, &self.tiling, x, dy, [self.channels, self.filters], &mut shard.plain);
        for dy in dy.chunks_exact(self.filters) {
            shard.biases.iter_mut().zip(dy).for_each(|(bias, dy)| *bias += dy);
        }
    }

    /// Adds the contribution of some images by transformed values.
    fn transformed(&self, level: SimdLevel, images: Range<usize>, x: &[f32], dy: &[f32], shard: &mut Shard) {
        let (tiling, most) = (&self.tiling, tiles_per_block(self.channels, self.filters));
        let (mut first, end) = (images.start * tiling.per_image(), images.end * tiling.per_image());
        while first < end {
            let tiles = first..end.min(first + most);
            first = tiles.end;
            let (inputs, gradients) = block(self.channels, self.filters, tiles.len());
            self.workspace.lend(inputs.len() + gradients.len() + inputs.patch(), |values| {
                let (v, values) = values.split_at_mut(inputs.len());
                let (u, patch) = values.split_at_mut(gradients.len());
                transform_inputs(level, tiling, x, inputs, tiles.clone(), v, patch);
                transform_gradients(level, tiling, dy, gradients, tiles.clone(), u, &mut shard.biases);
                accumulate(level, v, inputs, u, gradients, tiles.len(), &mut shard.transformed);
            });
        }
    }
}

/// Number of tiles that are processed together.
fn tiles_per_block(channels: usize, filters: usize) -> usize {
    (BLOCK_ELEMENTS / (PLANES * channels.saturating_add(filters))).clamp(32, 256)
}

vectorized! {
    /// Transforms the gradients of the outputs of tiles, and adds their sums to those of the biases.
    fn transform_gradients<F: Fma>(
        tiling: &Tiling,
        images: &[f32],
        planes: Planes,
        tiles: Range<usize>,
        to: &mut [f32],
        biases: &mut [f32],
    ) {
        let filters = planes.channels;
        for (row, place) in tiling.places(&tiles).enumerate() {
            let offsets = tiling.outputs(filters, place);
            for at in (0..filters).step_by(LANES) {
                let first = at.min(filters - LANES);
                let mut y = [[0.0; LANES]; 4];
                for p in 0..4 {
                    if let Some(offset) = offsets[p] {
                        y[p] = *images[offset + first..].first_chunk().expect("a pixel");
                    }
                }
                let u = transforms::output_gradient::<F>(y);
                for p in 0..PLANES {
                    copy_lanes(&u[p], to[planes.at(p, row, first)..].first_chunk_mut::<LANES>().expect("a row"));
                }
                let sum = transforms::tile_sum::<F>(y);
                if at == first {
                    F::add(&sum, biases[first..].first_chunk_mut::<LANES>().expect("a bias for each filter"));
                } else {
                    // The first lanes are in the vector before.
                    biases[at..].iter_mut().zip(&sum[at - first..]).for_each(|(bias, sum)| *bias += sum);
                }
            }
        }
    }
}

vectorized! {
    /// Adds the products of some tiles to the sums, plane by plane.
    fn accumulate<F: Fma>(
        v: &[f32],
        inputs: Planes,
        u: &[f32],
        gradients: Planes,
        tiles: usize,
        sums: &mut [f32],
    ) {
        let (channels, filters) = (inputs.channels, gradients.channels);
        let sums = sums.chunks_exact_mut(channels * filters.next_multiple_of(LANES));
        for (plane, sums) in sums.enumerate() {
            let v = &v[plane * inputs.stride..][..tiles * channels];
            let u = &u[plane * gradients.stride..][..tiles * filters];
            let mut at = 0;
            while at < filters {
                let strip = Strip::new(filters, at, F::COLUMNS > LANES);
                let (sums, u) = (&mut sums[at * channels..][..strip.lanes * channels], &u[strip.first..]);
                if F::COLUMNS > LANES && strip.lanes > LANES {
                    accumulate_strip::<F, { 2 * LANES }>(v, channels, u, filters, sums);
                } else {
                    accumulate_strip::<F, LANES>(v, channels, u, filters, sums);
                }
                at += strip.lanes;
            }
        }
    }
}

/// Adds the products of all channels with a strip of filters.
#[inline(always)]
fn accumulate_strip<F: Fma, const L: usize>(v: &[f32], channels: usize, u: &[f32], filters: usize, sums: &mut [f32]) {
    let sums = sums.as_chunks_mut::<L>().0;
    for_even_tiles!([12 10 9 8 6 5 4 2 1] up to F::ROWS, 0..channels, (channel, overlap, R) => {
        let sums: &mut [[f32; L]; R] = sums[channel..].first_chunk_mut().expect("as many channels");
        let panel = Panel { rows: u, stride: filters };
        let tile = tile::by_columns::<F, R, L>(*sums, &v[channel..], channels, panel);
        sums[overlap..].copy_from_slice(&tile[overlap..]);
    });
}

vectorized! {
    /// Transforms the sums to the gradient of the kernels.
    fn transform_sums<F: Fma>(sums: &[f32], channels: usize, filters: usize, dw: &mut [f32]) {
        let plane = channels * filters.next_multiple_of(LANES);
        let mut at = 0;
        while at < filters {
            let strip = Strip::new(filters, at, F::COLUMNS > LANES);
            for channel in 0..channels {
                for lane in vectors(strip.lanes) {
                    let from = at * channels + channel * strip.lanes + lane;
                    let mut u = [[0.0; LANES]; PLANES];
                    for p in 0..PLANES {
                        u[p] = *sums[p * plane + from..].first_chunk().expect("a row of sums");
                    }
                    let gradient = transforms::kernel_gradient::<F>(u);
                    for (t, gradient) in gradient.iter().enumerate() {
                        let to = (t * channels + channel) * filters + strip.first + lane;
                        copy_lanes(gradient, dw[to..].first_chunk_mut::<LANES>().expect("sixteen filters"));
                    }
                }
            }
            at += strip.lanes;
        }
    }
}
