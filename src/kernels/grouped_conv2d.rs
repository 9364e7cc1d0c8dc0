//! Convolution of images (NHWC) with dilation or groups of channels: plain loops, vectorized over filters, for options
//! that the faster kernels of [`conv2d`](super::conv2d) do not support.
//!
//! A sum is one chain of fused multiply-adds over the taps in the order of the kernel (rows, columns, channels). Taps
//! outside the image are skipped.

use crate::error::Result;
use crate::kernels::parallel;
use crate::kernels::simd::{self, vectorized};
use crate::sizes;

/// Images in a shard of a sum over the batch.
const IMAGES_PER_SHARD: usize = 32;

/// The sizes of a convolution, checked by the operation that records it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grouped {
    pub(crate) batch: usize,
    /// Rows and columns of an image.
    pub(crate) size: [usize; 2],
    /// Channels and filters of a group.
    pub(crate) channels: usize,
    pub(crate) filters: usize,
    pub(crate) groups: usize,
    /// Rows and columns of a kernel.
    pub(crate) kernel: [usize; 2],
    pub(crate) strides: [usize; 2],
    pub(crate) dilation: [usize; 2],
    /// Zeros before the first row and column.
    pub(crate) padding: [usize; 2],
    /// Rows and columns of an output image.
    pub(crate) output: [usize; 2],
}

impl Grouped {
    fn image(&self) -> usize {
        self.size[0] * self.size[1] * self.channels * self.groups
    }

    fn output_image(&self) -> usize {
        self.output[0] * self.output[1] * self.filters * self.groups
    }

    fn weights(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.channels * self.filters * self.groups
    }

    /// Nanoseconds per image on one thread.
    fn nanoseconds(&self) -> usize {
        sizes::work(&[self.output_image(), self.kernel[0], self.kernel[1], self.channels]) / 8
    }

    /// Creates buffers for the gradient of the kernels: one array for each shard of the batch.
    ///
    /// # Errors
    /// They exceed memory.
    pub(crate) fn room(&self) -> Result<Vec<f32>> {
        let [rows, columns] = self.kernel;
        let shards = self.batch.div_ceil(IMAGES_PER_SHARD);
        sizes::zeros(&[shards, rows, columns, self.channels, self.filters, self.groups])
    }

    /// Calls `tap(offset of the pixel's channels, offset of the kernel's channels)` for each tap of output pixel
    /// `pixel` inside the image, in the order of the kernel.
    #[inline(always)]
    fn for_each_tap(&self, pixel: usize, mut tap: impl FnMut(usize, usize)) {
        let at = [pixel / self.output[1], pixel % self.output[1]];
        // The position of tap `number` of the kernel along an axis, if inside the image.
        let place = |axis: usize, number: usize| {
            let place = at[axis] * self.strides[axis] + number * self.dilation[axis];
            place.checked_sub(self.padding[axis]).filter(|place| *place < self.size[axis])
        };
        for u in 0..self.kernel[0] {
            let Some(row) = place(0, u) else { continue };
            for v in 0..self.kernel[1] {
                let Some(column) = place(1, v) else { continue };
                let x = (row * self.size[1] + column) * self.channels * self.groups;
                tap(x, (u * self.kernel[1] + v) * self.channels * self.filters * self.groups);
            }
        }
    }
}

/// y = x ∗ w. `w` is rows × columns × channels of a group × all filters.
pub(crate) fn forward(g: &Grouped, x: &[f32], w: &[f32], y: &mut [f32]) {
    assert_eq!((x.len(), y.len(), w.len()), (g.batch * g.image(), g.batch * g.output_image(), g.weights()));
    let level = simd::current();
    parallel::for_each_pair((x, g.image()), (y, g.output_image()), g.nanoseconds(), |_, x, y| {
        forward_image(level, g, x, w, y);
    });
}

vectorized! {
    fn forward_image<F: Fma>(g: &Grouped, x: &[f32], w: &[f32], y: &mut [f32]) {
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
        }
    }
}

