//! Dilated and grouped convolution of images (NHWC), which [`conv2d`](super::conv2d) does not support. Groups of one channel
//! are computed by `depthwise`; other groups by plain loops, vectorized over filters.
//!
//! A sum is one chain of fused multiply-adds over the taps in the order of the kernel (rows, columns, channels). Taps
//! outside the image are skipped.

use super::activation::{self, Elementwise};
use super::depthwise;
pub use super::grouped::GroupedGeometry;
use super::grouped::IMAGES_PER_SHARD;
use super::parallel;
use super::simd::{self, vectorized};
use crate::error::Result;
use crate::sizes;

/// Reusable buffers of a grouped convolution.
#[derive(Clone, Debug)]
pub struct Scratch(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Depthwise(Box<depthwise::Scratch>),
    /// The gradient of the kernels in each shard of the batch.
    Grouped(Vec<f32>),
}

impl Scratch {
    /// Allocates the buffers.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) if they exceed memory.
    pub fn new(g: &GroupedGeometry) -> Result<Scratch> {
        if g.depthwise() {
            return Ok(Scratch(Kind::Depthwise(Box::new(depthwise::Scratch::new(g)?))));
        }
        let ([rows, columns], shards) = (g.kernel, g.batch.div_ceil(IMAGES_PER_SHARD));
        Ok(Scratch(Kind::Grouped(sizes::zeros(&[shards, rows, columns, g.channels, g.filters, g.groups])?)))
    }
}

/// y = activation(x ∗ w + bias). `w` is rows × columns × channels of a group × all filters.
///
/// # Panics
/// If the length of a slice does not match the geometry.
pub fn forward(
    g: &GroupedGeometry,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    activation: Elementwise,
    y: &mut [f32],
    scratch: &mut Scratch,
) {
    assert_eq!((x.len(), y.len(), w.len()), (g.batch * g.image(), g.batch * g.output_image(), g.weights()));
    if let Kind::Depthwise(scratch) = &mut scratch.0 {
        return depthwise::forward(simd::current(), g, x, w, (bias, activation), y, scratch);
    }
    let level = simd::current();
    parallel::for_each_pair((x, g.image()), (y, g.output_image()), g.nanoseconds(), |_, x, y| {
        forward_image(level, g, x, w, y);
        for y in y.chunks_exact_mut(g.filters * g.groups) {
            activation::finish_row(level, activation, bias.unwrap_or_default(), y);
        }
    });
}

vectorized! {
    /// y = x ∗ w for one image.
    pub(super) fn forward_image<F: Fma>(g: &GroupedGeometry, x: &[f32], w: &[f32], y: &mut [f32]) {
        let all = g.filters * g.groups;
        for (pixel, y) in y.chunks_exact_mut(all).enumerate() {
            y.fill(0.0);
            g.for_each_tap(pixel, |at, tap| {
                for (group, y) in y.chunks_exact_mut(g.filters).enumerate() {
                    for c in 0..g.channels {
                        let x = x[at + group * g.channels + c];
                        let w = &w[tap + c * all + group * g.filters..];
                        y.iter_mut().zip(w).for_each(|(y, w)| *y = F::fma(x, *w, *y));
                    }
                }
            });
            y.iter_mut().for_each(|y| *y += 0.0); // turns −0 into 0, as in every product
        }
    }
}

/// dw = Σ x·dy over images and pixels: each shard of `IMAGES_PER_SHARD` images is one chain, and shards are added in order.
pub fn backward_weight(g: &GroupedGeometry, x: &[f32], dy: &[f32], dw: &mut [f32], scratch: &mut Scratch) {
    let scratch = match &mut scratch.0 {
        Kind::Depthwise(scratch) => return depthwise::backward_weight(simd::current(), g, x, dy, dw, scratch),
        Kind::Grouped(scratch) => scratch,
    };
    let level = simd::current();
    parallel::for_each_chunk(scratch, g.weights(), sizes::work(&[IMAGES_PER_SHARD, g.nanoseconds()]), |shard, dw| {
        let [x, dy] = [(x, g.image()), (dy, g.output_image())].map(|(all, image)| {
            let shard = shard * IMAGES_PER_SHARD * image;
            &all[shard..all.len().min(shard + IMAGES_PER_SHARD * image)]
        });
        weight_of_shard(level, g, x, dy, dw);
    });
    dw.fill(0.0);
    for shard in scratch.chunks_exact(g.weights()) {
        dw.iter_mut().zip(shard).for_each(|(sum, part)| *sum += part);
    }
}

