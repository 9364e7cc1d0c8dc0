//! AdaptiveMaxPool1d: the maximum of each of a given number of windows of a sequence.

use crate::layers::adaptive;
use crate::settings::{FromSpec, options};

options! {
    /// Adaptive max pooling: the maximum of each channel over a given number of windows of a sequence.
    /// `AdaptiveMaxPooling1D` in Keras.
    ///
    /// Inputs are sequences steps × features; outputs are `output_size` × features. Window i of n along an axis of s
    /// elements contains those from ⌊i·s/n⌋ to ⌈(i + 1)·s/n⌉. Channels are last; `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::AdaptiveMaxPool1d};
    /// let model = Sequential::new([7, 3]).add(AdaptiveMaxPool1d::new(3)).architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([3, 3])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if a number of windows is 0 or at least 2¹⁶, and
    /// [`Error::Shape`](crate::Error::Shape) if the input is not a sequence.
    #[derive(Clone, Copy, Debug)]
    pub struct AdaptiveMaxPool1d("AdaptiveMaxPooling1D") of (output_size: usize);
}

impl AdaptiveMaxPool1d {
    /// Creates the layer for the number of steps of the output, at least 1.
    pub fn new(output_size: usize) -> AdaptiveMaxPool1d {
        AdaptiveMaxPool1d::with_defaults(output_size)
    }
}

adaptive::layer!(AdaptiveMaxPool1d, max, |size| [size], "sequences steps × features");

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;
    use crate::layers::Layer;
    use crate::shape::Shape;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![
            (Box::new(AdaptiveMaxPool1d::new(3)), Shape::from([7, 3])),
            (Box::new(AdaptiveMaxPool1d::new(2)), Shape::from([4, 2])),
            (Box::new(AdaptiveMaxPool1d::new(3)), Shape::from([2, 1])),
        ]
    }
}
