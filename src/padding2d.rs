//! Padding of images.

use crate::size2d::Size2d;

/// Rows above and below an image, and columns to its left and right.
///
/// Parameters of type `impl Into<Padding2d>` accept one number for all sides, a pair of rows and columns for both sides, or a
/// pair for each axis, as in Keras:
///
/// ```
/// use gradus::Padding2d;
/// assert_eq!(Padding2d::from(1).sides(), [[1, 1], [1, 1]]);
/// assert_eq!(Padding2d::from((1, 2)).sides(), [[1, 1], [2, 2]]);
/// assert_eq!(Padding2d::from(((1, 0), (2, 1))).sides(), [[1, 0], [2, 1]]); // above, below; left, right
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Padding2d([[usize; 2]; 2]);

impl Padding2d {
    /// Returns the rows above and below, and the columns to the left and to the right.
    pub fn sides(self) -> [[usize; 2]; 2] {
        self.0
    }
}

impl From<Size2d> for Padding2d {
    /// The size before and after each axis.
    fn from(size: Size2d) -> Padding2d {
        Padding2d(size.sizes().map(|size| [size; 2]))
    }
}

impl From<usize> for Padding2d {
    fn from(size: usize) -> Padding2d {
        Size2d::from(size).into()
    }
}

impl From<(usize, usize)> for Padding2d {
    fn from(sizes: (usize, usize)) -> Padding2d {
        Size2d::from(sizes).into()
    }
}

impl From<[usize; 2]> for Padding2d {
    fn from(sizes: [usize; 2]) -> Padding2d {
        Size2d::from(sizes).into()
    }
}

impl From<((usize, usize), (usize, usize))> for Padding2d {
    fn from(((above, below), (left, right)): ((usize, usize), (usize, usize))) -> Padding2d {
        Padding2d([[above, below], [left, right]])
    }
}

impl From<[[usize; 2]; 2]> for Padding2d {
    fn from(sides: [[usize; 2]; 2]) -> Padding2d {
        Padding2d(sides)
    }
}
