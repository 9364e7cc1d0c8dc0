//! Grouped convolution of images (NHWC) with fewer than sixteen filters per group: lanes are filters of several groups. It
//! also computes groups of any size whose dilated windows are much larger than the image.
//!
//! For every sixteen filters, an image is copied so that each lane has the channels of its filter's group, with zeros around
//! it. The convolution is then depthwise, with one product per tap and channel, and the gradient of the images is one with
//! one product per tap and filter. A sum is one chain of fused multiply-adds over the taps in the order of the kernel (rows,
//! columns, channels).

use super::activation::{self, Elementwise};
use super::aligned_buffer::AlignedBuffer;
use super::conv2d::tile::{Vector, ZEROS};
use super::depthwise::axis::Axis;
use super::depthwise::correlate::{self, Correlation, Taps};
use super::depthwise::weight::{self, Windows};
use super::grouped::{GroupedGeometry, IMAGES_PER_SHARD, excessive_padding};
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
    /// The row axis and the column axis of the forward pass, whose input is padded.
    axes: [Axis; 2],
    forward: Pass,
    backward: Pass,
    /// For each chunk of images. The passes have separate buffers, because their zeros are in different places.
    forward_pieces: Vec<Piece>,
    backward_pieces: Vec<Piece>,
    /// The gradient of the kernels in each shard: for every sixteen filters and each channel, the sum of each tap.
    sums: Vec<Vector>,
    shards: Vec<Piece>,
}

/// A pass that reads `depth` numbers per group of an input pixel and writes the numbers of an output pixel.
#[derive(Clone, Debug)]
struct Pass {
    taps: Taps,
    depth: usize,
    padding: Padding,
    /// For every sixteen numbers of an output pixel, the numbers of an input pixel that they depend on.
    blocks: Vec<Block>,
    /// For each block, the kernels tap by tap.
    weights: AlignedBuffer,
    bias: AlignedBuffer,
}

