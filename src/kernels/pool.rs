//! Maximum over windows of an image, and the gradient's way back to the element that was the maximum.

use crate::kernels::simd::{self, vectorized};
use rayon::prelude::*;

/// The sizes of a pooling, checked by the operation that records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolGeometry {
    /// Images in the batch.
    pub batch: usize,
    /// Rows of an input image.
    pub height: usize,
    /// Columns of an input image.
    pub width: usize,
    /// Channels, innermost.
    pub channels: usize,
    /// Rows and columns of a window.
    pub window: [usize; 2],
    /// Rows and columns between windows.
    pub strides: [usize; 2],
    /// Rows and columns of an output image.
    pub output: [usize; 2],
}

impl PoolGeometry {
    fn image(&self) -> usize {
        self.height * self.width * self.channels
    }

    fn pooled(&self) -> usize {
        self.output[0] * self.output[1] * self.channels
    }
}

/// Work, in elements, below which a fork costs more than it gives.
const WORTH_SPLITTING: usize = 1 << 15;

/// y = the maximum of each window; `at` = the first place in the window, row-major, where it stands.
///
/// A NaN counts as larger than any number, so that it is not hidden.
pub fn max_forward(geometry: &PoolGeometry, x: &[f32], y: &mut [f32], at: &mut [u16]) {
    assert_eq!((x.len(), y.len()), (geometry.batch * geometry.image(), geometry.batch * geometry.pooled()));
    assert_eq!(at.len(), y.len());
    let level = simd::current();
    let image = |((x, y), at): ((&[f32], &mut [f32]), &mut [u16])| max_image(level, geometry, x, y, at);
    if x.len() < WORTH_SPLITTING {
        let images = x.chunks(geometry.image()).zip(y.chunks_mut(geometry.pooled()));
        images.zip(at.chunks_mut(geometry.pooled())).for_each(image);
    } else {
        let images = x.par_chunks(geometry.image()).zip(y.par_chunks_mut(geometry.pooled()));
        images.zip(at.par_chunks_mut(geometry.pooled())).for_each(image);
    }
}

/// Channels that are compared at once.
const LANES: usize = 8;

vectorized! {
    /// All windows of one image.
    fn max_image<F: Fma>(geometry: &PoolGeometry, x: &[f32], y: &mut [f32], at: &mut [u16]) {
        let channels = geometry.channels;
        for pixel in 0..geometry.output[0] * geometry.output[1] {
            let corner = corner(geometry, pixel);
            for channel in (0..channels).step_by(LANES) {
                // Where fewer channels are left, the next pixel's come along; their results are overwritten in its turn.
                let (from, to) = (corner + channel, pixel * channels + channel);
                let width = LANES.min(y.len() - to);
                let (most, place) = max_lanes(geometry, x, from);
                y[to..to + width].copy_from_slice(&most[..width]);
                at[to..to + width].copy_from_slice(&place[..width]);
            }
        }
    }
}

/// The maximum of each of eight channels over the window that begins at `corner`, and its place.
#[inline(always)]
fn max_lanes(geometry: &PoolGeometry, x: &[f32], corner: usize) -> ([f32; LANES], [u16; LANES]) {
    let mut most = lanes(&x[corner..]);
    let mut place = [0u32; LANES];
    for tap in 1..geometry.window[0] * geometry.window[1] {
        let x = lanes(&x[corner + offset(geometry, tap)..]);
        for lane in 0..LANES {
            let larger = (x[lane] > most[lane]) | (x[lane].is_nan() & !most[lane].is_nan());
            most[lane] = if larger { x[lane] } else { most[lane] };
            place[lane] = if larger { tap as u32 } else { place[lane] };
        }
    }
    (most, place.map(|place| place as u16))
}

/// The first eight elements, with zeros behind the end.
#[inline(always)]
fn lanes(x: &[f32]) -> [f32; LANES] {
    x.first_chunk().copied().unwrap_or_else(|| {
        let mut lanes = [0.0; LANES];
        lanes[..x.len()].copy_from_slice(x);
        lanes
    })
}

/// dx = dy at the place of each window's maximum, 0 elsewhere; windows that overlap add.
pub fn max_backward(geometry: &PoolGeometry, at: &[u16], dy: &[f32], dx: &mut [f32]) {
    assert_eq!((dx.len(), dy.len()), (geometry.batch * geometry.image(), geometry.batch * geometry.pooled()));
    let image = |((dx, dy), at): ((&mut [f32], &[f32]), &[u16])| max_image_backward(geometry, at, dy, dx);
    if dx.len() < WORTH_SPLITTING {
        let images = dx.chunks_mut(geometry.image()).zip(dy.chunks(geometry.pooled()));
        images.zip(at.chunks(geometry.pooled())).for_each(image);
    } else {
        let images = dx.par_chunks_mut(geometry.image()).zip(dy.par_chunks(geometry.pooled()));
        images.zip(at.par_chunks(geometry.pooled())).for_each(image);
    }
}

