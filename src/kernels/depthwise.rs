//! Depthwise convolution of images (NHWC): each channel has separate kernels. Lanes are channels.
//!
//! A sum is one chain of fused multiply-adds over the taps in the order of the kernel; taps outside the image are skipped.
//! The gradient of the images is a convolution of the gradients of the outputs with flipped kernels, one chain per element
//! over windows and their filters. With strides, it is one convolution for each remainder of the position modulo the
//! stride. Images are read in place, except that they are copied first if a pixel has fewer channels than lanes or a
//! channel has several filters.

pub(super) mod axis;
pub(super) mod correlate;
pub(super) mod weight;

use super::activation::Elementwise;
use super::aligned_buffer::AlignedBuffer;
use super::conv2d::tile::{Vector, ZEROS};
use super::grouped::{GroupedGeometry, IMAGES_PER_SHARD};
use super::simd::SimdLevel;
use super::tile::LANES;
use super::{images, parallel};
use crate::error::Result;
use crate::sizes;
use axis::Axis;
use correlate::{Correlation, Taps};
use weight::Windows;

/// Images that share buffers if images are copied.
const IMAGES_PER_PIECE: usize = 8;

/// Rows in a chunk of work if there are fewer images than threads.
const ROWS_PER_PIECE: usize = 4;

/// `L` elements starting at index `first`.
#[inline(always)]
fn lanes<const L: usize>(values: &[f32], first: usize) -> &[f32; L] {
    values[first..].first_chunk().expect("at least as many channels as lanes")
}

/// Reusable buffers of depthwise convolutions of one geometry.
#[derive(Clone, Debug)]
pub(super) struct Scratch {
    /// The row axis and the column axis of the forward pass.
    axes: [Axis; 2],
    /// The taps of the forward pass, and of the backward pass for each remainder modulo the stride.
    forward: Taps,
    backward: Taps,
    /// The kernels of a pass, padded or rearranged, and its biases or zeros.
    weights: AlignedBuffer,
    bias: AlignedBuffer,
    /// Copies of images in the passes over images, for each chunk of images; empty if images are read in place.
    pieces: Vec<ImageBuffers>,
    /// The gradient of the kernels in each shard: for every sixteen channels, the sum of each tap.
    sums: Vec<Vector>,
    shards: Vec<ImageBuffers>,
}

/// Copies of an input image and an output image, or of their gradients, in the layout for vectors. Empty if the image itself
/// has this layout.
#[derive(Clone, Debug)]
struct ImageBuffers {
    input: AlignedBuffer,
    output: AlignedBuffer,
}

/// The order of the numbers of a pixel in a copied image.
#[derive(Clone, Copy)]
enum Layout {
    /// For each filter, the number of its channel: channels repeat `filters` times.
    Repeated,
    /// Filter by filter, the numbers of all channels.
    Deinterleaved,
    /// The filters in order, padded to at least one vector.
    Filters,
    /// The channels in order, padded to at least one vector.
    Channels,
}

impl Scratch {
    /// Allocates the buffers.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) if they exceed memory.
    pub(super) fn new(g: &GroupedGeometry) -> Result<Scratch> {
        let [channels, filters] = padded_widths(g);
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
            copied(Layout::Repeated, pixels)?.max(copied(Layout::Deinterleaved, outputs)?),
            copied(Layout::Filters, outputs)?.max(copied(Layout::Channels, pixels)?),
        ];
        let shard = [copied(Layout::Repeated, pixels)?, copied(Layout::Filters, outputs)?];
        let buffers = |images: usize, [input, output]: [usize; 2]| {
            sizes::check_fits_memory::<f32>(&[images, sizes::sum(&[input, output])?])?;
            let buffers = ImageBuffers { input: AlignedBuffer::zeros(input), output: AlignedBuffer::zeros(output) };
            sizes::filled(buffers, &[images])
        };
        let shards = g.batch.div_ceil(IMAGES_PER_SHARD);
        Ok(Scratch {
            forward: Taps::new(axes.clone().map(|axis| vec![axis]), [g.size[1], g.kernel[1]], [1, filters])?,
            backward: Taps::new([backward(0)?, backward(1)?], [g.output[1], g.kernel[1]], [g.filters, channels])?,
            axes,
            weights: AlignedBuffer::zeros(sizes::check_fits_memory::<f32>(&[taps, width])?),
            bias: AlignedBuffer::zeros(width),
            pieces: buffers(g.batch.div_ceil(IMAGES_PER_PIECE), pass)?,
            sums: sizes::filled(ZEROS, &[shards, filters.div_ceil(LANES), taps])?,
            shards: buffers(shards, shard)?,
        })
    }
}

