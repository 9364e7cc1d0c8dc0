//! Depthwise convolution of images (NHWC): each channel has separate kernels, with channels in the lanes.
//!
//! A sum is one chain of fused multiply-adds over the taps in the order of the kernel; taps that are outside the image are
//! skipped. In the gradient of the images it is one chain over windows and their filters, as a convolution of the outputs'
//! gradients with flipped kernels; with strides, one for the positions of each remainder. So an image is read in place,
//! unless a pixel has fewer channels than lanes, or a channel has several filters: then it is copied first.

mod axis;
mod correlate;
mod weight;

use super::activation::Elementwise;
use super::aligned_buffer::AlignedBuffer;
use super::conv2d::tile::{Vector, ZEROS};
use super::grouped::{Grouped, IMAGES_PER_SHARD};
use super::simd::SimdLevel;
use super::tile::LANES;
use super::{images, parallel};
use crate::error::Result;
use crate::sizes;
use axis::Axis;
use correlate::{Correlation, Taps};
use weight::Windows;

/// Images that share buffers where they are copied.
const IMAGES_PER_PIECE: usize = 8;

/// Rows that are a piece of work where there are few images.
const ROWS_PER_PIECE: usize = 4;

/// The lanes from `first` on.
#[inline(always)]
fn lanes<const L: usize>(values: &[f32], first: usize) -> &[f32; L] {
    values[first..].first_chunk().expect("at least as many channels as lanes")
}

/// The buffers of depthwise convolutions of one geometry.
#[derive(Clone, Debug)]
pub(super) struct Room {
    /// The taps of the passes; backward has axes for each remainder of a stride.
    forward: Taps,
    backward: Taps,
    /// The axes of the forward pass, for the gradient of the kernels.
    axes: [Axis; 2],
    /// The kernels of a pass, and zeros or biases for its channels.
    weights: AlignedBuffer,
    bias: AlignedBuffer,
    /// The images of a piece in a pass, where they are copied.
    pieces: Vec<Copies>,
    /// For the gradient of the kernels: for each shard and each sixteen channels the sums of the taps.
    sums: Vec<Vector>,
    shards: Vec<Copies>,
}

/// An image and an output image, or gradients of them, laid out for vectors; empty where the image itself is.
#[derive(Clone, Debug)]
struct Copies {
    input: AlignedBuffer,
    output: AlignedBuffer,
}

/// The layout of an image's pixels in vectors.
#[derive(Clone, Copy)]
enum Layout {
    /// A number for each filter: that of its channel.
    Repeated,
    /// For each filter of a channel a row of channels.
    Apart,
    /// The filters in their order.
    Filters,
    /// The channels in their order.
    Channels,
}

impl Room {
    /// # Errors
    /// Memory does not hold it.
    pub(super) fn new(g: &Grouped) -> Result<Room> {
        let [channels, filters] = lanes_of(g);
        let [pixels, outputs] = [sizes::product(&g.size)?, sizes::product(&g.output)?];
        let taps = sizes::product(&g.kernel)?;
        let width = sizes::product(&[g.filters, channels])?.max(filters);
        let axes = [Axis::forward(g, 0), Axis::forward(g, 1)];
        let backward = |axis: usize| {
            let phases = g.strides[axis].min(g.size[axis]);
            sizes::collect(&[phases], |phase| Axis::backward(g, axis, phase))
        };
        let copied = |layout: Layout, pixels: usize| sizes::product(&[pixels, g.copied_width(layout)]);
        let pass = [
            copied(Layout::Repeated, pixels)?.max(copied(Layout::Apart, outputs)?),
            copied(Layout::Filters, outputs)?.max(copied(Layout::Channels, pixels)?),
        ];
        let shard = [copied(Layout::Repeated, pixels)?, copied(Layout::Filters, outputs)?];
        let buffers = |images: usize, [input, output]: [usize; 2]| {
            sizes::check_room::<f32>(&[images, sizes::sum(&[input, output])?])?;
            let copies = Copies { input: AlignedBuffer::zeros(input), output: AlignedBuffer::zeros(output) };
            sizes::filled(copies, &[images])
        };
        let shards = g.batch.div_ceil(IMAGES_PER_SHARD);
        Ok(Room {
            forward: Taps::new(axes.clone().map(|axis| vec![axis]), [g.size[1], g.kernel[1]], [1, filters])?,
            backward: Taps::new([backward(0)?, backward(1)?], [g.output[1], g.kernel[1]], [g.filters, channels])?,
            axes,
            weights: AlignedBuffer::zeros(sizes::check_room::<f32>(&[taps, width])?),
            bias: AlignedBuffer::zeros(width),
            pieces: buffers(g.batch.div_ceil(IMAGES_PER_PIECE), pass)?,
            sums: sizes::filled(ZEROS, &[shards, filters.div_ceil(LANES), taps])?,
            shards: buffers(shards, shard)?,
        })
    }
}

