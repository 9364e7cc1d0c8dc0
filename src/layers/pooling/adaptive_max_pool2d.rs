//! AdaptiveMaxPool2d: the maximum of each of a given number of windows of an image.

use crate::layers::adaptive;
use crate::settings::{FromSpec, options};
use crate::size2d::Size2d;

options! {
    /// Adaptive max pooling: the maximum of each channel over a given number of windows of an image. `AdaptiveMaxPooling2D`
    /// in Keras.
    ///
    /// Inputs are images height × width × channels; outputs are rows × columns × channels. Window i of n along an axis of s
    /// elements contains those from ⌊i·s/n⌋ to ⌈(i + 1)·s/n⌉. Channels are last; `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::AdaptiveMaxPool2d};
    /// let model = Sequential::new([7, 5, 3]).add(AdaptiveMaxPool2d::new((3, 2))).architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([3, 2, 3])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a number of windows is 0 or at least 2¹⁶, and
    /// [`Error::Shape`](crate::Error::Shape) if the input is not an image.
    #[derive(Clone, Copy, Debug)]
    pub struct AdaptiveMaxPool2d("AdaptiveMaxPooling2D") of (output_size: Size2d);
}

impl AdaptiveMaxPool2d {
    /// Creates the layer for the numbers of rows and columns of the output, at least 1.
    pub fn new(output_size: impl Into<Size2d>) -> AdaptiveMaxPool2d {
        AdaptiveMaxPool2d::with_defaults(output_size.into())
    }
}

adaptive::layer!(AdaptiveMaxPool2d, max, |size: Size2d| size.sizes(), "images height × width × channels");

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;
    use crate::layers::Layer;
    use crate::shape::Shape;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(AdaptiveMaxPool2d::new((3, 2))), Shape::from([7, 5, 3])),
            (Box::new(AdaptiveMaxPool2d::new(2)), Shape::from([4, 2, 3])),
            (Box::new(AdaptiveMaxPool2d::new((3, 1))), Shape::from([2, 3, 1])),
        ]
    }
}
