//! Maximum over windows of an image, and its gradient.

use crate::kernels::images;
use crate::kernels::parallel;
use crate::kernels::simd::{self, vectorized};

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

/// The side of a window whose size is unknown at compile time.
const ANY: usize = 0;

/// Images per thread.
const IMAGES_PER_PIECE: usize = 8;

impl PoolGeometry {
    /// Nanoseconds of a pass over a part of the batch on one thread.
    fn nanoseconds(&self) -> usize {
        IMAGES_PER_PIECE * self.image() / 10
    }

    /// Whether windows are disjoint.
    fn disjoint(&self) -> bool {
        self.strides[0] >= self.window[0] && self.strides[1] >= self.window[1]
    }

    /// Sets elements that no window writes to 0, or all elements if windows overlap or have gaps.
    fn clear(&self, dx: &mut [f32]) {
        if self.strides != self.window {
            return dx.fill(0.0);
        }
        let (rows, rest) = dx.split_at_mut(self.row(self.output[0], 0));
        rest.fill(0.0);
        let (row, covered) = (self.width * self.channels, self.output[1] * self.step());
        if covered < row {
            rows.chunks_exact_mut(row).for_each(|row| row[covered..].fill(0.0));
        }
    }

    /// Elements between the windows of a row. With one window per row, any stride is possible.
    fn step(&self) -> usize {
        self.strides[1].saturating_mul(self.channels)
    }

    /// Offset in an image of row `below` of the first window in a row of windows.
    fn row(&self, row: usize, below: usize) -> usize {
        (row * self.strides[0] + below) * self.width * self.channels
    }

    /// Offset of position `tap` of a window from its first.
    fn offset(&self, tap: usize) -> usize {
        (tap / self.window[1] * self.width + tap % self.window[1]) * self.channels
    }

    /// Rows and columns of the window, which are known at compile time unless `SIDE` is [`ANY`].
    #[inline(always)]
    fn sides<const SIDE: usize>(&self) -> [usize; 2] {
        if SIDE == ANY { self.window } else { [SIDE; 2] }
    }
}

/// y = the maximum of each window; `at` = its first position in the window, row-major.
///
/// NaN counts as larger than any number, so that it is propagated.
///
/// # Panics
/// If the length of a slice does not match the geometry.
pub fn max_forward(geometry: &PoolGeometry, x: &[f32], y: &mut [f32], at: &mut [u16]) {
    assert_eq!((x.len(), y.len()), (geometry.batch * geometry.image(), geometry.batch * geometry.pooled()));
    assert_eq!(at.len(), y.len());
    let (level, image, pooled) = (simd::current(), geometry.image(), geometry.pooled());
    let piece = |size: usize| IMAGES_PER_PIECE * size;
    images::for_each(
        (x, piece(image)),
        (y, piece(pooled)),
        (at, piece(pooled)),
        geometry.nanoseconds(),
        &|x, y, at| {
            let results = y.chunks_exact_mut(pooled).zip(at.chunks_exact_mut(pooled));
            for (x, (y, at)) in x.chunks_exact(image).zip(results) {
                match (geometry.window == [2, 2], geometry.channels <= 8) {
                    (true, true) => max_image::<8, 2>(level, geometry, x, y, at),
                    (true, false) => max_image::<16, 2>(level, geometry, x, y, at),
                    (false, true) => max_image::<8, ANY>(level, geometry, x, y, at),
                    (false, false) => max_image::<16, ANY>(level, geometry, x, y, at),
                }
            }
        },
    );
}