/// The numbers of channels and of filters, padded to at least one vector.
fn padded_widths(g: &GroupedGeometry) -> [usize; 2] {
    [g.groups, g.groups * g.filters].map(|count| count.max(LANES))
}

impl GroupedGeometry {
    /// Elements per pixel of a copy in this layout; 0 if the image already has the layout and is not copied.
    fn copied_width(&self, layout: Layout) -> usize {
        let [channels, filters] = padded_widths(self);
        let (several, few) = (self.filters > 1, self.groups < LANES);
        match layout {
            Layout::Repeated => usize::from(several || few) * filters,
            Layout::Deinterleaved => usize::from(several || few) * channels * self.filters,
            Layout::Filters => usize::from(filters > self.groups * self.filters) * filters,
            Layout::Channels => usize::from(few) * channels,
        }
    }

    /// Returns the image in this layout: a copy in `scratch`, or the image itself if it needs no copy.
    fn in_layout<'a>(&self, layout: Layout, image: &'a [f32], scratch: &'a mut [f32]) -> &'a [f32] {
        let width = self.copied_width(layout);
        if width == 0 {
            return image;
        }
        let filters = self.filters;
        let from = match layout {
            Layout::Repeated | Layout::Channels => self.groups,
            Layout::Deinterleaved | Layout::Filters => self.groups * filters,
        };
        for (to, pixel) in scratch.chunks_exact_mut(width).zip(image.chunks_exact(from)) {
            match layout {
                Layout::Repeated => {
                    to.chunks_exact_mut(filters).zip(pixel).for_each(|(to, channel)| to.fill(*channel));
                }
                Layout::Deinterleaved => {
                    for (number, to) in to.chunks_exact_mut(width / filters).enumerate() {
                        to.iter_mut().zip(pixel[number..].iter().step_by(filters)).for_each(|(to, from)| *to = *from);
                    }
                }
                Layout::Filters | Layout::Channels => to[..from].copy_from_slice(pixel),
            }
        }
        scratch
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
    let (all, [_, filters]) = (g.groups * g.filters, padded_widths(g));
    scratch.bias.fill(0.0);
    if let Some(bias) = bias {
        scratch.bias[..all].copy_from_slice(bias);
    }
    let weights = if all == filters {
        w
    } else {
        for (to, w) in scratch.weights.chunks_exact_mut(filters).zip(w.chunks_exact(all)) {
            to[..all].copy_from_slice(w);
        }
        &scratch.weights
    };
    let c = Correlation {
        taps: &scratch.forward,
        channels: filters,
        depth: 1,
        input_columns: g.size[1],
        output_columns: g.output[1],
        weights,
        bias: &scratch.bias[..filters],
        activation,
    };
    run(level, g, &c, (Layout::Repeated, x, g.image()), (Layout::Filters, y, g.output_image()), &mut scratch.pieces);
}

/// dx = Σ dy·w over the windows that contain an element.
pub(super) fn backward_input(
    level: SimdLevel,
    g: &GroupedGeometry,
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
    scratch: &mut Scratch,
) {
    let (depth, [channels, _]) = (g.filters, padded_widths(g));
    let flipped = w.chunks_exact(g.groups * depth).rev();
    for (to, w) in scratch.weights.chunks_exact_mut(depth * channels).zip(flipped) {
        for (number, to) in to.chunks_exact_mut(channels).enumerate() {
            to.iter_mut().zip(w[number..].iter().step_by(depth)).for_each(|(to, w)| *to = *w);
        }
    }
    scratch.bias.fill(0.0);
    let c = Correlation {
        taps: &scratch.backward,
        channels,
        depth,
        input_columns: g.output[1],
        output_columns: g.size[1],
        weights: &scratch.weights,
        bias: &scratch.bias[..channels],
        activation: Elementwise::Linear,
    };
    run(
        level,
        g,
        &c,
        (Layout::Deinterleaved, dy, g.output_image()),
        (Layout::Channels, dx, g.image()),
        &mut scratch.pieces,
    );
}

/// Runs a pass that reads images and writes images. `of_x` and `of_y` are the lengths of one image.
fn run(
    level: SimdLevel,
    g: &GroupedGeometry,
    c: &Correlation<'_>,
    (input, x, of_x): (Layout, &[f32], usize),
    (output, y, of_y): (Layout, &mut [f32], usize),
    pieces: &mut [ImageBuffers],
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
        for buffers in pieces {
            for (x, y) in x.chunks_exact(of_x).zip(y.chunks_exact_mut(of_y)) {
                let x = g.in_layout(input, x, &mut buffers.input);
                if copied == 0 {
                    correlate::fill_rows(level, c, x, 0, y);
                    continue;
                }
                let pixels = of_y / g.pixel_width(output);
                correlate::fill_rows(level, c, x, 0, &mut buffers.output[..pixels * copied]);
                for (y, copy) in y.chunks_exact_mut(g.pixel_width(output)).zip(buffers.output.chunks_exact(copied)) {
                    y.copy_from_slice(&copy[..y.len()]);
                }
            }
        }
    });
}

