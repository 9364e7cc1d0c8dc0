//! Grouped convolution of images (NHWC) with fewer than sixteen filters per group: lanes are filters of several groups.
//!
//! For every sixteen filters, an image is spread so that each lane has the channels of its filter's group. The convolution
//! is then depthwise, with one product per tap and channel, and the gradient of the images is one with one product per
//! tap and filter. A sum is one chain of fused multiply-adds over the taps in the order of the kernel (rows, columns,
//! channels); taps outside the image are skipped.

use super::activation::{self, Elementwise};
use super::aligned_buffer::AlignedBuffer;
use super::conv2d::tile::{Vector, ZEROS};
use super::depthwise::axis::Axis;
use super::depthwise::correlate::{self, Correlation, Taps};
use super::depthwise::weight::{self, Windows};
use super::grouped::{GroupedGeometry, IMAGES_PER_SHARD};
use super::simd::{SimdLevel, vectorized};
use super::tile::LANES;
use super::{images, parallel};
use crate::error::Result;
use crate::sizes;

/// Images that share buffers.
const IMAGES_PER_PIECE: usize = 8;

/// Reusable buffers of grouped convolutions of one geometry.
#[derive(Clone, Debug)]
pub(super) struct Scratch {
    /// The row axis and the column axis of the forward pass.
    axes: [Axis; 2],
    forward: Pass,
    backward: Pass,
    /// For each chunk of images in the passes over images.
    pieces: Vec<Piece>,
    /// The gradient of the kernels in each shard: for every sixteen filters and each channel, the sum of each tap.
    sums: Vec<Vector>,
    shards: Vec<Piece>,
}

/// A pass that reads `depth` numbers per group of an input pixel and writes the numbers of an output pixel.
#[derive(Clone, Debug)]
struct Pass {
    taps: Taps,
    depth: usize,
    /// For every sixteen numbers of an output pixel, the numbers of an input pixel that they depend on.
    blocks: Vec<Block>,
    /// For each block, the kernels tap by tap.
    weights: AlignedBuffer,
    bias: AlignedBuffer,
}

/// Sixteen numbers of a pixel, or all of them if there are fewer.
#[derive(Clone, Debug)]
struct Block {
    /// The first of the numbers. If numbers are missing, the last block overlaps the one before.
    first: usize,
    spread: Spread,
}

/// The numbers of a pixel that are copied to sixteen lanes: lane `l` receives number `start` + `offsets[l]`.
#[derive(Clone, Debug)]
struct Spread {
    start: usize,
    offsets: [u32; LANES],
}

/// An image spread for a block, and an output image of sixteen numbers per pixel.
#[derive(Clone, Debug)]
struct Piece {
    input: AlignedBuffer,
    output: AlignedBuffer,
}

impl Pass {
    fn new(g: &GroupedGeometry, taps: Taps, [depth, outputs]: [usize; 2]) -> Result<Pass> {
        let all = outputs * g.groups;
        let block = |number: usize| {
            let first = (number * LANES).min(all.saturating_sub(LANES));
            let start = first / outputs * depth;
            let mut offsets = [0; LANES];
            for (l, offset) in offsets.iter_mut().enumerate() {
                *offset = ((first + l).min(all - 1) / outputs * depth - start) as u32;
            }
            Block { first, spread: Spread { start, offsets } }
        };
        let blocks = sizes::collect(&[all.div_ceil(LANES)], block)?;
        let weights = [blocks.len(), g.kernel[0], g.kernel[1], depth, LANES];
        let weights = AlignedBuffer::zeros(sizes::check_fits_memory::<f32>(&weights)?);
        let bias = AlignedBuffer::zeros(sizes::check_fits_memory::<f32>(&[blocks.len(), LANES])?);
        Ok(Pass { taps, depth, blocks, weights, bias })
    }

    /// Copies the weights for each block. `place(tap, number, output)` is the index of the weight of an output number.
    fn pack(&mut self, w: &[f32], all: usize, place: impl Fn(usize, usize, usize) -> usize) {
        let length = self.weights.len() / self.blocks.len();
        for (block, weights) in self.blocks.iter().zip(self.weights.chunks_exact_mut(length)) {
            for (at, lanes) in weights.chunks_exact_mut(LANES).enumerate() {
                for (l, to) in lanes[..LANES.min(all)].iter_mut().enumerate() {
                    *to = w[place(at / self.depth, at % self.depth, block.first + l)];
                }
            }
        }
    }
}

impl Spread {
    /// The numbers from `first` on, at most `count` in total.
    fn contiguous(first: usize, count: usize) -> Spread {
        let mut offsets = [0; LANES];
        offsets.iter_mut().enumerate().for_each(|(l, offset)| *offset = l.min(count - 1 - first) as u32);
        Spread { start: first, offsets }
    }
}

