//! Random rectangles in images.

use crate::random::Draws;

/// A rectangle in an image, in pixels: its borders need not be integers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Box2d {
    /// The first and the last row, and the first and the last column. The last ones are excluded.
    borders: [[f32; 2]; 2],
}

impl Box2d {
    /// Draws the place of a rectangle whose width and height are these parts of those of an image.
    pub(super) fn draw(draws: &mut Draws, [width, height]: [f32; 2], [rows, columns]: [usize; 2]) -> Box2d {
        let mut along = |part: f32, size: usize| {
            let length = part * size as f32;
            let start = draws.uniform() as f32 * (size as f32 - length);
            [start, start + length]
        };
        let x = along(width, columns);
        Box2d { borders: [along(height, rows), x] }
    }

    /// Whether the pixel in this row and column is inside.
    pub(super) fn contains(&self, pixel: [usize; 2]) -> bool {
        let inside = |([start, end], at): (&[f32; 2], usize)| (*start..*end).contains(&(at as f32));
        self.borders.iter().zip(pixel).all(inside)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::tape::Var;

    /// Records 1 for each pixel outside of the rectangle of its image. The first four of the `count` numbers of an image are the
    /// first and the last row, and the first and the last column.
    pub(in crate::layers) fn outside<'r>(x: Var<'r>, numbers: &[f32], count: usize) -> Var<'r> {
        let [rows, height, width] = [0, 1, 2].map(|axis| x.shape().axis(axis));
        let masks = numbers.chunks(count).flat_map(|numbers| {
            let area = Box2d { borders: [[numbers[0], numbers[1]], [numbers[2], numbers[3]]] };
            (0..height * width).map(move |at| f32::from(u8::from(!area.contains([at / width, at % width]))))
        });
        let masks = ndarray::Array::from_shape_vec((rows, height, width, 1), masks.collect()).unwrap();
        x.recorder().constant(&masks)
    }
}