vectorized! {
    /// dw = Σ x·dy over the images of a shard, one chain.
    pub(super) fn weight_of_shard<F: Fma>(g: &GroupedGeometry, x: &[f32], dy: &[f32], dw: &mut [f32]) {
        dw.fill(0.0);
        let all = g.filters * g.groups;
        for (x, dy) in x.chunks_exact(g.image()).zip(dy.chunks_exact(g.output_image())) {
            for (pixel, dy) in dy.chunks_exact(all).enumerate() {
                g.for_each_tap(pixel, |at, tap| {
                    for (group, dy) in dy.chunks_exact(g.filters).enumerate() {
                        for c in 0..g.channels {
                            let x = x[at + group * g.channels + c];
                            let dw = &mut dw[tap + c * all + group * g.filters..];
                            dw.iter_mut().zip(dy).for_each(|(dw, dy)| *dw = F::fma(x, *dy, *dw));
                        }
                    }
                });
            }
        }
    }
}

/// dx = Σ dy·w over the windows that contain an element: one chain over windows in order, and over the filters of each.
pub fn backward_input(g: &GroupedGeometry, dy: &[f32], w: &[f32], dx: &mut [f32], scratch: &mut Scratch) {
    if let Kind::Depthwise(scratch) = &mut scratch.0 {
        return depthwise::backward_input(simd::current(), g, dy, w, dx, scratch);
    }
    let level = simd::current();
    parallel::for_each_pair((dy, g.output_image()), (dx, g.image()), g.nanoseconds(), |_, dy, dx| {
        input_of_image(level, g, dy, w, dx);
    });
}

