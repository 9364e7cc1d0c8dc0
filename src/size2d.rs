//! Sizes along the two axes of an image.

/// Two sizes along the rows and columns of an image: those of a window, a stride or a kernel.
///
/// Parameters of type `impl Into<Size2d>` accept one number for both axes, or a pair of rows and columns, as in Keras:
///
/// ```
/// use gradus::{Size2d, layers::Conv2d};
/// Conv2d::new(8, 3).strides(2);
/// Conv2d::new(8, (3, 2)).strides((1, 2));
/// assert_eq!(Size2d::from(3), Size2d::from((3, 3)));
/// assert_eq!(Size2d::from((3, 2)).sizes(), [3, 2]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size2d([usize; 2]);

impl Size2d {
    /// Returns the sizes along rows and columns.
    pub fn sizes(self) -> [usize; 2] {
        self.0
    }
}

impl From<usize> for Size2d {
    fn from(size: usize) -> Size2d {
        Size2d([size; 2])
    }
}

impl From<(usize, usize)> for Size2d {
    fn from((rows, columns): (usize, usize)) -> Size2d {
        Size2d([rows, columns])
    }
}

impl From<[usize; 2]> for Size2d {
    fn from(sizes: [usize; 2]) -> Size2d {
        Size2d(sizes)
    }
}
