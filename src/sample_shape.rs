//! Shapes of samples whose axes may be open.

use crate::error::Result;
use crate::shape::{MAX_RANK, Shape};
use std::fmt;

/// The shape of one sample of an input or output, without the batch axis. An open axis, written `None`, has a size that may
/// differ from batch to batch, such as the steps of a sequence or the height and width of an image.
///
/// It is created from sizes, or from a tuple or an array with `None`. Displayed as `None × 4`.
///
/// ```
/// use gradus::{SampleShape, Shape};
/// let sequence = SampleShape::from((None, 4));
/// assert_eq!((sequence.to_string().as_str(), sequence.fixed()), ("None × 4", None));
/// assert!(sequence.contains(Shape::from([7, 4])) && !sequence.contains(Shape::from([7, 5])));
/// assert_eq!(SampleShape::from([Some(28), Some(28), None]), SampleShape::from((28, 28, None)));
/// assert_eq!(SampleShape::from([28, 28, 1]).fixed(), Some(Shape::from([28, 28, 1])));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SampleShape {
    rank: u8,
    sizes: [Option<usize>; MAX_RANK],
}

impl SampleShape {
    /// Creates a shape from the sizes of its axes, outermost first. `None` is an open axis.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for more than [`MAX_RANK`] axes.
    pub fn new(sizes: &[Option<usize>]) -> Result<SampleShape> {
        let fixed: Vec<usize> = sizes.iter().map(|size| size.unwrap_or(1)).collect();
        Shape::new(&fixed).map(|_| SampleShape::of(sizes))
    }

    /// The shape with these sizes, at most `MAX_RANK`.
    fn of(sizes: &[Option<usize>]) -> SampleShape {
        let mut shape = SampleShape { rank: sizes.len() as u8, sizes: [Some(1); MAX_RANK] };
        shape.sizes[..sizes.len()].copy_from_slice(sizes);
        shape
    }

    /// The sizes of the axes, outermost first. `None` is an open axis.
    pub fn sizes(&self) -> &[Option<usize>] {
        &self.sizes[..self.rank()]
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        usize::from(self.rank)
    }

    /// The size of the innermost axis: 1 for a scalar, `None` if it is open.
    pub fn last(&self) -> Option<usize> {
        self.sizes().last().copied().unwrap_or(Some(1))
    }

    /// The open axes, ascending.
    pub fn open_axes(&self) -> impl Iterator<Item = usize> + use<> {
        let sizes = self.sizes;
        (0..self.rank()).filter(move |axis| sizes[*axis].is_none())
    }

    /// Whether an axis is open.
    pub fn is_open(&self) -> bool {
        self.open_axes().next().is_some()
    }

    /// The shape if no axis is open, otherwise `None`.
    pub fn fixed(&self) -> Option<Shape> {
        if self.is_open() { None } else { Some(self.with_open_axes(1)) }
    }

    /// The shape in which each open axis has the size `size`.
    ///
    /// ```
    /// use gradus::{SampleShape, Shape};
    /// assert_eq!(SampleShape::from((None, None, 3)).with_open_axes(8), Shape::from([8, 8, 3]));
    /// ```
    pub fn with_open_axes(&self, size: usize) -> Shape {
        let sizes: [usize; MAX_RANK] = self.sizes.map(|axis| axis.unwrap_or(size));
        Shape::new(&sizes[..self.rank()]).unwrap_or(Shape::SCALAR)
    }

    /// Whether a sample of this shape fits: it has the number of axes and the size of each axis that is not open. An open axis
    /// has at least one element.
    pub fn contains(&self, sample: Shape) -> bool {
        let fits = |(size, found): (&Option<usize>, &usize)| size.map_or(*found > 0, |size| size == *found);
        sample.rank() == self.rank() && self.sizes().iter().zip(sample.sizes()).all(fits)
    }

    /// The shape, with an open axis wherever `other` has a different size; `None` if the numbers of axes differ.
    pub(crate) fn joined(mut self, other: Shape) -> Option<SampleShape> {
        if self.rank() != other.rank() {
            return None;
        }
        let sizes = self.sizes.iter_mut().zip(other.sizes());
        sizes.filter(|(size, other)| **size != Some(**other)).for_each(|(size, _)| *size = None);
        Some(self)
    }

