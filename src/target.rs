//! The type and shape of the target of a row.

use crate::shape::Shape;
use std::fmt;

/// The type and shape of the target of one row of a dataset.
///
/// In [`Arrays`](crate::data::Arrays), integers are labels and floats are values.
///
/// ```
/// use gradus::{Shape, data::Target};
/// assert_eq!(Target::LABEL, Target::Labels(Shape::SCALAR));
/// assert_eq!(Target::Labels(Shape::from([8, 6])).to_string(), "integer labels of shape 8 × 6 per row");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// Integer class labels of this shape per row, stored as floats: one label per row ([`LABEL`](Target::LABEL)), or one for
    /// each position, such as each pixel. Exact up to 2²⁴ classes.
    Labels(Shape),
    /// Floats of this shape per row, such as a one-hot row.
    Values(Shape),
}

impl Target {
    /// One integer class label per row.
    pub const LABEL: Target = Target::Labels(Shape::SCALAR);

    /// The number of floats in the target of a row.
    pub fn len(&self) -> usize {
        self.shape().len()
    }

    /// The shape of the target of a row. A single label has no axes.
    pub fn shape(&self) -> Shape {
        match self {
            Target::Labels(shape) | Target::Values(shape) => *shape,
        }
    }

    /// Whether the target of a row has no floats.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for Target {
    /// Writes `one integer label per row`, or `numbers of shape 3 per row`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Labels(shape) if shape.rank() == 0 => f.write_str("one integer label per row"),
            Target::Labels(shape) => write!(f, "integer labels of shape {shape} per row"),
            Target::Values(shape) if shape.rank() == 0 => f.write_str("one number per row"),
            Target::Values(shape) => write!(f, "numbers of shape {shape} per row"),
        }
    }
}
