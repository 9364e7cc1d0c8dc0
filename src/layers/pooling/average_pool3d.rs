//! AveragePool3d: mean of each window of a volume.

use crate::layers::volumes;
use crate::ops::Padding;
use crate::settings::{FromSpec, options};
use crate::size3d::Size3d;

options! {
    /// Average pooling: the mean of each channel over each window of a volume. `AveragePooling3D` in Keras.
    ///
    /// Inputs are volumes depth × height × width × channels; outputs have ⌊(size − pool size) / stride⌋ + 1 elements along each
    /// axis but the last. Padding is excluded from the means. Volumes have channels last; `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::AveragePool3d};
    /// let model = Sequential::new([8, 6, 6, 2]).add(AveragePool3d::new((1, 2, 2))).architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([8, 3, 3, 2])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a size or a stride is 0, and
    /// [`Error::Shape`](crate::Error::Shape) if the input is no volume or smaller than a window without padding.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct AveragePool3d("AveragePooling3D") of (pool_size: Size3d) {
        /// Distance between windows along depth, rows and columns, at least 1. Defaults to `pool_size`.
        into strides: Size3d = pool_size,
        /// Padding of the volumes. Defaults to [`Padding::Valid`], none: elements that fill no window are ignored. With
        /// [`Padding::Same`], the output has ⌈size / stride⌉ elements along each axis.
        value padding: Padding = Padding::Valid,
    }
}

impl AveragePool3d {
    /// Creates the layer for windows of `pool_size` along depth, rows and columns, at least 1, without overlap and padding.
    pub fn new(pool_size: impl Into<Size3d>) -> AveragePool3d {
        AveragePool3d::with_defaults(pool_size.into())
    }
}

volumes::pooling!(AveragePool3d, average_pool2d);

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;
    use crate::layers::Layer;
    use crate::shape::Shape;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(AveragePool3d::new(2)), Shape::from([5, 4, 3, 2])),
            (Box::new(AveragePool3d::new((3, 2, 1)).padding(Padding::Same)), Shape::from([4, 3, 2, 1])),
            (Box::new(AveragePool3d::new((2, 1, 2)).strides(1)), Shape::from([3, 2, 3, 1])),
        ]
    }
}
