//! Convolutions by plain loops, for values too large for the transforms.

use super::tiling::Tiling;
use crate::kernels::simd::vectorized;
use std::ops::Range;

/// Kernels of 3×3 taps, as stored for the forward pass.
#[derive(Clone, Copy)]
pub(super) struct Kernel<'a> {
    pub(super) w: &'a [f32],
    /// Channels of the input of this pass, and of its output.
    pub(super) channels: usize,
    pub(super) filters: usize,
    /// Whether the pass is the gradient of the images: taps are rotated, and input channels are the filters of `w`.
    pub(super) rotated: bool,
}

vectorized! {
    /// Computes a row of tiles, counted through all images.
    pub(super) fn correlate<F: Fma>(
        tiling: &Tiling,
        row: usize,
        x: &[f32],
        kernel: Kernel<'_>,
        bias: Option<&[f32]>,
        y: &mut [f32],
    ) {
        let Kernel { w, channels, filters, rotated } = kernel;
        let (image, row) = (row / tiling.rows(), 2 * (row % tiling.rows()));
        let x = &x[image * tiling.input_image(channels)..];
        let first = row * tiling.output[1];
        y.fill(0.0);
        for_each_pair(tiling, row..tiling.output[0].min(row + 2), |tap, input, output| {
            let (x, y) = (&x[input * channels..][..channels], &mut y[(output - first) * filters..][..filters]);
            let w = &w[if rotated { 8 - tap } else { tap } * channels * filters..][..channels * filters];
            for (c, x) in x.iter().enumerate() {
                for (f, y) in y.iter_mut().enumerate() {
                    let w = if rotated { w[f * channels + c] } else { w[c * filters + f] };
                    *y = F::fma(*x, w, *y);
                }
            }
        });
        for y in y.chunks_exact_mut(filters) {
            for (f, y) in y.iter_mut().enumerate() {
                *y = *y + 0.0 + bias.map_or(0.0, |bias| bias[f]);
            }
        }
    }
}

vectorized! {
    /// Adds the gradient of kernels by an image: `dw[tap, channel, filter] += Σ x·dy` over pixels.
    pub(super) fn add_kernel_gradient<F: Fma>(
        tiling: &Tiling,
        x: &[f32],
        dy: &[f32],
        sizes: [usize; 2],
        dw: &mut [f32],
    ) {
        let [channels, filters] = sizes;
        for_each_pair(tiling, 0..tiling.output[0], |tap, input, output| {
            let (x, dy) = (&x[input * channels..][..channels], &dy[output * filters..][..filters]);
            let dw = dw[tap * channels * filters..].chunks_exact_mut(filters);
            for (x, dw) in x.iter().zip(dw) {
                dw.iter_mut().zip(dy).for_each(|(dw, dy)| *dw = F::fma(*x, *dy, *dw));
            }
        });
    }
}

/// Calls `work(tap, input pixel, output pixel)` for each pixel of some rows of an output image and each tap inside the input
/// image.
#[inline(always)]
fn for_each_pair(tiling: &Tiling, rows: Range<usize>, mut work: impl FnMut(usize, usize, usize)) {
    let ([height, width], [_, columns]) = (tiling.input, tiling.output);
    for pixel in rows.start * columns..rows.end * columns {
        for tap in 0..9 {
            // A row or column before the image wraps around to a large number.
            let row = (pixel / columns + tap / 3).wrapping_sub(tiling.padding[0]);
            let column = (pixel % columns + tap % 3).wrapping_sub(tiling.padding[1]);
            if row < height && column < width {
                work(tap, row * width + column, pixel);
            }
        }
    }
}