vectorized! {
    /// dx = Σ dy·w for one image.
    pub(super) fn input_of_image<F: Fma>(g: &GroupedGeometry, dy: &[f32], w: &[f32], dx: &mut [f32]) {
        dx.fill(0.0);
        let all = g.filters * g.groups;
        for (pixel, dy) in dy.chunks_exact(all).enumerate() {
            g.for_each_tap(pixel, |at, tap| {
                for (group, dy) in dy.chunks_exact(g.filters).enumerate() {
                    for c in 0..g.channels {
                        let w = &w[tap + c * all + group * g.filters..];
                        let dx = &mut dx[at + group * g.channels + c];
                        *dx = dy.iter().zip(w).fold(*dx, |sum, (dy, w)| F::fma(*dy, *w, sum));
                    }
                }
            });
        }
        dx.iter_mut().for_each(|dx| *dx += 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{conv2d, samples};

    fn grouped(batch: usize, size: [usize; 2], channels: usize, filters: usize, groups: usize) -> GroupedGeometry {
        let kernel = [3, 2];
        let output = [size[0] - 2, size[1] - 1];
        let (strides, dilation, padding) = ([1, 1], [1, 1], [0, 0]);
        GroupedGeometry { batch, size, channels, filters, groups, kernel, strides, dilation, padding, output }
    }

    /// y, dw and dx, one after the other.
    fn run(g: &GroupedGeometry, x: &[f32], w: &[f32], dy: &[f32]) -> [Vec<f32>; 3] {
        let [mut y, mut dw, mut dx] = [dy, w, x].map(|like| samples::unset(like.len()));
        let mut scratch = Scratch::new(g).unwrap();
        forward(g, x, w, None, Elementwise::Linear, &mut y, &mut scratch);
        backward_weight(g, x, dy, &mut dw, &mut scratch);
        backward_input(g, dy, w, &mut dx, &mut scratch);
        [y, dw, dx]
    }

    fn arrays(g: &GroupedGeometry) -> [Vec<f32>; 3] {
        let lengths = [g.batch * g.image(), g.weights(), g.batch * g.output_image()];
        [0, 1, 2].map(|at| samples::values(at as u64, lengths[at]))
    }

    #[test]
    fn one_group_without_dilation_has_the_bits_of_conv2d() {
        let g = GroupedGeometry { padding: [1, 0], output: [7, 6], ..grouped(35, [7, 7], 3, 5, 1) };
        let [x, w, dy] = arrays(&g);
        let [y, dw, dx] = run(&g, &x, &w, &dy);
        let plain = conv2d::Geometry {
            batch: g.batch,
            height: 7,
            width: 7,
            channels: 3,
            kernel: g.kernel,
            filters: 5,
            strides: [1, 1],
            padding: g.padding,
            output: g.output,
        };
        let mut scratch = conv2d::Scratch::new(&plain, true).unwrap();
        let [mut right_y, mut right_dw, mut right_dx] = [&y, &dw, &dx].map(|like| samples::unset(like.len()));
        conv2d::forward(&plain, &x, &w, None, Elementwise::Linear, &mut right_y, &mut scratch);
        let requested = conv2d::RequestedGradients { dx: Some(&mut right_dx), dw: Some(&mut right_dw), db: None };
        conv2d::backward(&plain, &x, &w, &dy, requested, &mut scratch);
        samples::assert_same_bits(&y, &right_y, "forward");
        samples::assert_same_bits(&dw, &right_dw, "kernels");
        approx::assert_relative_eq!(&dx[..], &right_dx[..], epsilon = 1e-5, max_relative = 1e-5);
    }

    /// Each group computes the convolution of its channels only.
    #[test]
    fn groups_are_independent() {
        let g = GroupedGeometry { dilation: [2, 3], output: [2, 4], ..grouped(2, [6, 7], 2, 3, 4) };
        let [x, w, dy] = arrays(&g);
        let [y, dw, dx] = run(&g, &x, &w, &dy);
        let alone = GroupedGeometry { groups: 1, ..g };
        let part = |all: &[f32], width: usize, group: usize| -> Vec<f32> {
            all.chunks_exact(4 * width).flat_map(|row| &row[group * width..][..width]).copied().collect()
        };
        for group in 0..4 {
            let own = run(&alone, &part(&x, 2, group), &part(&w, 3, group), &part(&dy, 3, group));
            samples::assert_same_bits(&own[0], &part(&y, 3, group), "forward");
            samples::assert_same_bits(&own[1], &part(&dw, 3, group), "kernels");
            samples::assert_same_bits(&own[2], &part(&dx, 2, group), "images");
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads_or_instructions() {
        let g =
            GroupedGeometry { dilation: [2, 2], padding: [2, 1], output: [20, 20], ..grouped(40, [20, 20], 3, 9, 2) };
        let [x, w, dy] = arrays(&g);
        let expected = run(&g, &x, &w, &dy);
        samples::in_pools(|| {
            let found = run(&g, &x, &w, &dy);
            found.iter().zip(&expected).for_each(|(found, right)| samples::assert_same_bits(found, right, "threads"));
        });
        for level in samples::levels() {
            let [mut y, mut dx] = [samples::unset(g.output_image()), samples::unset(g.image())];
            forward_image(level, &g, &x[..g.image()], &w, &mut y);
            input_of_image(level, &g, &dy[..g.output_image()], &w, &mut dx);
            samples::assert_same_bits(&y, &expected[0][..y.len()], "forward");
            samples::assert_same_bits(&dx, &expected[2][..dx.len()], "images");
            let shards = [(&x, g.image()), (&dy, g.output_image())];
            let mut dw = vec![0.0; w.len()];
            for shard in [0..32, 32..40] {
                let [x, dy] = shards.map(|(all, image)| &all[shard.start * image..shard.end * image]);
                let mut part = samples::unset(w.len());
                weight_of_shard(level, &g, x, dy, &mut part);
                dw.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            }
            samples::assert_same_bits(&dw, &expected[1], "kernels");
        }
    }
}
