//! Sizes along the three axes of a volume.

/// Three sizes along the depth, rows and columns of a volume: those of a window, a stride or a kernel.
///
/// Parameters of type `impl Into<Size3d>` accept one number for all axes, or depth, rows and columns, as in Keras:
///
/// ```
/// use gradus::{Size3d, layers::MaxPool3d};
/// MaxPool3d::new(2).strides((1, 2, 2));
/// assert_eq!(Size3d::from(3), Size3d::from((3, 3, 3)));
/// assert_eq!(Size3d::from((1, 3, 2)).sizes(), [1, 3, 2]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size3d([usize; 3]);

impl Size3d {
    /// Returns the sizes along depth, rows and columns.
    pub fn sizes(self) -> [usize; 3] {
        self.0
    }
}

impl From<usize> for Size3d {
    fn from(size: usize) -> Size3d {
        Size3d([size; 3])
    }
}

impl From<(usize, usize, usize)> for Size3d {
    fn from((depth, rows, columns): (usize, usize, usize)) -> Size3d {
        Size3d([depth, rows, columns])
    }
}

impl From<[usize; 3]> for Size3d {
    fn from(sizes: [usize; 3]) -> Size3d {
        Size3d(sizes)
    }
}
