//! ZeroPadding2d: zeros around an image.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::ops;
use crate::padding2d::Padding2d;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Adds rows and columns of zeros around an image. `ZeroPadding2D` in Keras.
    ///
    /// Inputs are images height × width × channels; outputs are (top + height + bottom) × (left + width + right) × channels.
    /// Images have channels last; `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::ZeroPadding2d};
    /// let model = Sequential::new([4, 4, 1]).add(ZeroPadding2d::new(((1, 0), (2, 3)))).architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([5, 9, 1])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) if the input is no image, and
    /// [`Error::TooLarge`](crate::Error::TooLarge) if the output does not fit in memory.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct ZeroPadding2d("ZeroPadding2D") of (padding: Padding2d);
}

impl Default for ZeroPadding2d {
    /// One row or column on each side, as in Keras.
    fn default() -> ZeroPadding2d {
        ZeroPadding2d::new(1)
    }
}

impl ZeroPadding2d {
    /// Creates the layer for numbers of rows and columns: `1` for each side, `(rows, columns)` for both sides of each axis, or
    /// `((top, bottom), (left, right))`.
    pub fn new(padding: impl Into<Padding2d>) -> ZeroPadding2d {
        ZeroPadding2d::with_defaults(padding.into())
    }

    /// The padding before and after each axis of a batch or of a sample.
    fn around<const N: usize>(&self) -> [[usize; 2]; N] {
        let mut around = [[0; 2]; N];
        around[N - 3..N - 1].copy_from_slice(&self.padding.sides());
        around
    }
}

impl Layer for ZeroPadding2d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        match inputs {
            [images] if images.rank() == 3 => Ok(vec![Shape::new(&ops::padded(images.sizes(), &self.around::<3>()))?]),
            _ => Err(Error::expected("images height × width × channels")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].pad(&self.around::<4>(), 0.0).without_mask()]
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
            (Box::new(ZeroPadding2d::default()), Shape::from([5, 4, 3])),
            (Box::new(ZeroPadding2d::new(((1, 0), (2, 3)))), Shape::from([1, 2, 1])),
        ]
    }

    #[test]
    fn inputs_that_are_not_images_are_rejected() {
        let message = crate::Sequential::new([4]).add(ZeroPadding2d::new(1)).summary().unwrap_err().to_string();
        assert!(message.ends_with("found shape 4, expected images height × width × channels"), "{message}");
        let huge = crate::Sequential::new([4, 4, 1]).add(ZeroPadding2d::new(usize::MAX)).summary();
        assert!(matches!(huge, Err(Error::TooLarge { .. })));
    }
}