fn max_image_backward(geometry: &PoolGeometry, at: &[u16], dy: &[f32], dx: &mut [f32]) {
    dx.fill(0.0);
    let channels = geometry.channels;
    for (pixel, (dy, at)) in dy.chunks_exact(channels).zip(at.chunks_exact(channels)).enumerate() {
        let corner = corner(geometry, pixel);
        for (channel, (dy, at)) in dy.iter().zip(at).enumerate() {
            dx[corner + offset(geometry, usize::from(*at)) + channel] += dy;
        }
    }
}

/// Where the window of output pixel `pixel` begins in its image.
fn corner(geometry: &PoolGeometry, pixel: usize) -> usize {
    let (row, column) = (pixel / geometry.output[1], pixel % geometry.output[1]);
    (row * geometry.strides[0] * geometry.width + column * geometry.strides[1]) * geometry.channels
}

/// How far place `tap` of a window is from its corner.
fn offset(geometry: &PoolGeometry, tap: usize) -> usize {
    (tap / geometry.window[1] * geometry.width + tap % geometry.window[1]) * geometry.channels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry(size: [usize; 3], window: [usize; 2], strides: [usize; 2]) -> PoolGeometry {
        let [height, width, channels] = size;
        let output = [(height - window[0]) / strides[0] + 1, (width - window[1]) / strides[1] + 1];
        PoolGeometry { batch: 2, height, width, channels, window, strides, output }
    }

    fn naive(g: &PoolGeometry, x: &[f32], image: usize, row: usize, column: usize, channel: usize) -> (f32, usize) {
        let mut best = (f32::NEG_INFINITY, 0);
        for r in 0..g.window[0] {
            for c in 0..g.window[1] {
                let (r, c) = (row * g.strides[0] + r, column * g.strides[1] + c);
                let at = ((image * g.height + r) * g.width + c) * g.channels + channel;
                if x[at] > best.0 {
                    best = (x[at], at);
                }
            }
        }
        best
    }

    #[test]
    fn agrees_with_the_plain_loop_over_odd_sizes() {
        for (size, window, strides) in [
            ([5, 7, 3], [2, 2], [2, 2]),
            ([4, 4, 1], [3, 2], [1, 2]),
            ([3, 3, 2], [3, 3], [3, 3]),
            ([6, 5, 17], [2, 3], [1, 1]),
        ] {
            let g = geometry(size, window, strides);
            let x: Vec<f32> = (0..g.batch * g.image()).map(|i| ((i * 7919) % 1009) as f32).collect();
            let (mut y, mut at) = (vec![f32::NAN; g.batch * g.pooled()], vec![9; g.batch * g.pooled()]);
            max_forward(&g, &x, &mut y, &mut at);
            let dy: Vec<f32> = (0..y.len()).map(|i| i as f32 + 1.0).collect();
            let mut dx = vec![f32::NAN; x.len()];
            max_backward(&g, &at, &dy, &mut dx);
            let mut expected = vec![0.0; x.len()];
            for (i, y) in y.iter().enumerate() {
                let (pixel, channel) = (i / g.channels, i % g.channels);
                let (row, column) = (pixel / g.output[1] % g.output[0], pixel % g.output[1]);
                let (value, place) = naive(&g, &x, pixel / g.output[1] / g.output[0], row, column, channel);
                assert_eq!(*y, value);
                expected[place] += dy[i];
            }
            assert_eq!(dx, expected);
        }
    }

    #[test]
    fn the_first_of_equal_maxima_gets_the_gradient_and_nan_is_not_hidden() {
        let g = PoolGeometry { batch: 1, ..geometry([2, 2, 1], [2, 2], [2, 2]) };
        let (mut y, mut at, mut dx) = ([0.0], [9], [f32::NAN; 4]);
        max_forward(&g, &[1.0, 3.0, 3.0, 2.0], &mut y, &mut at);
        max_backward(&g, &at, &[5.0], &mut dx);
        assert_eq!((y, dx), ([3.0], [0.0, 5.0, 0.0, 0.0]));
        max_forward(&g, &[1.0, f32::NAN, 3.0, 2.0], &mut y, &mut at);
        assert!(y[0].is_nan());
    }
}
