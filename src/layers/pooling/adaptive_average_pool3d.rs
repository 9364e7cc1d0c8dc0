//! AdaptiveAveragePool3d: the mean of each of a given number of windows of a volume.

use crate::layers::adaptive;
use crate::settings::{FromSpec, options};
use crate::size3d::Size3d;

options! {
    /// Adaptive average pooling: the mean of each channel over a given number of windows of a volume.
    /// `AdaptiveAveragePooling3D` in Keras.
    ///
    /// Inputs are volumes depth × height × width × channels; outputs are depth × rows × columns × channels. Window i of n
    /// along an axis of s elements contains those from ⌊i·s/n⌋ to ⌈(i + 1)·s/n⌉. Channels are last; `data_format` of Keras
    /// has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::AdaptiveAveragePool3d};
    /// let model = Sequential::new([7, 5, 4, 3]).add(AdaptiveAveragePool3d::new((3, 2, 2))).architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([3, 2, 2, 3])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a number of windows is 0 or at least 2¹⁶, and
    /// [`Error::Shape`](crate::Error::Shape) if the input is not a volume.
    #[derive(Clone, Copy, Debug)]
    pub struct AdaptiveAveragePool3d("AdaptiveAveragePooling3D") of (output_size: Size3d);
}

impl AdaptiveAveragePool3d {
    /// Creates the layer for the numbers of planes, rows and columns of the output, at least 1.
    pub fn new(output_size: impl Into<Size3d>) -> AdaptiveAveragePool3d {
        AdaptiveAveragePool3d::with_defaults(output_size.into())
    }
}

adaptive::layer!(
    AdaptiveAveragePool3d,
    average,
    |size: Size3d| size.sizes(),
    "volumes depth × height × width × channels"
);

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;
    use crate::layers::Layer;
    use crate::shape::Shape;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(AdaptiveAveragePool3d::new((3, 2, 2))), Shape::from([7, 5, 4, 3])),
            (Box::new(AdaptiveAveragePool3d::new(2)), Shape::from([4, 2, 3, 2])),
            (Box::new(AdaptiveAveragePool3d::new((3, 1, 2))), Shape::from([2, 3, 2, 1])),
        ]
    }
}