/// dw = Σ x·dy over images and pixels. Each shard of a constant number of images is one chain, and shards are added in
/// order.
///
/// `room` is the result of [`Grouped::room`].
pub(crate) fn backward_weight(g: &Grouped, x: &[f32], dy: &[f32], dw: &mut [f32], room: &mut [f32]) {
    let level = simd::current();
    parallel::for_each_chunk(room, g.weights(), sizes::work(&[IMAGES_PER_SHARD, g.nanoseconds()]), |shard, dw| {
        let [x, dy] = [(x, g.image()), (dy, g.output_image())].map(|(all, image)| {
            let shard = shard * IMAGES_PER_SHARD * image;
            &all[shard..all.len().min(shard + IMAGES_PER_SHARD * image)]
        });
        weight_of_shard(level, g, x, dy, dw);
    });
    dw.fill(0.0);
    for shard in room.chunks_exact(g.weights()) {
        dw.iter_mut().zip(shard).for_each(|(sum, part)| *sum += part);
    }
}

vectorized! {
    fn weight_of_shard<F: Fma>(g: &Grouped, x: &[f32], dy: &[f32], dw: &mut [f32]) {
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

/// dx = Σ dy·w over the windows that contain an element: each window is a chain over filters, and windows are added in
/// order.
pub(crate) fn backward_input(g: &Grouped, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    let level = simd::current();
    parallel::for_each_pair((dy, g.output_image()), (dx, g.image()), g.nanoseconds(), |_, dy, dx| {
        input_of_image(level, g, dy, w, dx);
    });
}

vectorized! {
    fn input_of_image<F: Fma>(g: &Grouped, dy: &[f32], w: &[f32], dx: &mut [f32]) {
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::activation::Elementwise;
    use crate::kernels::{conv2d, samples};

    fn grouped(batch: usize, size: [usize; 2], channels: usize, filters: usize, groups: usize) -> Grouped {
        let kernel = [3, 2];
        let output = [size[0] - 2, size[1] - 1];
        let (strides, dilation, padding) = ([1, 1], [1, 1], [0, 0]);
        Grouped { batch, size, channels, filters, groups, kernel, strides, dilation, padding, output }
    }

    /// y, dw and dx, one after the other.
    fn run(g: &Grouped, x: &[f32], w: &[f32], dy: &[f32]) -> [Vec<f32>; 3] {
        let [mut y, mut dw, mut dx] = [dy, w, x].map(|like| samples::unset(like.len()));
        forward(g, x, w, &mut y);
        backward_weight(g, x, dy, &mut dw, &mut g.room().unwrap());
        backward_input(g, dy, w, &mut dx);
        [y, dw, dx]
    }

    fn arrays(g: &Grouped) -> [Vec<f32>; 3] {
        let lengths = [g.batch * g.image(), g.weights(), g.batch * g.output_image()];
        [0, 1, 2].map(|at| samples::values(at as u64, lengths[at]))
    }

    #[test]
    fn one_group_without_dilation_has_the_bits_of_conv2d() {
        let g = Grouped { padding: [1, 0], output: [7, 6], ..grouped(35, [7, 7], 3, 5, 1) };
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
        let wanted = conv2d::Wanted { dx: Some(&mut right_dx), dw: Some(&mut right_dw), db: None };
        conv2d::backward(&plain, &x, &w, &dy, wanted, &mut scratch);
        samples::assert_same_bits(&y, &right_y, "forward");
        samples::assert_same_bits(&dw, &right_dw, "kernels");
        approx::assert_relative_eq!(&dx[..], &right_dx[..], epsilon = 1e-5, max_relative = 1e-5);
    }

    /// Each group computes the convolution of its own channels only.
    #[test]
    fn groups_are_independent() {
        let g = Grouped { dilation: [2, 3], output: [2, 4], ..grouped(2, [6, 7], 2, 3, 4) };
        let [x, w, dy] = arrays(&g);
        let [y, dw, dx] = run(&g, &x, &w, &dy);
        let alone = Grouped { groups: 1, ..g };
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
        let g = Grouped { dilation: [2, 2], padding: [2, 1], output: [20, 20], ..grouped(40, [20, 20], 3, 9, 2) };
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