/// Channels and filters of an image in vectors: at least as many as lanes.
fn lanes_of(g: &Grouped) -> [usize; 2] {
    [g.groups, g.groups * g.filters].map(|count| count.max(LANES))
}

impl Grouped {
    /// Elements of a pixel in this layout if it is copied; 0 where it is that of the image.
    fn copied_width(&self, layout: Layout) -> usize {
        let [channels, filters] = lanes_of(self);
        let (several, few) = (self.filters > 1, self.groups < LANES);
        match layout {
            Layout::Repeated => usize::from(several || few) * filters,
            Layout::Apart => usize::from(several || few) * channels * self.filters,
            Layout::Filters => usize::from(filters > self.groups * self.filters) * filters,
            Layout::Channels => usize::from(few) * channels,
        }
    }

    /// The pixels of an image in this layout.
    fn lay_out<'a>(&self, layout: Layout, image: &'a [f32], room: &'a mut [f32]) -> &'a [f32] {
        let width = self.copied_width(layout);
        if width == 0 {
            return image;
        }
        let filters = self.filters;
        let from = match layout {
            Layout::Repeated | Layout::Channels => self.groups,
            Layout::Apart | Layout::Filters => self.groups * filters,
        };
        for (to, pixel) in room.chunks_exact_mut(width).zip(image.chunks_exact(from)) {
            match layout {
                Layout::Repeated => {
                    to.chunks_exact_mut(filters).zip(pixel).for_each(|(to, channel)| to.fill(*channel));
                }
                Layout::Apart => {
                    for (number, to) in to.chunks_exact_mut(width / filters).enumerate() {
                        to.iter_mut().zip(pixel[number..].iter().step_by(filters)).for_each(|(to, from)| *to = *from);
                    }
                }
                Layout::Filters | Layout::Channels => to[..from].copy_from_slice(pixel),
            }
        }
        room
    }
}

/// y = activation(x ∗ w + bias).
pub(super) fn forward(
    level: SimdLevel,
    g: &Grouped,
    x: &[f32],
    w: &[f32],
    (bias, activation): (Option<&[f32]>, Elementwise),
    y: &mut [f32],
    room: &mut Room,
) {
    let (all, [_, filters]) = (g.groups * g.filters, lanes_of(g));
    room.bias.fill(0.0);
    if let Some(bias) = bias {
        room.bias[..all].copy_from_slice(bias);
    }
    let weights = if all == filters {
        w
    } else {
        for (to, w) in room.weights.chunks_exact_mut(filters).zip(w.chunks_exact(all)) {
            to[..all].copy_from_slice(w);
        }
        &room.weights
    };
    let c = Correlation {
        taps: &room.forward,
        channels: filters,
        depth: 1,
        input_columns: g.size[1],
        output_columns: g.output[1],
        weights,
        bias: &room.bias[..filters],
        activation,
    };
    run(level, g, &c, (Layout::Repeated, x, g.image()), (Layout::Filters, y, g.output_image()), &mut room.pieces);
}

/// dx = Σ dy·w over the windows that contain an element.
pub(super) fn backward_input(level: SimdLevel, g: &Grouped, dy: &[f32], w: &[f32], dx: &mut [f32], room: &mut Room) {
    let (depth, [channels, _]) = (g.filters, lanes_of(g));
    let flipped = w.chunks_exact(g.groups * depth).rev();
    for (to, w) in room.weights.chunks_exact_mut(depth * channels).zip(flipped) {
        for (number, to) in to.chunks_exact_mut(channels).enumerate() {
            to.iter_mut().zip(w[number..].iter().step_by(depth)).for_each(|(to, w)| *to = *w);
        }
    }
    room.bias.fill(0.0);
    let c = Correlation {
        taps: &room.backward,
        channels,
        depth,
        input_columns: g.output[1],
        output_columns: g.size[1],
        weights: &room.weights,
        bias: &room.bias[..channels],
        activation: Elementwise::Linear,
    };
    run(level, g, &c, (Layout::Apart, dy, g.output_image()), (Layout::Channels, dx, g.image()), &mut room.pieces);
}

