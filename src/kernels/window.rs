//! Copies from and to a box within an array.

use crate::shape::{MAX_RANK, Shape};

/// The position of a box in an array.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    array: Shape,
    size: Shape,
    starts: [usize; MAX_RANK],
}

impl Window {
    /// Creates the box of this size that starts at `starts`, one index per axis.
    ///
    /// # Panics
    /// If it is not inside the array.
    pub(crate) fn new(array: Shape, size: Shape, starts: &[usize]) -> Window {
        let inside = |axis: usize| starts[axis] + size.axis(axis) <= array.axis(axis);
        assert!(array.rank() == size.rank() && (0..array.rank()).all(inside), "a box inside an array");
        let mut window = Window { array, size, starts: [0; MAX_RANK] };
        window.starts[..starts.len()].copy_from_slice(starts);
        window
    }

    /// Calls `row(offset in the array, offset in the box)` for each innermost row of the box, in order.
    fn for_each_row(&self, mut row: impl FnMut(usize, usize)) {
        let last = self.size.rank().saturating_sub(1);
        for number in 0..self.size.rows() {
            let (mut rest, mut stride, mut start) = (number, self.array.last(), self.starts[last]);
            for axis in (0..last).rev() {
                start += (self.starts[axis] + rest % self.size.axis(axis)) * stride;
                rest /= self.size.axis(axis);
                stride *= self.array.axis(axis);
            }
            row(start, number * self.size.last());
        }
    }

    /// Copies the elements of the box.
    pub(crate) fn cut(&self, array: &[f32], inside: &mut [f32]) {
        let length = self.size.last();
        self.for_each_row(|from, to| inside[to..to + length].copy_from_slice(&array[from..from + length]));
    }

    /// Fills the array with `around`, and the box with `inside`.
    pub(crate) fn fill(&self, array: &mut [f32], inside: &[f32], around: f32) {
        array.fill(around);
        let length = self.size.last();
        self.for_each_row(|to, from| array[to..to + length].copy_from_slice(&inside[from..from + length]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_copied_out_and_back() {
        let window = Window::new(Shape::from([3, 4]), Shape::from([2, 3]), &[1, 0]);
        let array: Vec<f32> = (0u8..12).map(f32::from).collect();
        let mut inside = [f32::NAN; 6];
        window.cut(&array, &mut inside);
        assert_eq!(inside, [4.0, 5.0, 6.0, 8.0, 9.0, 10.0]);
        let mut back = [f32::NAN; 12];
        window.fill(&mut back, &inside, -1.0);
        assert_eq!(back, [-1.0, -1.0, -1.0, -1.0, 4.0, 5.0, 6.0, -1.0, 8.0, 9.0, 10.0, -1.0]);
    }

    #[test]
    fn a_scalar_is_a_box() {
        let mut inside = [f32::NAN];
        Window::new(Shape::SCALAR, Shape::SCALAR, &[]).cut(&[3.0], &mut inside);
        assert_eq!(inside, [3.0]);
    }
}
