//! Grouped convolutions by plain loops, for tests.

use super::GroupedGeometry;
use crate::kernels::simd::vectorized;

/// Calls `tap(offset of the pixel's channels, offset of the kernel's channels)` for each tap of output pixel `pixel`
/// inside the image, in the order of the kernel.
#[inline(always)]
fn for_each_tap(g: &GroupedGeometry, pixel: usize, mut tap: impl FnMut(usize, usize)) {
    let at = [pixel / g.output[1], pixel % g.output[1]];
    // The input position of tap `number` along an axis, if it is inside the image.
    let place = |axis: usize, number: usize| {
        let place = at[axis] * g.strides[axis] + number * g.dilation[axis];
        place.checked_sub(g.padding[axis]).filter(|place| *place < g.size[axis])
    };
    for u in 0..g.kernel[0] {
        let Some(row) = place(0, u) else { continue };
        for v in 0..g.kernel[1] {
            let Some(column) = place(1, v) else { continue };
            let x = (row * g.size[1] + column) * g.channels * g.groups;
            tap(x, (u * g.kernel[1] + v) * g.channels * g.filters * g.groups);
        }
    }
}

vectorized! {
    /// y = x ∗ w for one image.
    pub(in crate::kernels) fn forward_image<F: Fma>(g: &GroupedGeometry, x: &[f32], w: &[f32], y: &mut [f32]) {
        let all = g.filters * g.groups;
        for (pixel, y) in y.chunks_exact_mut(all).enumerate() {
            y.fill(0.0);
            for_each_tap(g, pixel, |at, tap| {
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

vectorized! {
    /// dw = Σ x·dy over the images of a shard, one chain.
    pub(in crate::kernels) fn weight_of_shard<F: Fma>(g: &GroupedGeometry, x: &[f32], dy: &[f32], dw: &mut [f32]) {
        dw.fill(0.0);
        let all = g.filters * g.groups;
        for (x, dy) in x.chunks_exact(g.image()).zip(dy.chunks_exact(g.output_image())) {
            for (pixel, dy) in dy.chunks_exact(all).enumerate() {
                for_each_tap(g, pixel, |at, tap| {
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

vectorized! {
    /// dx = Σ dy·w for one image.
    pub(in crate::kernels) fn input_of_image<F: Fma>(g: &GroupedGeometry, dy: &[f32], w: &[f32], dx: &mut [f32]) {
        dx.fill(0.0);
        let all = g.filters * g.groups;
        for (pixel, dy) in dy.chunks_exact(all).enumerate() {
            for_each_tap(g, pixel, |at, tap| {
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
