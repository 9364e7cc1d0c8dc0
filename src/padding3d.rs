//! Padding of volumes.

use crate::size3d::Size3d;

/// Planes, rows and columns before and after a volume.
///
/// Parameters of type `impl Into<Padding3d>` accept one number for all sides, three numbers for both sides of each axis, or a
/// pair for each axis, as in Keras:
///
/// ```
/// use gradus::Padding3d;
/// assert_eq!(Padding3d::from(1).sides(), [[1, 1], [1, 1], [1, 1]]);
/// assert_eq!(Padding3d::from((1, 2, 0)).sides(), [[1, 1], [2, 2], [0, 0]]);
/// assert_eq!(Padding3d::from([[1, 0], [2, 1], [0, 3]]).sides(), [[1, 0], [2, 1], [0, 3]]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Padding3d([[usize; 2]; 3]);

impl Padding3d {
    /// Returns the numbers before and after the volume along depth, rows and columns.
    pub fn sides(self) -> [[usize; 2]; 3] {
        self.0
    }
}

impl From<usize> for Padding3d {
    fn from(size: usize) -> Padding3d {
        Padding3d([[size; 2]; 3])
    }
}

impl From<(usize, usize, usize)> for Padding3d {
    fn from(sizes: (usize, usize, usize)) -> Padding3d {
        Padding3d(Size3d::from(sizes).sizes().map(|size| [size; 2]))
    }
}

impl From<[[usize; 2]; 3]> for Padding3d {
    fn from(sides: [[usize; 2]; 3]) -> Padding3d {
        Padding3d(sides)
    }
}
