//! Average pooling over the elements of each window inside the image, and its gradient.

use crate::kernels::parallel;
use crate::kernels::simd::{self, vectorized};
use crate::sizes;
use std::ops::Range;

/// The sizes of a pooling, checked by the operation that records it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    /// Rows and columns of an image.
    pub(crate) size: [usize; 2],
    /// Channels, innermost.
    pub(crate) channels: usize,
    /// Rows and columns of a window.
    pub(crate) window: [usize; 2],
    /// Rows and columns between windows.
    pub(crate) strides: [usize; 2],
    /// Rows and columns of padding before the image.
    pub(crate) padding: [usize; 2],
    /// Rows and columns of a pooled image.
    pub(crate) output: [usize; 2],
}

impl Windows {
    fn image(&self) -> usize {
        self.size[0] * self.size[1] * self.channels
    }

    fn pooled(&self) -> usize {
        self.output[0] * self.output[1] * self.channels
    }

    /// Nanoseconds per image on one thread.
    fn nanoseconds(&self) -> usize {
        sizes::work(&[self.pooled(), self.window[0], self.window[1]]) / 4
    }

    /// The elements along an axis that the window at output position `at` covers.
    #[inline(always)]
    fn covered(&self, axis: usize, at: usize) -> Range<usize> {
        let start = at * self.strides[axis];
        let end = (start + self.window[axis]).saturating_sub(self.padding[axis]).min(self.size[axis]);
        start.saturating_sub(self.padding[axis])..end
    }

    /// Calls `tap(offset of the element's channels)` for each element of a window, row by row. Returns the number of
    /// elements.
    #[inline(always)]
    fn for_each_tap(&self, pixel: usize, mut tap: impl FnMut(usize)) -> usize {
        let rows = self.covered(0, pixel / self.output[1]);
        let columns = self.covered(1, pixel % self.output[1]);
        for row in rows.clone() {
            columns.clone().for_each(|column| tap((row * self.size[1] + column) * self.channels));
        }
        rows.len() * columns.len()
    }
}

/// y = the mean of each window's elements, summed in the order of the window.
pub(crate) fn forward(windows: &Windows, x: &[f32], y: &mut [f32]) {
    let level = simd::current();
    let (image, pooled) = (windows.image(), windows.pooled());
    parallel::for_each_pair((x, image), (y, pooled), windows.nanoseconds(), |_, x, y| {
        forward_image(level, windows, x, y);
    });
}

vectorized! {
    fn forward_image<F: Fma>(windows: &Windows, x: &[f32], y: &mut [f32]) {
        for (pixel, y) in y.chunks_exact_mut(windows.channels).enumerate() {
            y.fill(0.0);
            let count = windows.for_each_tap(pixel, |at| y.iter_mut().zip(&x[at..]).for_each(|(y, x)| *y += x));
            y.iter_mut().for_each(|y| *y /= count as f32);
        }
    }
}

/// dx = Σ dy / elements of the window, over the windows that contain an element, in order.
pub(crate) fn backward(windows: &Windows, dy: &[f32], dx: &mut [f32]) {
    let level = simd::current();
    let (image, pooled) = (windows.image(), windows.pooled());
    parallel::for_each_pair((dy, pooled), (dx, image), windows.nanoseconds(), |_, dy, dx| {
        backward_image(level, windows, dy, dx);
    });
}

vectorized! {
    fn backward_image<F: Fma>(windows: &Windows, dy: &[f32], dx: &mut [f32]) {
        dx.fill(0.0);
        for (pixel, dy) in dy.chunks_exact(windows.channels).enumerate() {
            let count = windows.for_each_tap(pixel, |_| {}) as f32;
            windows.for_each_tap(pixel, |at| dx[at..].iter_mut().zip(dy).for_each(|(dx, dy)| *dx += dy / count));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::samples;

    fn cases() -> [Windows; 4] {
        let windows = |size, channels, window, strides, padding, output| Windows {
            size,
            channels,
            window,
            strides,
            padding,
            output,
        };
        [
            windows([5, 7], 3, [2, 2], [2, 2], [0, 0], [2, 3]),
            windows([5, 7], 9, [3, 2], [2, 1], [1, 0], [3, 7]),
            windows([1, 1], 1, [3, 3], [1, 1], [1, 1], [1, 1]),
            windows([40, 50], 17, [3, 3], [1, 1], [1, 1], [40, 50]),
        ]
    }

    #[test]
    fn means_exclude_the_padding() {
        for g in cases() {
            let x = samples::values(1, 2 * g.image());
            let mut y = samples::unset(2 * g.pooled());
            forward(&g, &x, &mut y);
            for (at, y) in y.iter().enumerate() {
                let (image, pixel, channel) = (at / g.pooled(), at % g.pooled() / g.channels, at % g.channels);
                let (mut sum, mut count) = (0.0, 0);
                for tap in 0..g.window[0] * g.window[1] {
                    let row = pixel / g.output[1] * g.strides[0] + tap / g.window[1];
                    let column = pixel % g.output[1] * g.strides[1] + tap % g.window[1];
                    let [Some(row), Some(column)] = [row.checked_sub(g.padding[0]), column.checked_sub(g.padding[1])]
                    else {
                        continue;
                    };
                    if row < g.size[0] && column < g.size[1] {
                        sum += f64::from(x[image * g.image() + (row * g.size[1] + column) * g.channels + channel]);
                        count += 1;
                    }
                }
                assert!((f64::from(*y) - sum / f64::from(count)).abs() < 1e-6, "{g:?}");
            }
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads_or_instructions() {
        for g in cases() {
            let (x, dy) = (samples::values(1, 5 * g.image()), samples::values(2, 5 * g.pooled()));
            let run = || {
                let [mut y, mut dx] = [samples::unset(dy.len()), samples::unset(x.len())];
                forward(&g, &x, &mut y);
                backward(&g, &dy, &mut dx);
                [y, dx].concat()
            };
            let expected = run();
            samples::in_pools(|| samples::assert_same_bits(&run(), &expected, "threads"));
            for level in samples::levels() {
                let [mut y, mut dx] = [samples::unset(g.pooled()), samples::unset(g.image())];
                forward_image(level, &g, &x[..g.image()], &mut y);
                backward_image(level, &g, &dy[..g.pooled()], &mut dx);
                samples::assert_same_bits(&y, &expected[..y.len()], "means");
                samples::assert_same_bits(&dx, &expected[dy.len()..][..dx.len()], "their gradient");
            }
        }
    }
}
