//! Cropping2d: images without their borders.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::padding2d::Padding2d;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Removes rows and columns at the borders of images height × width × channels. Keras' `Cropping2D`.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr3;
    /// let network = Sequential::new([1, 3, 1]).add(Cropping2d::new((0, 1))).add(Flatten);
    /// let image = arr3(&[[[1.0f32], [2.0], [3.0]]]).insert_axis(ndarray::Axis(0));
    /// assert_eq!(network.architecture(1)?.into_model()?.predict(&image)?, ndarray::arr2(&[[2.0f32]]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug)]
    pub struct Cropping2d("Cropping2D") of (cropping: Padding2d);
}

impl Cropping2d {
    /// This many rows and columns on every side: `1`, `(1, 2)` for rows and columns, or `((1, 0), (2, 1))` for rows above and
    /// below and columns to the left and to the right. Keras' default is 0.
    pub fn new(cropping: impl Into<Padding2d>) -> Cropping2d {
        Cropping2d::with_defaults(cropping.into())
    }

    /// The size that is left along an axis, if any.
    fn left(size: usize, [before, after]: [usize; 2]) -> Option<usize> {
        size.checked_sub(before)?.checked_sub(after).filter(|left| *left > 0)
    }
}

impl Layer for Cropping2d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [rows, columns] = self.cropping.sides();
        match inputs {
            [x] if x.rank() == 3 => match (Self::left(x.axis(0), rows), Self::left(x.axis(1), columns)) {
                (Some(height), Some(width)) => Ok(vec![Shape::new(&[height, width, x.axis(2)])?]),
                _ => Err(Error::expected("images that are larger than the cropping")),
            },
            _ => Err(Error::expected("images height × width × channels")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, [[above, below], [left, right]]) = (inputs[0].shape(), self.cropping.sides());
        let size = [x.axis(0), x.axis(1) - above - below, x.axis(2) - left - right, x.axis(3)];
        vec![inputs[0].slice(&[0, above, left, 0], size).without_mask()]
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(Cropping2d::new(1)), Shape::from([3, 4, 2])),
            (Box::new(Cropping2d::new(((1, 0), (0, 2)))), Shape::from([2, 3, 1])),
        ]
    }

    #[test]
    fn images_that_would_vanish_are_refused() {
        for cropping in [2, usize::MAX] {
            assert!(crate::Sequential::new([4, 4, 1]).add(Cropping2d::new(cropping)).summary().is_err());
        }
    }
}