vectorized! {
    /// Copies numbers of each pixel of an image to sixteen lanes, then the numbers that follow each of them. `width` is the
    /// number of elements of a pixel, and `strides` are those of the pixels and of the following numbers in `to`.
    fn spread<F: Fma>(
        spread: &Spread,
        image: &[f32],
        width: usize,
        depth: usize,
        strides: [usize; 2],
        to: &mut [f32],
    ) {
        let near = spread.offsets.iter().all(|offset| (*offset as usize) < LANES);
        for pixel in 0..image.len() / width {
            for number in 0..depth {
                let from = &image[pixel * width + spread.start + number..];
                let to = to[pixel * strides[0] + number * strides[1]..].first_chunk_mut().expect("sixteen lanes");
                match from.first_chunk() {
                    Some(from) if near => F::select(from, &spread.offsets, to),
                    _ => to.iter_mut().zip(&spread.offsets).for_each(|(to, offset)| *to = from[*offset as usize]),
                }
            }
        }
    }
}

impl Scratch {
    /// Allocates the buffers.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) if they exceed memory.
    pub(super) fn new(g: &GroupedGeometry) -> Result<Scratch> {
        let [pixels, outputs] = [sizes::product(&g.size)?, sizes::product(&g.output)?];
        let axes = [Axis::forward(g, 0), Axis::forward(g, 1)];
        let backward = |axis: usize| {
            let phases = g.strides[axis].min(g.size[axis]);
            sizes::collect(&[phases], |phase| Axis::backward(g, axis, phase))
        };
        let forward_taps =
            Taps::new(axes.clone().map(|axis| vec![axis]), [g.size[1], g.kernel[1]], [g.channels, LANES])?;
        let backward_taps = Taps::new([backward(0)?, backward(1)?], [g.output[1], g.kernel[1]], [g.filters, LANES])?;
        let forward = Pass::new(g, forward_taps, [g.channels, g.filters])?;
        let backward = Pass::new(g, backward_taps, [g.filters, g.channels])?;
        let spread = [[pixels, g.channels, LANES], [outputs, g.filters, LANES]];
        let pieces = |count: usize, input: usize, pixels: usize| {
            let output = sizes::product(&[pixels, LANES])?;
            sizes::check_fits_memory::<f32>(&[count, sizes::sum(&[input, output])?])?;
            sizes::filled(Piece { input: AlignedBuffer::zeros(input), output: AlignedBuffer::zeros(output) }, &[count])
        };
        let input = sizes::product(&spread[0])?;
        let images = g.batch.div_ceil(IMAGES_PER_PIECE);
        let shards = g.batch.div_ceil(IMAGES_PER_SHARD);
        let sums = [shards, forward.blocks.len(), g.channels, g.kernel[0], g.kernel[1]];
        Ok(Scratch {
            axes,
            pieces: pieces(images, input.max(sizes::product(&spread[1])?), pixels.max(outputs))?,
            sums: sizes::filled(ZEROS, &sums)?,
            shards: pieces(shards, input, outputs)?,
            forward,
            backward,
        })
    }
}

/// y = activation(x ∗ w + bias).
pub(super) fn forward(
    level: SimdLevel,
    g: &GroupedGeometry,
    x: &[f32],
    w: &[f32],
    (bias, activation): (Option<&[f32]>, Elementwise),
    y: &mut [f32],
    scratch: &mut Scratch,
) {
    let (pass, all) = (&mut scratch.forward, g.filters * g.groups);
    pass.pack(w, all, |tap, channel, filter| (tap * g.channels + channel) * all + filter);
    pass.bias.fill(0.0);
    if let Some(bias) = bias {
        for (block, lanes) in pass.blocks.iter().zip(pass.bias.chunks_exact_mut(LANES)) {
            lanes.iter_mut().zip(&bias[block.first..]).for_each(|(lane, bias)| *lane = *bias);
        }
    }
    run(level, g, pass, activation, (x, g.size), (y, g.output), &mut scratch.pieces);
}

/// dx = Σ dy·w over the windows that contain an element: one chain over windows in order, and over the filters of each.
pub(super) fn backward_input(
    level: SimdLevel,
    g: &GroupedGeometry,
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
    scratch: &mut Scratch,
) {
    let (pass, all) = (&mut scratch.backward, g.filters * g.groups);
    let last = g.kernel[0] * g.kernel[1] - 1;
    pass.pack(w, g.channels * g.groups, |tap, filter, channel| {
        ((last - tap) * g.channels + channel % g.channels) * all + channel / g.channels * g.filters + filter
    });
    run(level, g, pass, Elementwise::Linear, (dy, g.output), (dx, g.size), &mut scratch.pieces);
}

