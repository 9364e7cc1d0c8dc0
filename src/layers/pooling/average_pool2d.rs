//! AveragePool2d: mean of each window of an image.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::ops::{self, Padding};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::size2d::Size2d;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Average pooling: the mean of each channel over each window of an image. `AveragePooling2D` in Keras.
    ///
    /// Inputs are images height × width × channels; outputs are rows × columns × channels with rows = ⌊(height − pool
    /// height) / stride⌋ + 1; columns follow from the width in this way. Padding is excluded from the means. Images have
    /// channels last; `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, layers::AveragePool2d};
    /// let model = Sequential::new([2, 2, 1]).add(AveragePool2d::new(2)).architecture(0)?.into_model()?;
    /// let image = ndarray::Array4::from_shape_fn((1, 2, 2, 1), |(_, row, column, _)| (2 * row + column) as f32);
    /// let means = model.predict(&image)?;
    /// assert_eq!((means.shape(), means[[0, 0, 0, 0]]), (&[1, 1, 1, 1][..], 1.5));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a size or a stride is 0, and
    /// [`Error::Shape`](crate::Error::Shape) if the input is no image or smaller than a window without padding.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct AveragePool2d("AveragePooling2D") of (pool_size: Size2d) {
        /// Distance between windows in rows and columns, at least 1. Defaults to `pool_size`.
        into strides: Size2d = pool_size,
        /// Padding of the images. Defaults to [`Padding::Valid`], none: rows and columns that fill no window are ignored.
        /// With [`Padding::Same`], the output has ⌈size / stride⌉ rows and columns.
        value padding: Padding = Padding::Valid,
    }
}

impl AveragePool2d {
    /// Creates the layer for windows of `pool_size` rows and columns, at least 1, without overlap and without padding.
    pub fn new(pool_size: impl Into<Size2d>) -> AveragePool2d {
        AveragePool2d::with_defaults(pool_size.into())
    }
}

impl Layer for AveragePool2d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [images] = inputs else { return Err(Error::expected("one input")) };
        Ok(vec![ops::pooled(*images, "AveragePool2d", self.pool_size.sizes(), self.strides.sizes(), self.padding)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].average_pool2d(self.pool_size, self.strides, self.padding).without_mask()]
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
        let overlapping = AveragePool2d::new((3, 2)).strides(1);
        vec![
            (Box::new(AveragePool2d::new(2)), Shape::from([5, 7, 3])),
            (Box::new(AveragePool2d::new(3).padding(Padding::Same)), Shape::from([5, 7, 3])),
            (Box::new(overlapping), Shape::from([4, 4, 1])),
        ]
    }
}
