//! Shapes and views of arrays: row-major, channels last.

use crate::error::{Error, Result};
use std::fmt;
use std::ops::Deref;

/// Maximum number of axes of an array, including the batch axis.
pub const MAX_RANK: usize = 6;

/// The shape of an array: the sizes of its axes, outermost first. Displayed as `64 × 28 × 28 × 1`.
///
/// ```
/// use gradus::Shape;
/// let shape = Shape::from([64, 28, 28, 1]);
/// assert_eq!(shape.to_string(), "64 × 28 × 28 × 1");
/// assert_eq!((shape.rank(), shape.len(), shape.last()), (4, 50_176, 1));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    rank: u8,
    sizes: [usize; MAX_RANK],
}

impl Shape {
    /// The shape of a single number: no axes, one element.
    pub const SCALAR: Shape = Shape { rank: 0, sizes: [1; MAX_RANK] };

    /// Creates a shape from the sizes of its axes, outermost first.
    ///
    /// # Errors
    /// [`Error::Shape`] for more than [`MAX_RANK`] axes.
    pub fn new(sizes: &[usize]) -> Result<Shape> {
        if sizes.len() > MAX_RANK {
            let expected = format!("at most {MAX_RANK} axes, found {}: {sizes:?}", sizes.len());
            return Err(Error::expected(expected));
        }
        let mut shape = Shape::SCALAR;
        shape.rank = sizes.len() as u8;
        shape.sizes[..sizes.len()].copy_from_slice(sizes);
        Ok(shape)
    }

    /// The sizes of the axes, outermost first.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes[..usize::from(self.rank)]
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        usize::from(self.rank)
    }

    /// The size of axis `axis`; 1 for an axis that the shape does not have.
    pub fn axis(&self, axis: usize) -> usize {
        self.sizes.get(axis).copied().unwrap_or(1)
    }

    /// The size of the innermost axis; 1 for a scalar.
    pub fn last(&self) -> usize {
        self.sizes().last().copied().unwrap_or(1)
    }

    /// The number of elements; `usize::MAX` if it overflows.
    pub fn len(&self) -> usize {
        if self.sizes().contains(&0) {
            return 0;
        }
        self.sizes().iter().fold(1, |product: usize, &size| product.saturating_mul(size))
    }

    /// Whether the array has no elements, because an axis has size 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of rows of the array as a matrix whose columns are the innermost axis.
    pub fn rows(&self) -> usize {
        Shape::new(&self.sizes()[..self.rank().saturating_sub(1)]).map_or(1, |outer| outer.len())
    }

    /// The index along the outermost axis of the element at `position`, row-major; 0 for a scalar.
    pub(crate) fn row_of(&self, position: usize) -> usize {
        if self.rank() == 0 { 0 } else { position / self.sample().len().max(1) }
    }

    /// The shape of a batch of `n` samples of this shape.
    ///
    /// # Errors
    /// [`Error::Shape`] for more than [`MAX_RANK`] axes.
    pub fn batch(&self, n: usize) -> Result<Shape> {
        let mut sizes = vec![n];
        sizes.extend_from_slice(self.sizes());
        Shape::new(&sizes)
    }

    /// The shape of one sample of a batch: this shape without its outermost axis.
    #[must_use]
    pub fn sample(&self) -> Shape {
        Shape::new(self.sizes().get(1..).unwrap_or(&[])).unwrap_or(Shape::SCALAR)
    }

    /// The shape to which both shapes broadcast by NumPy's rule: aligned at the innermost axis, sizes are equal or one of
    /// them is 1. `None` if they do not broadcast.
    ///
    /// ```
    /// use gradus::Shape;
    /// assert_eq!(Shape::from([8, 1]).broadcast(&Shape::from([3])), Some(Shape::from([8, 3])));
    /// assert_eq!(Shape::from([8, 2]).broadcast(&Shape::from([3])), None);
    /// ```
    pub fn broadcast(&self, other: &Shape) -> Option<Shape> {
        let rank = self.rank().max(other.rank());
        let mut sizes = [1; MAX_RANK];
        for place in 1..=rank {
            let (a, b) = (self.back(place), other.back(place));
            sizes[rank - place] = match (a, b) {
                (a, b) if a == b => a,
                (1, b) => b,
                (a, 1) => a,
                _ => return None,
            };
        }
        Shape::new(&sizes[..rank]).ok()
    }

    /// This shape with another size of axis `axis`; unchanged if it has no such axis.
    pub(crate) fn with_axis(mut self, axis: usize, size: usize) -> Shape {
        if axis < self.rank() {
            self.sizes[axis] = size;
        }
        self
    }

    /// This shape with size 1 along its first `axes` axes.
    pub(crate) fn without_sizes(mut self, axes: usize) -> Shape {
        let axes = axes.min(self.rank());
        self.sizes[..axes].fill(1);
        self
    }

    /// The size of an axis counted from the last, whose number is 1. Axes that the shape does not have are of size 1.
    pub(crate) fn back(&self, place: usize) -> usize {
        if place > self.rank() { 1 } else { self.sizes[self.rank() - place] }
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    /// Creates a shape of at most [`MAX_RANK`] axes, which is checked at compile time.
    fn from(sizes: [usize; N]) -> Shape {
        const { assert!(N <= MAX_RANK, "a shape has at most six axes") };
        let mut shape = Shape::SCALAR;
        shape.rank = N as u8;
        shape.sizes[..N].copy_from_slice(&sizes);
        shape
    }
}

