//! Images sampled at other positions: each pixel of the output is a weighted sum of at most four pixels of the input.
//!
//! Images are rows × columns × channels. Threads share out whole images, so that no two of them add to one gradient.

use crate::kernels::parallel;
use crate::sizes;

/// The values of positions outside an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FillMode {
    /// One value.
    Constant,
    /// The image mirrored at its border: `d c b a | a b c d | d c b a`.
    Reflect,
    /// The image repeated: `a b c d | a b c d | a b c d`.
    Wrap,
    /// The nearest pixel: `a a a a | a b c d | d d d d`.
    Nearest,
}

/// The pixels of which one pixel of the output is a sum: their indices, or `None` outside the image, and their weights.
pub(crate) type Terms = ([(Option<usize>, f32); 4], usize);

/// The sizes of images, and the value outside of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sampling {
    /// Rows and columns of the input.
    pub(crate) from: [usize; 2],
    /// Rows and columns of the output.
    pub(crate) to: [usize; 2],
    pub(crate) channels: usize,
    pub(crate) fill_value: f32,
}

/// Nanoseconds for the position and the terms of a pixel, and for a channel of a term.
const NANOSECONDS: [usize; 2] = [20, 2];

impl Sampling {
    fn lengths(&self) -> [usize; 2] {
        [self.from, self.to].map(|[rows, columns]| rows * columns * self.channels)
    }

    fn work(&self) -> usize {
        sizes::work(&[self.to[0], self.to[1], NANOSECONDS[0] + 4 * NANOSECONDS[1] * self.channels])
    }

    /// y = Σ weight · x over the terms of each pixel of the output. `terms` takes the number of the image, and the row and the
    /// column of the pixel.
    pub(crate) fn forward(&self, x: &[f32], y: &mut [f32], terms: impl Fn(usize, [usize; 2]) -> Terms + Sync) {
        let ([of_x, of_y], channels) = (self.lengths(), self.channels);
        parallel::for_each_pair((x, of_x), (y, of_y), self.work(), |image, x, y| {
            for (pixel, y) in y.chunks_exact_mut(channels).enumerate() {
                let (terms, count) = terms(image, [pixel / self.to[1], pixel % self.to[1]]);
                y.fill(0.0);
                for (from, weight) in &terms[..count] {
                    match from {
                        Some(from) => {
                            y.iter_mut().zip(&x[from * channels..]).for_each(|(y, x)| *y += weight * x);
                        }
                        None => y.iter_mut().for_each(|y| *y += weight * self.fill_value),
                    }
                }
            }
        });
    }

    /// dx = Σ weight · dy over the pixels of the output of which an element is a term.
    pub(crate) fn backward(&self, dy: &[f32], dx: &mut [f32], terms: impl Fn(usize, [usize; 2]) -> Terms + Sync) {
        let ([of_x, of_y], channels) = (self.lengths(), self.channels);
        parallel::for_each_pair((dy, of_y), (dx, of_x), self.work(), |image, dy, dx| {
            dx.fill(0.0);
            for (pixel, dy) in dy.chunks_exact(channels).enumerate() {
                let (terms, count) = terms(image, [pixel / self.to[1], pixel % self.to[1]]);
                for (from, weight) in &terms[..count] {
                    if let Some(from) = from {
                        dx[from * channels..].iter_mut().zip(dy).for_each(|(dx, dy)| *dx += weight * dy);
                    }
                }
            }
        });
    }
}

/// The position that a projective transform has for a pixel of the output; `None` at infinity. The transform is
/// a₀, a₁, a₂, b₀, b₁, b₂, c₀, c₁: x = (a₀·x′ + a₁·y′ + a₂) / k and y = (b₀·x′ + b₁·y′ + b₂) / k with k = c₀·x′ + c₁·y′ + 1.
pub(crate) fn transformed(transform: &[f32], [row, column]: [usize; 2]) -> Option<[f32; 2]> {
    let (y, x) = (row as f32, column as f32);
    let k = transform[6] * x + transform[7] * y + 1.0;
    let along = |at: usize| (transform[at] * x + transform[at + 1] * y + transform[at + 2]) / k;
    (k != 0.0).then(|| [along(3), along(0)])
}