vectorized! {
    /// Computes all windows of one image, `L` channels at a time.
    fn max_image<F: Fma, const L: usize, const SIDE: usize>(
        geometry: &PoolGeometry,
        x: &[f32],
        y: &mut [f32],
        at: &mut [u16],
    ) {
        let ([rows, columns], channels, step) = (geometry.output, geometry.channels, geometry.step());
        let [height, width] = geometry.sides::<SIDE>();
        let below = geometry.width * channels;
        for row in 0..rows {
            let (x, first) = (&x[geometry.row(row, 0)..], row * columns * channels);
            let (y, at) = (&mut y[first..], &mut at[first..]);
            for channel in lanes_from_the_last::<L>(channels) {
                let (x, y, at) = (&x[channel..], &mut y[channel..], &mut at[channel..]);
                let reach = (height - 1) * below + (width - 1) * channels;
                let fit = columns.min(fitting::<L>(x.len(), reach, step)).min(fitting::<L>(y.len(), 0, channels));
                for column in 0..fit {
                    let (mut most, mut place) = (*lanes::<f32, L>(x, column * step), [0u32; L]);
                    for tap_row in 0..height {
                        for tap_column in 0..width {
                            let tap = tap_row * width + tap_column;
                            if tap > 0 {
                                let from = column * step + tap_row * below + tap_column * channels;
                                replace(&mut most, &mut place, lanes(x, from), tap as u32);
                            }
                        }
                    }
                    *lanes_mut::<f32, L>(y, column * channels) = most;
                    let at: &mut [u16; L] = lanes_mut(at, column * channels);
                    (0..L).for_each(|lane| at[lane] = place[lane] as u16);
                }
                for column in fit..columns {
                    for lane in 0..L.min(channels - channel) {
                        let to = column * channels + lane;
                        (y[to], at[to]) = max_of_window(geometry, &x[column * step + lane..]);
                    }
                }
            }
        }
    }
}

/// Replaces the maximum and its position if `x` is larger.
#[inline(always)]
fn replace<const L: usize>(most: &mut [f32; L], place: &mut [u32; L], x: &[f32; L], tap: u32) {
    for lane in 0..L {
        let larger = is_larger(x[lane], most[lane]);
        most[lane] = if larger { x[lane] } else { most[lane] };
        place[lane] = if larger { tap } else { place[lane] };
    }
}

/// Whether `x` is larger than the maximum, or NaN if the maximum is not.
#[inline(always)]
#[expect(clippy::neg_cmp_op_on_partial_ord, reason = "the negation also covers NaN")]
fn is_larger(x: f32, most: f32) -> bool {
    !(x <= most) & !most.is_nan()
}

/// The maximum of one channel of the window at the start of `x`, and its position.
#[inline(never)]
fn max_of_window(geometry: &PoolGeometry, x: &[f32]) -> (f32, u16) {
    let mut most = (x[0], 0);
    for tap in 1..geometry.window[0] * geometry.window[1] {
        let x = x[geometry.offset(tap)];
        most = if is_larger(x, most.0) { (x, tap as u16) } else { most };
    }
    most
}

/// dx = dy at the position of each window's maximum, 0 elsewhere. Gradients of overlapping windows are added.
///
/// # Panics
/// If the length of a slice does not match the geometry.
pub fn max_backward(geometry: &PoolGeometry, at: &[u16], dy: &[f32], dx: &mut [f32]) {
    assert_eq!((dx.len(), dy.len()), (geometry.batch * geometry.image(), geometry.batch * geometry.pooled()));
    assert_eq!(at.len(), dy.len());
    let (level, image, pooled) = (simd::current(), geometry.image(), geometry.pooled());
    let pieces = ((dy, IMAGES_PER_PIECE * pooled), (dx, IMAGES_PER_PIECE * image));
    parallel::for_each_pair(pieces.0, pieces.1, geometry.nanoseconds(), |number, dy, dx| {
        let at = &at[number * IMAGES_PER_PIECE * pooled..];
        let sources = dy.chunks_exact(pooled).zip(at.chunks_exact(pooled));
        for (dx, (dy, at)) in dx.chunks_exact_mut(image).zip(sources) {
            geometry.clear(dx);
            match (geometry.disjoint(), geometry.window == [2, 2], geometry.channels <= 8) {
                (false, _, _) => add_to_places(geometry, at, dy, dx),
                (true, true, true) => write_windows::<8, 2>(level, geometry, at, dy, dx),
                (true, true, false) => write_windows::<16, 2>(level, geometry, at, dy, dx),
                (true, false, true) => write_windows::<8, ANY>(level, geometry, at, dy, dx),
                (true, false, false) => write_windows::<16, ANY>(level, geometry, at, dy, dx),
            }
        }
    });
}