impl From<usize> for Shape {
    fn from(size: usize) -> Shape {
        Shape::from([size])
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rank == 0 {
            return f.write_str("()");
        }
        for (axis, size) in self.sizes().iter().enumerate() {
            write!(f, "{}{size}", if axis == 0 { "" } else { " × " })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shape({self})")
    }
}

/// A borrowed array: a shape and a slice of elements, row-major. Dereferences to the elements.
///
/// ```
/// use gradus::{Shape, View};
/// let view = View::new(Shape::from([2, 3]), &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// assert_eq!((view.shape().rows(), view[4]), (2, 5.0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    shape: Shape,
    data: &'a [f32],
}

impl<'a> View<'a> {
    /// Creates a view of a slice with this shape, row-major.
    ///
    /// # Panics
    /// When the length of the slice is not the number of elements of the shape.
    pub fn new(shape: Shape, data: &'a [f32]) -> View<'a> {
        assert_eq!(shape.len(), data.len(), "a view of {shape} over a slice of another length");
        View { shape, data }
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The elements, row-major, with the lifetime of the borrowed array.
    pub fn data(&self) -> &'a [f32] {
        self.data
    }

    /// The parts along the leading axes, each with size 1 along these axes: for one axis, each sample as a batch of one.
    pub(crate) fn parts(&self, axes: usize) -> impl Iterator<Item = View<'a>> + use<'a> {
        let View { shape, data } = *self;
        let shape = shape.without_sizes(axes);
        data.chunks_exact(shape.len().max(1)).map(move |data| View { shape, data })
    }
}

impl Deref for View<'_> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accessors_do_not_panic() {
        assert_eq!(Shape::SCALAR.len(), 1);
        assert_eq!(Shape::SCALAR.last(), 1);
        assert_eq!(Shape::SCALAR.axis(9), 1);
        assert_eq!(Shape::SCALAR.sample(), Shape::SCALAR);
        assert_eq!(Shape::from([usize::MAX, 2]).len(), usize::MAX);
        assert_eq!(Shape::from([usize::MAX, 2, 0]).len(), 0);
        assert_eq!(Shape::from([3, 4, 5]).rows(), 12);
    }

    #[test]
    fn seven_axes_are_rejected() {
        let error = Shape::new(&[1; 7]).unwrap_err();
        assert!(error.to_string().contains("at most 6 axes, found 7"), "{error}");
        assert!(Shape::from([1; 6]).batch(2).is_err());
    }

    #[test]
    fn broadcasting_follows_numpy() {
        let broadcast = |a: &[usize], b: &[usize]| Shape::new(a).unwrap().broadcast(&Shape::new(b).unwrap());
        assert_eq!(broadcast(&[2, 3], &[3]), Some(Shape::from([2, 3])));
        assert_eq!(broadcast(&[2, 1, 3], &[4, 1]), Some(Shape::from([2, 4, 3])));
        assert_eq!(broadcast(&[], &[2, 2]), Some(Shape::from([2, 2])));
        assert_eq!(broadcast(&[2, 3], &[2]), None);
    }
}
