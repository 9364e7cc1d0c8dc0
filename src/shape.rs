//! The sizes of an array's axes, row-major, channels last.

use crate::error::{Error, Result};
use std::fmt;
use std::ops::Deref;

/// The most axes an array may have, the batch axis included.
pub const MAX_RANK: usize = 6;

/// The sizes of an array's axes, outermost first.
///
/// Small and `Copy`; prints as `64 × 28 × 28 × 1`.
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

    /// A shape with these axes, outermost first.
    ///
    /// # Errors
    /// More than [`MAX_RANK`] axes.
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

    /// The axes' sizes, outermost first.
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

    /// The number of elements; `usize::MAX` where it does not fit.
    pub fn len(&self) -> usize {
        if self.sizes().contains(&0) {
            return 0;
        }
        self.sizes().iter().fold(1, |product: usize, &size| product.saturating_mul(size))
    }

    /// Whether an axis has size 0, so that there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of rows when the array is seen as a matrix whose columns are the innermost axis.
    pub fn rows(&self) -> usize {
        Shape::new(&self.sizes()[..self.rank().saturating_sub(1)]).map_or(1, |outer| outer.len())
    }

    /// The position along the outermost axis of the element at `position`, row-major; 0 where there is no such axis.
    pub(crate) fn row_of(&self, position: usize) -> usize {
        if self.rank() == 0 { 0 } else { position / self.sample().len().max(1) }
    }

    /// This shape with a new outermost axis: `n` samples of it.
    ///
    /// # Errors
    /// More than [`MAX_RANK`] axes.
    pub fn batch(&self, n: usize) -> Result<Shape> {
        let mut sizes = vec![n];
        sizes.extend_from_slice(self.sizes());
        Shape::new(&sizes)
    }

    /// This shape without its outermost axis: one sample of a batch.
    #[must_use]
    pub fn sample(&self) -> Shape {
        Shape::new(self.sizes().get(1..).unwrap_or(&[])).unwrap_or(Shape::SCALAR)
    }

    /// The shape to which both broadcast by NumPy's rule: aligned at the innermost axis, sizes are equal or one of them is 1.
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

    /// This shape with another size along axis `axis`; unchanged where it has no such axis.
    pub(crate) fn with_axis(mut self, axis: usize, size: usize) -> Shape {
        if axis < self.rank() {
            self.sizes[axis] = size;
        }
        self
    }

    /// The size of an axis, counted from the last, which is 1; 1 beyond the first axis.
    pub(crate) fn back(&self, place: usize) -> usize {
        if place > self.rank() { 1 } else { self.sizes[self.rank() - place] }
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    /// At most [`MAX_RANK`] axes, checked when compiling.
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

/// A shape over a slice: an array that somebody else owns. Dereferences to its elements, row-major.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    shape: Shape,
    data: &'a [f32],
}

impl<'a> View<'a> {
    /// A slice seen as an array of this shape, row-major.
    ///
    /// # Panics
    /// When the slice has another length than the shape.
    pub fn new(shape: Shape, data: &'a [f32]) -> View<'a> {
        assert_eq!(shape.len(), data.len(), "a view of {shape} over a slice of another length");
        View { shape, data }
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The elements, row-major, for as long as the array lives.
    pub fn data(&self) -> &'a [f32] {
        self.data
    }

    /// Each sample of the first axis in turn, as a batch of one.
    pub(crate) fn samples(&self) -> impl Iterator<Item = View<'a>> + use<'a> {
        let View { mut shape, data } = *self;
        shape.sizes[0] = 1;
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
    fn accessors_are_total() {
        assert_eq!(Shape::SCALAR.len(), 1);
        assert_eq!(Shape::SCALAR.last(), 1);
        assert_eq!(Shape::SCALAR.axis(9), 1);
        assert_eq!(Shape::SCALAR.sample(), Shape::SCALAR);
        assert_eq!(Shape::from([usize::MAX, 2]).len(), usize::MAX);
        assert_eq!(Shape::from([usize::MAX, 2, 0]).len(), 0);
        assert_eq!(Shape::from([3, 4, 5]).rows(), 12);
    }

    #[test]
    fn seven_axes_are_refused() {
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