/// Runs a pass that reads images of some size and writes images.
fn run(
    level: SimdLevel,
    g: &GroupedGeometry,
    pass: &Pass,
    activation: Elementwise,
    (x, x_size): (&[f32], [usize; 2]),
    (y, y_size): (&mut [f32], [usize; 2]),
    pieces: &mut [Piece],
) {
    let [of_x, of_y] = [x.len() / g.batch, y.len() / g.batch];
    let (x_pixels, y_pixels) = (x_size[0] * x_size[1], y_size[0] * y_size[1]);
    let (x_width, y_width) = (of_x / x_pixels, of_y / y_pixels);
    let time = sizes::work(&[IMAGES_PER_PIECE, g.nanoseconds()]);
    let length = pass.weights.len() / pass.blocks.len();
    let images = ((x, IMAGES_PER_PIECE * of_x), (y, IMAGES_PER_PIECE * of_y), (pieces, 1));
    images::for_each(images.0, images.1, images.2, time, &|x, y, pieces| {
        for (x, y) in x.chunks_exact(of_x).zip(y.chunks_exact_mut(of_y)) {
            let Piece { input, output } = &mut pieces[0];
            let output = &mut output[..y_pixels * LANES];
            for (number, block) in pass.blocks.iter().enumerate() {
                spread(level, &block.spread, x, x_width, pass.depth, [pass.depth * LANES, LANES], input);
                let c = Correlation {
                    taps: &pass.taps,
                    channels: LANES,
                    depth: pass.depth,
                    input_columns: x_size[1],
                    output_columns: y_size[1],
                    weights: &pass.weights[number * length..][..length],
                    bias: &pass.bias[number * LANES..][..LANES],
                    activation: Elementwise::Linear,
                };
                correlate::fill_rows(level, &c, &input[..x_pixels * pass.depth * LANES], 0, output);
                for (y, lanes) in y.chunks_exact_mut(y_width).zip(output.as_chunks::<LANES>().0) {
                    match y[block.first..].first_chunk_mut() {
                        Some(y) => *y = *lanes,
                        None => y.iter_mut().zip(lanes).for_each(|(y, lane)| *y = *lane),
                    }
                }
            }
            if activation != Elementwise::Linear {
                activation::finish_row(level, activation, &[], y);
            }
        }
    });
}

/// dw = Σ x·dy over images and pixels: each shard of `IMAGES_PER_SHARD` images is one chain, and shards are added in order.
pub(super) fn backward_weight(
    level: SimdLevel,
    g: &GroupedGeometry,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
    scratch: &mut Scratch,
) {
    let (blocks, taps, all) = (&scratch.forward.blocks, g.kernel[0] * g.kernel[1], g.filters * g.groups);
    let windows = Windows { rows: &scratch.axes[0], columns: &scratch.axes[1], channels: LANES };
    let plane = g.size[0] * g.size[1] * LANES;
    let time = sizes::work(&[IMAGES_PER_SHARD, g.nanoseconds()]);
    let sums = (&mut scratch.sums[..], blocks.len() * g.channels * taps);
    parallel::for_each_two(sums, (&mut scratch.shards, 1), time, |shard, sums, pieces| {
        sums.fill(ZEROS);
        let Piece { input, output } = &mut pieces[0];
        for image in shard * IMAGES_PER_SHARD..g.batch.min((shard + 1) * IMAGES_PER_SHARD) {
            let [x, dy] = [(x, g.image()), (dy, g.output_image())].map(|(all, size)| &all[image * size..][..size]);
            for (block, sums) in blocks.iter().zip(sums.chunks_exact_mut(g.channels * taps)) {
                spread(level, &block.spread, x, g.channels * g.groups, g.channels, [LANES, plane], input);
                spread(level, &Spread::contiguous(block.first, all), dy, all, 1, [LANES, 0], output);
                for (x, sums) in input.chunks_exact(plane).zip(sums.chunks_exact_mut(taps)) {
                    weight::add_image(level, &windows, x, output, 0, sums);
                }
            }
        }
    });
    dw.fill(0.0);
    for shard in scratch.sums.chunks_exact(blocks.len() * g.channels * taps) {
        for (number, (block, sums)) in blocks.iter().zip(shard.chunks_exact(g.channels * taps)).enumerate() {
            // If the last block overlaps the one before, its first filters are in that one.
            let filter = number * LANES;
            for (at, sums) in sums.iter().enumerate() {
                let (channel, tap) = (at / taps, at % taps);
                let dw = &mut dw[(tap * g.channels + channel) * all..][..all];
                dw[filter..].iter_mut().zip(&sums.0[filter - block.first..]).for_each(|(dw, sum)| *dw += sum);
            }
        }
    }
}
