//! Axes of an array, as an option of parts.

use crate::error::{Error, Result};
use crate::shape::Shape;

/// One or several axes of an array. Negative numbers count from the last axis, −1.
///
/// Parameters of type `impl Into<Axes>` accept one number or several, as in Keras:
///
/// ```
/// use gradus::{Axes, constraints::UnitNorm};
/// UnitNorm::new().axis(-1);
/// UnitNorm::new().axis([0, 1, 2]);
/// assert_eq!(Axes::from([0, -1]).numbers(), [0, -1]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Axes(Vec<isize>);

impl Axes {
    /// Returns the numbers of the axes.
    pub fn numbers(&self) -> &[isize] {
        &self.0
    }

    /// Returns the indices of the axes in an array of this shape, in ascending order.
    ///
    /// # Errors
    /// An axis that does not exist, an axis that occurs twice, and no axis.
    pub(crate) fn indices(&self, shape: Shape) -> Result<Vec<usize>> {
        let mut indices = Vec::new();
        for axis in &self.0 {
            let index = if *axis < 0 { axis.checked_add_unsigned(shape.rank()) } else { Some(*axis) };
            match index.and_then(|index| usize::try_from(index).ok()).filter(|index| *index < shape.rank()) {
                Some(index) if !indices.contains(&index) => indices.push(index),
                Some(_) => return Err(Error::expected(format!("each axis once, but axis {axis} occurs twice"))),
                None => return Err(Error::expected(format!("an array with an axis {axis}"))),
            }
        }
        indices.sort_unstable();
        if indices.is_empty() { Err(Error::expected("at least one axis")) } else { Ok(indices) }
    }
}

impl From<isize> for Axes {
    fn from(axis: isize) -> Axes {
        Axes(vec![axis])
    }
}

impl<const N: usize> From<[isize; N]> for Axes {
    fn from(axes: [isize; N]) -> Axes {
        Axes(axes.to_vec())
    }
}

impl From<Vec<isize>> for Axes {
    fn from(axes: Vec<isize>) -> Axes {
        Axes(axes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_counted_from_the_start_or_the_end_and_occur_once() {
        let shape = Shape::from([2, 3, 4]);
        assert_eq!(Axes::from([-1, 0]).indices(shape).unwrap(), [0, 2]);
        let message = |axes: Axes| axes.indices(shape).unwrap_err().at(|| "here".into(), &[]).to_string();
        assert!(message(Axes::from(3)).contains("an array with an axis 3"));
        assert!(message(Axes::from(isize::MIN)).contains("an array with an axis"));
        assert!(message(Axes::from([1, -2])).contains("axis -2 occurs twice"));
        assert!(message(Axes::from([])).contains("at least one axis"));
    }
}