/// Moves a position along an axis of `size` pixels into the image, as TensorFlow does before it interpolates.
pub(crate) fn moved(position: f32, size: usize, fill: FillMode) -> f32 {
    let (length, last) = (size as f32, size.saturating_sub(1) as f32);
    let inside = match fill {
        FillMode::Constant => return position,
        FillMode::Nearest => position,
        FillMode::Reflect | FillMode::Wrap if size <= 1 && !(position >= 0.0 && position <= last) => 0.0,
        FillMode::Reflect if position < 0.0 => {
            let period = 2.0 * length;
            let near = period * (-position / period).floor() + position;
            if near < -length { near + period } else { -near - 1.0 }
        }
        FillMode::Reflect if position > last => {
            let near = position - 2.0 * length * (position / (2.0 * length)).floor();
            if near >= length { 2.0 * length - near - 1.0 } else { near }
        }
        FillMode::Wrap if position < 0.0 => position + length * ((-position / last).floor() + 1.0),
        FillMode::Wrap if position > last => position - length * (position / last).floor(),
        FillMode::Reflect | FillMode::Wrap => position,
    };
    inside.clamp(0.0, last)
}

/// Moves the index of a pixel along an axis of `size` pixels into the image, as Keras does after it interpolates; `None` outside
/// of it.
pub(crate) fn moved_index(index: i64, size: usize, fill: FillMode) -> Option<usize> {
    let size = size as i64;
    let inside = match fill {
        FillMode::Constant => index,
        FillMode::Nearest => index.clamp(0, size - 1),
        FillMode::Wrap => index.rem_euclid(size),
        FillMode::Reflect => {
            let near = index.abs().rem_euclid(2 * size);
            if near < size { near } else { 2 * size - near - 1 }
        }
    };
    usize::try_from(inside).ok().filter(|inside| *inside < size as usize)
}

/// The pixel nearest to a position, halves away from 0; `index` gives the index of a pixel along an axis.
pub(crate) fn nearest(
    [y, x]: [f32; 2],
    columns: usize,
    index: impl Fn(usize, f32) -> Option<usize>,
    round: impl Fn(f32) -> f32,
) -> Terms {
    let pixel = pair(index(0, round(y)), index(1, round(x)), columns);
    ([(pixel, 1.0), (None, 0.0), (None, 0.0), (None, 0.0)], 1)
}

/// The four pixels around a position; `index` gives the index of a pixel along an axis.
pub(crate) fn bilinear([y, x]: [f32; 2], columns: usize, index: impl Fn(usize, f32) -> Option<usize>) -> Terms {
    let (top, left) = (y.floor(), x.floor());
    let rows = [(index(0, top), top + 1.0 - y), (index(0, top + 1.0), y - top)];
    let sides = [(index(1, left), left + 1.0 - x), (index(1, left + 1.0), x - left)];
    let term = |at: usize| {
        let ((row, height), (column, width)) = (rows[at / 2], sides[at % 2]);
        (pair(row, column, columns), height * width)
    };
    (std::array::from_fn(term), 4)
}

/// The index of the pixel in a row and a column.
fn pair(row: Option<usize>, column: Option<usize>, columns: usize) -> Option<usize> {
    Some(row? * columns + column?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_outside_are_moved_into_the_image() {
        let at =
            |fill: FillMode| [-5.0, -4.0, -1.0, -0.5, 0.0, 3.0, 3.5, 4.0, 9.0].map(|position| moved(position, 4, fill));
        assert_eq!(at(FillMode::Constant), [-5.0, -4.0, -1.0, -0.5, 0.0, 3.0, 3.5, 4.0, 9.0]);
        assert_eq!(at(FillMode::Nearest), [0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 3.0, 3.0, 3.0]);
        assert_eq!(at(FillMode::Reflect), [3.0, 3.0, 0.0, 0.0, 0.0, 3.0, 3.0, 3.0, 1.0]);
        assert_eq!(at(FillMode::Wrap), [3.0, 3.0, 3.0, 3.0, 0.0, 3.0, 0.0, 0.0, 0.0]);
        assert_eq!(moved(f32::MAX, 1, FillMode::Wrap), 0.0);
    }

    #[test]
    fn indices_outside_are_moved_into_the_image() {
        let at = |fill: FillMode| [-5, -1, 0, 3, 4, 9].map(|index| moved_index(index, 4, fill));
        assert_eq!(at(FillMode::Constant), [None, None, Some(0), Some(3), None, None]);
        assert_eq!(at(FillMode::Nearest), [0, 0, 0, 3, 3, 3].map(Some));
        assert_eq!(at(FillMode::Wrap), [3, 3, 0, 3, 0, 1].map(Some));
        assert_eq!(at(FillMode::Reflect), [2, 1, 0, 3, 3, 1].map(Some));
    }
}
