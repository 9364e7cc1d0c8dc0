//! MaxPool2d: maximum of each window of an image.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::ops::{self, Padding};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::size2d::Size2d;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Max pooling: the maximum of each channel over each window of an image. `MaxPooling2D` in Keras.
    ///
    /// Inputs are images height × width × channels; outputs are rows × columns × channels with
    /// rows = ⌊(height − pool height) / stride⌋ + 1; columns follow from the width in this way. Padding is never the maximum.
    /// Images have channels last; `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, layers::MaxPool2d};
    /// let model = Sequential::new([2, 2, 1]).add(MaxPool2d::new(2)).architecture(0)?.into_model()?;
    /// let image = ndarray::Array4::from_shape_fn((1, 2, 2, 1), |(_, row, column, _)| (2 * row + column) as f32);
    /// let maxima = model.predict(&image)?;
    /// assert_eq!((maxima.shape(), maxima[[0, 0, 0, 0]]), (&[1, 1, 1, 1][..], 3.0));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a size or a stride is 0, and
    /// [`Error::Shape`](crate::Error::Shape) if the input is no image or smaller than a window without padding.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct MaxPool2d("MaxPooling2D") of (pool_size: Size2d) {
        /// Distance between windows in rows and columns, at least 1. Defaults to `pool_size`.
        into strides: Size2d = pool_size,
        /// Padding of the images. Defaults to [`Padding::Valid`], none: rows and columns that fill no window are ignored.
        /// With [`Padding::Same`], the output has ⌈size / stride⌉ rows and columns.
        value padding: Padding = Padding::Valid,
    }
}

impl MaxPool2d {
    /// Creates the layer for windows of `pool_size` rows and columns, at least 1, without overlap and without padding.
    pub fn new(pool_size: impl Into<Size2d>) -> MaxPool2d {
        MaxPool2d::with_defaults(pool_size.into())
    }
}

impl Layer for MaxPool2d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [images] = inputs else { return Err(Error::expected("one input")) };
        Ok(vec![ops::pooled(*images, "MaxPool2d", self.pool_size.sizes(), self.strides.sizes(), self.padding)?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].max_pool2d(self.pool_size, self.strides, self.padding).without_mask()]
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
            (Box::new(MaxPool2d::new(2)), Shape::from([5, 7, 3])),
            (Box::new(MaxPool2d::new(2).padding(Padding::Same)), Shape::from([5, 7, 3])),
            (Box::new(MaxPool2d::new((3, 2)).strides(1)), Shape::from([4, 4, 1])),
        ]
    }
}