/// The position of an image within zeros.
#[derive(Clone, Copy, Debug)]
struct Padding {
    /// Rows and columns of the image, and of the image with zeros.
    image: [usize; 2],
    padded: [usize; 2],
    /// Rows and columns of zeros before the image.
    before: [usize; 2],
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

/// An image copied to the lanes of a block, and an output image of sixteen numbers per pixel.
#[derive(Clone, Debug)]
struct Piece {
    input: AlignedBuffer,
    output: AlignedBuffer,
}

impl Pass {
    fn new(g: &GroupedGeometry, taps: Taps, padding: Padding, [depth, outputs]: [usize; 2]) -> Result<Pass> {
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
        Ok(Pass { taps, depth, padding, blocks, weights, bias })
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

impl Padding {
    /// The padding of an input image, so that all windows are inside.
    fn of_input(g: &GroupedGeometry) -> Padding {
        let window = |axis: usize| (g.kernel[axis] - 1) * g.dilation[axis] + 1;
        let reach = |axis: usize| (g.output[axis] - 1) * g.strides[axis] + window(axis);
        let padded = [0, 1].map(|axis| reach(axis).max(g.size[axis] + g.padding[axis]));
        Padding { image: g.size, padded, before: g.padding }.unless_excessive()
    }

    /// The padding of the gradient of an output image, so that there is a gradient for each window that would contain an
    /// element of the input.
    fn of_output(g: &GroupedGeometry) -> Padding {
        let window = |axis: usize| (g.kernel[axis] - 1) * g.dilation[axis];
        let before = [0, 1].map(|axis| window(axis).saturating_sub(g.padding[axis]).div_ceil(g.strides[axis]));
        let reach = |axis: usize| (g.size[axis] - 1 + g.padding[axis]) / g.strides[axis] + 1;
        let padded = [0, 1].map(|axis| before[axis] + reach(axis).max(g.output[axis]));
        Padding { image: g.output, padded, before }.unless_excessive()
    }

    /// This padding, or none if there would be many more zeros than pixels. Taps outside the image are then skipped.
    fn unless_excessive(self) -> Padding {
        let none = Padding { padded: self.image, before: [0, 0], ..self };
        if excessive_padding(self.image, self.padded) { none } else { self }
    }

    fn pixels(&self) -> Result<usize> {
        sizes::product(&self.padded)
    }
}

/// The layout of an image that was copied to lanes: the distances of pixels and of the numbers of a pixel, in elements.
#[derive(Clone, Copy)]
struct Layout {
    padding: Padding,
    depth: usize,
    strides: [usize; 2],
}

vectorized! {
    /// Copies numbers of each pixel of an image to sixteen lanes, and `depth` - 1 times the numbers that follow. `width` is
    /// the number of elements of a pixel.
    fn spread<F: Fma>(spread: &Spread, image: &[f32], width: usize, layout: Layout, to: &mut [f32]) {
        let Layout { padding: Padding { image: [_, columns], padded, before }, depth, strides } = layout;
        let reach = spread.offsets.iter().fold(0, |reach: usize, offset| reach.max(*offset as usize)) + depth;
        for (row, pixels) in (before[0]..).zip((0..image.len() / width).step_by(columns)) {
            for column in 0..columns {
                let from = &image[(pixels + column) * width + spread.start..];
                let to = &mut to[(row * padded[1] + before[1] + column) * strides[0]..];
                match from.first_chunk::<LANES>() {
                    Some(from) if reach <= LANES => {
                        let mut offsets = spread.offsets;
                        for number in 0..depth {
                            let to: &mut [f32; LANES] = to[number * strides[1]..].first_chunk_mut().expect("sixteen lanes");
                            F::select(from, &offsets, to);
                            for offset in &mut offsets {
                                *offset = offset.wrapping_add(1);
                            }
                        }
                    }
                    _ => for number in 0..depth {
                        let to = to[number * strides[1]..][..LANES].iter_mut();
                        to.zip(&spread.offsets).for_each(|(to, offset)| *to = from[*offset as usize + number]);
                    },
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
        let [input, output] = [Padding::of_input(g), Padding::of_output(g)];
        let left = [0, 1].map(|axis| g.padding[axis] - input.before[axis]);
        let padded = GroupedGeometry { size: input.padded, padding: left, ..*g };
        let axes = [Axis::forward(&padded, 0), Axis::forward(&padded, 1)];
        let shifted = [0, 1].map(|axis| g.padding[axis] + output.before[axis] * g.strides[axis]);
        let padded = GroupedGeometry { output: output.padded, padding: shifted, ..*g };
        let backward = |axis: usize| {
            let phases = g.strides[axis].min(g.size[axis]);
            sizes::collect(&[phases], |phase| Axis::backward(&padded, axis, phase))
        };
        let of_axes = axes.clone().map(|axis| vec![axis]);
        let taps = Taps::new(of_axes, [input.padded[1], g.kernel[1]], [g.channels, LANES])?;
        let forward = Pass::new(g, taps, input, [g.channels, g.filters])?;
        let taps = Taps::new([backward(0)?, backward(1)?], [output.padded[1], g.kernel[1]], [g.filters, LANES])?;
        let backward = Pass::new(g, taps, output, [g.filters, g.channels])?;
        let pieces = |count: usize, input: usize, outputs: usize| {
            let outputs = sizes::product(&[outputs, LANES])?;
            sizes::check_fits_memory::<f32>(&[count, sizes::sum(&[input, outputs])?])?;
            let piece = Piece { input: AlignedBuffer::zeros(input), output: AlignedBuffer::zeros(outputs) };
            sizes::filled(piece, &[count])
        };
        let [pixels, outputs] = [sizes::product(&g.size)?, sizes::product(&g.output)?];
        let input = sizes::product(&[input.pixels()?, g.channels, LANES])?;
        let output = sizes::product(&[output.pixels()?, g.filters, LANES])?;
        let (images, shards) = (g.batch.div_ceil(IMAGES_PER_PIECE), g.batch.div_ceil(IMAGES_PER_SHARD));
        let sums = [shards, forward.blocks.len(), g.channels, g.kernel[0], g.kernel[1]];
        Ok(Scratch {
            axes,
            forward_pieces: pieces(images, input, outputs)?,
            backward_pieces: pieces(images, output, pixels)?,
            shards: pieces(shards, input, outputs)?,
            sums: sizes::filled(ZEROS, &sums)?,
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
    run(level, g, pass, activation, x, (y, g.output), &mut scratch.forward_pieces);
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
    run(level, g, pass, Elementwise::Linear, dy, (dx, g.size), &mut scratch.backward_pieces);
}

/// Runs a pass that reads the images `x` and writes images of some size.
fn run(
    level: SimdLevel,
    g: &GroupedGeometry,
    pass: &Pass,
    activation: Elementwise,
    x: &[f32],
    (y, size): (&mut [f32], [usize; 2]),
    pieces: &mut [Piece],
) {
    let (of_x, of_y, padding) = (x.len() / g.batch, y.len() / g.batch, pass.padding);
    let [x_width, y_width] =
        [(of_x, padding.image), (of_y, size)].map(|(length, [rows, columns])| length / rows / columns);
    let layout = Layout { padding, depth: pass.depth, strides: [pass.depth * LANES, LANES] };
    let time = sizes::work(&[IMAGES_PER_PIECE, g.nanoseconds()]);
    let length = pass.weights.len() / pass.blocks.len();
    let images = ((x, IMAGES_PER_PIECE * of_x), (y, IMAGES_PER_PIECE * of_y), (pieces, 1));
    images::for_each(images.0, images.1, images.2, time, &|x, y, pieces| {
        for (x, y) in x.chunks_exact(of_x).zip(y.chunks_exact_mut(of_y)) {
            let Piece { input, output } = &mut pieces[0];
            for (number, block) in pass.blocks.iter().enumerate() {
                spread(level, &block.spread, x, x_width, layout, input);
                let c = Correlation {
                    taps: &pass.taps,
                    channels: LANES,
                    depth: pass.depth,
                    input_columns: padding.padded[1],
                    output_columns: size[1],
                    weights: &pass.weights[number * length..][..length],
                    bias: &pass.bias[number * LANES..][..LANES],
                    activation: Elementwise::Linear,
                };
                correlate::fill_rows(level, &c, input, 0, output);
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
    let padding = scratch.forward.padding;
    let plane = padding.padded[0] * padding.padded[1] * LANES;
    let of_x = Layout { padding, depth: g.channels, strides: [LANES, plane] };
    let padding = Padding { image: g.output, padded: g.output, before: [0, 0] };
    let of_dy = Layout { padding, depth: 1, strides: [LANES, 0] };
    let time = sizes::work(&[IMAGES_PER_SHARD, g.nanoseconds()]);
    let sums = (&mut scratch.sums[..], blocks.len() * g.channels * taps);
    parallel::for_each_two(sums, (&mut scratch.shards, 1), time, |shard, sums, pieces| {
        sums.fill(ZEROS);
        let Piece { input, output } = &mut pieces[0];
        for image in shard * IMAGES_PER_SHARD..g.batch.min((shard + 1) * IMAGES_PER_SHARD) {
            let [x, dy] = [(x, g.image()), (dy, g.output_image())].map(|(all, size)| &all[image * size..][..size]);
            for (block, sums) in blocks.iter().zip(sums.chunks_exact_mut(g.channels * taps)) {
                spread(level, &block.spread, x, g.channels * g.groups, of_x, input);
                spread(level, &Spread::contiguous(block.first, all), dy, all, of_dy, output);
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