/// Runs a pass from images to images.
fn run(
    level: SimdLevel,
    g: &Grouped,
    c: &Correlation<'_>,
    (input, x, of_x): (Layout, &[f32], usize),
    (output, y, of_y): (Layout, &mut [f32], usize),
    pieces: &mut [Copies],
) {
    if [input, output].iter().all(|layout| g.copied_width(*layout) == 0) {
        let rows = of_y / (c.output_columns * c.channels);
        let piece = if parallel::enough_for_all_threads(g.batch) { rows } else { ROWS_PER_PIECE.min(rows) };
        parallel::for_each_pair((x, of_x), (y, of_y), g.nanoseconds(), |_, x, y| {
            let row = c.output_columns * c.channels;
            parallel::for_each_chunk(y, piece * row, g.nanoseconds() * piece / rows, |number, y| {
                correlate::fill_rows(level, c, x, number * piece, y);
            });
        });
        return;
    }
    let time = sizes::work(&[IMAGES_PER_PIECE, g.nanoseconds()]);
    let copied = g.copied_width(output);
    let images = ((x, IMAGES_PER_PIECE * of_x), (y, IMAGES_PER_PIECE * of_y), (pieces, 1));
    images::for_each(images.0, images.1, images.2, time, &|x, y, pieces| {
        for copies in pieces {
            for (x, y) in x.chunks_exact(of_x).zip(y.chunks_exact_mut(of_y)) {
                let x = g.lay_out(input, x, &mut copies.input);
                if copied == 0 {
                    correlate::fill_rows(level, c, x, 0, y);
                    continue;
                }
                let pixels = of_y / g.groups_of(output);
                correlate::fill_rows(level, c, x, 0, &mut copies.output[..pixels * copied]);
                for (y, copy) in y.chunks_exact_mut(g.groups_of(output)).zip(copies.output.chunks_exact(copied)) {
                    y.copy_from_slice(&copy[..y.len()]);
                }
            }
        }
    });
}

impl Grouped {
    /// Elements of a pixel that is laid out this way.
    fn groups_of(&self, layout: Layout) -> usize {
        match layout {
            Layout::Repeated | Layout::Channels => self.groups,
            Layout::Apart | Layout::Filters => self.groups * self.filters,
        }
    }
}

/// dw = Σ x·dy over images and pixels: a chain for each shard of a fixed number of images, the shards added in order.
pub(super) fn backward_weight(level: SimdLevel, g: &Grouped, x: &[f32], dy: &[f32], dw: &mut [f32], room: &mut Room) {
    let [_, filters] = lanes_of(g);
    let (windows, taps) =
        (Windows { rows: &room.axes[0], columns: &room.axes[1], channels: filters }, g.kernel[0] * g.kernel[1]);
    let vectors = filters.div_ceil(LANES);
    let time = sizes::work(&[IMAGES_PER_SHARD, g.nanoseconds()]);
    let copied = [Layout::Repeated, Layout::Filters].iter().any(|layout| g.copied_width(*layout) > 0);
    let shards = g.batch.div_ceil(IMAGES_PER_SHARD);
    let together = if copied || parallel::enough_for_all_threads(shards) { vectors } else { vectors.div_ceil(4) };
    let shard_images = |shard: usize| {
        let images = shard * IMAGES_PER_SHARD..g.batch.min((shard + 1) * IMAGES_PER_SHARD);
        images.map(|image| [(x, g.image()), (dy, g.output_image())].map(|(all, size)| &all[image * size..][..size]))
    };
    parallel::for_each_two((&mut room.sums, vectors * taps), (&mut room.shards, 1), time, |shard, sums, copies| {
        sums.fill(ZEROS);
        if copied {
            for [x, dy] in shard_images(shard) {
                let x = g.lay_out(Layout::Repeated, x, &mut copies[0].input);
                let dy = g.lay_out(Layout::Filters, dy, &mut copies[0].output);
                weight::add_image(level, &windows, x, dy, 0, sums);
            }
            return;
        }
        parallel::for_each_chunk(sums, together * taps, time * together / vectors, |number, sums| {
            for [x, dy] in shard_images(shard) {
                weight::add_image(level, &windows, x, dy, number * together, sums);
            }
        });
    });
    dw.fill(0.0);
    for shard in room.sums.chunks_exact(vectors * taps) {
        for (number, sums) in shard.chunks_exact(taps).enumerate() {
            // Where the last vector reaches back, its first channels are in the one before.
            let (at, first) = (number * LANES, (number * LANES).min(filters - LANES));
            for (dw, sums) in dw.chunks_exact_mut(g.groups * g.filters).zip(sums) {
                dw[at..].iter_mut().zip(&sums.0[at - first..]).for_each(|(dw, sum)| *dw += sum);
            }
        }
    }
}

#[cfg(test)]
mod tests;