impl GroupedGeometry {
    /// Elements per pixel of the original image that has this layout.
    fn pixel_width(&self, layout: Layout) -> usize {
        match layout {
            Layout::Repeated | Layout::Channels => self.groups,
            Layout::Deinterleaved | Layout::Filters => self.groups * self.filters,
        }
    }
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
    let [_, filters] = padded_widths(g);
    let (windows, taps) =
        (Windows { rows: &scratch.axes[0], columns: &scratch.axes[1], channels: filters }, g.kernel[0] * g.kernel[1]);
    let vectors = filters.div_ceil(LANES);
    let time = sizes::work(&[IMAGES_PER_SHARD, g.nanoseconds()]);
    let copied = [Layout::Repeated, Layout::Filters].iter().any(|layout| g.copied_width(*layout) > 0);
    let shards = g.batch.div_ceil(IMAGES_PER_SHARD);
    let together = if copied || parallel::enough_for_all_threads(shards) { vectors } else { vectors.div_ceil(4) };
    let shard_images = |shard: usize| {
        let images = shard * IMAGES_PER_SHARD..g.batch.min((shard + 1) * IMAGES_PER_SHARD);
        images.map(|image| [(x, g.image()), (dy, g.output_image())].map(|(all, size)| &all[image * size..][..size]))
    };
    parallel::for_each_two(
        (&mut scratch.sums, vectors * taps),
        (&mut scratch.shards, 1),
        time,
        |shard, sums, buffers| {
            sums.fill(ZEROS);
            if copied {
                for [x, dy] in shard_images(shard) {
                    let x = g.in_layout(Layout::Repeated, x, &mut buffers[0].input);
                    let dy = g.in_layout(Layout::Filters, dy, &mut buffers[0].output);
                    weight::add_image(level, &windows, x, dy, 0, sums);
                }
                return;
            }
            parallel::for_each_chunk(sums, together * taps, time * together / vectors, |number, sums| {
                for [x, dy] in shard_images(shard) {
                    weight::add_image(level, &windows, x, dy, number * together, sums);
                }
            });
        },
    );
    dw.fill(0.0);
    for shard in scratch.sums.chunks_exact(vectors * taps) {
        for (number, sums) in shard.chunks_exact(taps).enumerate() {
            // If the last vector overlaps the previous one, its first channels are in that one.
            let (at, first) = (number * LANES, (number * LANES).min(filters - LANES));
            for (dw, sums) in dw.chunks_exact_mut(g.groups * g.filters).zip(sums) {
                dw[at..].iter_mut().zip(&sums.0[at - first..]).for_each(|(dw, sum)| *dw += sum);
            }
        }
    }
}

#[cfg(test)]
mod tests;