    /// The shape with its axes in another order: axis `axes[i]` is axis `i` of the result.
    pub(crate) fn permuted(mut self, axes: &[usize; MAX_RANK]) -> SampleShape {
        let sizes = self.sizes;
        (0..self.rank()).for_each(|axis| self.sizes[axis] = sizes[axes[axis]]);
        self
    }
}

impl From<Shape> for SampleShape {
    fn from(shape: Shape) -> SampleShape {
        let mut sizes = [Some(1); MAX_RANK];
        sizes.iter_mut().zip(shape.sizes()).for_each(|(size, fixed)| *size = Some(*fixed));
        SampleShape::of(&sizes[..shape.rank()])
    }
}

impl From<usize> for SampleShape {
    fn from(size: usize) -> SampleShape {
        SampleShape::from(Shape::from(size))
    }
}

impl<A: Into<Option<usize>>, const N: usize> From<[A; N]> for SampleShape {
    /// Creates a shape of at most [`MAX_RANK`] axes, which is checked at compile time.
    fn from(axes: [A; N]) -> SampleShape {
        const { assert!(N <= MAX_RANK, "a shape has at most six axes") };
        SampleShape::of(&axes.map(Into::into))
    }
}

/// Implements the conversion of tuples, whose elements are sizes or `None`.
macro_rules! from_tuples {
    ($(($($Axis:ident),*);)*) => {
        $(
            impl<$($Axis: Into<Option<usize>>),*> From<($($Axis,)*)> for SampleShape {
                #[allow(non_snake_case)]
                fn from(($($Axis,)*): ($($Axis,)*)) -> SampleShape {
                    SampleShape::of(&[$($Axis.into()),*])
                }
            }
        )*
    };
}

from_tuples! {
    (A);
    (A, B);
    (A, B, C);
    (A, B, C, D);
    (A, B, C, D, E);
}

impl PartialEq<Shape> for SampleShape {
    /// Whether no axis is open and the sizes are equal.
    fn eq(&self, shape: &Shape) -> bool {
        *self == SampleShape::from(*shape)
    }
}

impl fmt::Display for SampleShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rank == 0 {
            return f.write_str("()");
        }
        for (axis, size) in self.sizes().iter().enumerate() {
            f.write_str(if axis == 0 { "" } else { " × " })?;
            match size {
                Some(size) => write!(f, "{size}")?,
                None => f.write_str("None")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for SampleShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SampleShape({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_open_axes_are_written_in_several_ways() {
        let images = SampleShape::new(&[None, None, Some(3)]).unwrap();
        assert_eq!([SampleShape::from((None, None, 3)), [None, None, Some(3)].into()], [images; 2]);
        assert_eq!(images.open_axes().collect::<Vec<_>>(), [0, 1]);
        assert_eq!((images.last(), SampleShape::from((None,)).last(), images.rank()), (Some(3), None, 3));
        assert_eq!(SampleShape::from(Shape::SCALAR).last(), Some(1));
        assert_eq!(SampleShape::from(5), Shape::from([5]));
        assert_ne!(SampleShape::from((None,)), Shape::from([1]));
        assert!(SampleShape::new(&[None; 7]).is_err());
        let texts = [images, Shape::SCALAR.into(), (None,).into()].map(|shape| shape.to_string());
        assert_eq!(texts, ["None × None × 3", "()", "None"]);
    }

    #[test]
    fn joining_opens_the_axes_that_differ() {
        let shape = SampleShape::from([4, 5, 6]);
        assert_eq!(shape.joined(Shape::from([4, 7, 6])), Some(SampleShape::from((4, None, 6))));
        assert_eq!(shape.joined(Shape::from([4, 5, 6])), Some(shape));
        assert_eq!(shape.joined(Shape::from([4, 5])), None);
        assert_eq!(SampleShape::from((None, 2)).permuted(&[1, 0, 2, 3, 4, 5]), SampleShape::from((2, None)));
    }
}