vectorized! {
    /// Writes every element of every window, row by row of the image, `L` channels at a time.
    fn write_windows<F: Fma, const L: usize, const SIDE: usize>(
        geometry: &PoolGeometry,
        at: &[u16],
        dy: &[f32],
        dx: &mut [f32],
    ) {
        let ([rows, columns], channels, step) = (geometry.output, geometry.channels, geometry.step());
        let [height, width] = geometry.sides::<SIDE>();
        for row in 0..rows {
            let (dy, at) = (&dy[row * columns * channels..], &at[row * columns * channels..]);
            for below in 0..height {
                let dx = &mut dx[geometry.row(row, below)..];
                for channel in lanes_from_the_last::<L>(channels) {
                    let (dy, at, dx) = (&dy[channel..], &at[channel..], &mut dx[channel..]);
                    let counts = first_lanes::<L>(channels - channel);
                    let reach = (width - 1) * channels;
                    let fit = columns.min(fitting::<L>(dx.len(), reach, step)).min(fitting::<L>(dy.len(), 0, channels));
                    for column in 0..fit {
                        let (mut dy, at) = (*lanes::<f32, L>(dy, column * channels), lanes::<u16, L>(at, column * channels));
                        // Adding 0 converts −0 to 0, as for overlapping windows.
                        (0..L).for_each(|lane| dy[lane] = f32::from_bits(dy[lane].to_bits() & counts[lane]) + 0.0);
                        for right in 0..width {
                            let (dx, tap) = (lanes_mut::<f32, L>(dx, column * step + right * channels), below * width + right);
                            write_where(&dy, at, tap as u16, dx);
                        }
                    }
                    for column in fit..columns {
                        for lane in 0..L.min(channels - channel) {
                            let from = column * channels + lane;
                            write_row_of_window(geometry, below, (dy[from], at[from]), &mut dx[column * step + lane..]);
                        }
                    }
                }
            }
        }
    }
}

/// Writes one channel of row `below` of a window near the end of an image, where fewer elements than lanes remain.
#[inline(never)]
fn write_row_of_window(geometry: &PoolGeometry, below: usize, (dy, at): (f32, u16), dx: &mut [f32]) {
    for right in 0..geometry.window[1] {
        let tap = below * geometry.window[1] + right;
        write_where(&[dy + 0.0], &[at], tap as u16, lanes_mut(dx, right * geometry.channels));
    }
}

/// dx = dy in lanes whose maximum is at this position of the window, 0 in the others.
#[inline(always)]
fn write_where<const L: usize>(dy: &[f32; L], at: &[u16; L], tap: u16, dx: &mut [f32; L]) {
    for lane in 0..L {
        dx[lane] = if at[lane] == tap { dy[lane] } else { 0.0 };
    }
}

/// The start of each group of `L` channels, from the last to the first. If fewer channels remain, lanes contain
/// elements of the next pixel, which are written too early and are overwritten later.
#[inline(always)]
fn lanes_from_the_last<const L: usize>(channels: usize) -> impl Iterator<Item = usize> {
    (0..channels.div_ceil(L)).rev().map(|number| number * L)
}

/// The number of times that `reach + L` elements at distances of `step` fit.
#[inline(always)]
fn fitting<const L: usize>(length: usize, reach: usize, step: usize) -> usize {
    length.checked_sub(reach + L).map_or(0, |rest| rest / step + 1)
}

/// `L` elements starting at `from`.
#[inline(always)]
fn lanes<T, const L: usize>(x: &[T], from: usize) -> &[T; L] {
    x[from..].first_chunk().expect("as many elements as lanes")
}

#[inline(always)]
fn lanes_mut<T, const L: usize>(x: &mut [T], from: usize) -> &mut [T; L] {
    x[from..].first_chunk_mut().expect("as many elements as lanes")
}

/// All bits set in the first `width` lanes, none in the others.
#[inline(always)]
fn first_lanes<const L: usize>(width: usize) -> [u32; L] {
    let mut counts = [0; L];
    (0..L).for_each(|lane| counts[lane] = if lane < width { u32::MAX } else { 0 });
    counts
}

/// Adds to the positions of maxima of overlapping windows, one element at a time.
fn add_to_places(geometry: &PoolGeometry, at: &[u16], dy: &[f32], dx: &mut [f32]) {
    let (columns, channels) = (geometry.output[1], geometry.channels);
    for (pixel, (dy, at)) in dy.chunks_exact(channels).zip(at.chunks_exact(channels)).enumerate() {
        let corner = geometry.row(pixel / columns, 0) + pixel % columns * geometry.step();
        for (channel, (dy, at)) in dy.iter().zip(at).enumerate() {
            dx[corner + geometry.offset(usize::from(*at)) + channel] += dy;
        }
    }
}

#[cfg(test)]
mod tests;
