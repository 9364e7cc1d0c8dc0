//! GlobalMaxPool2d: maximum of each channel over an image.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Global max pooling: the maximum of each channel over all rows and columns of an image.
    /// `GlobalMaxPooling2D` in Keras.
    ///
    /// Inputs are images height × width × channels; the output has one axis of channels. Images have channels last;
    /// `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, layers::GlobalMaxPool2d};
    /// let model = Sequential::new([2, 2, 1]).add(GlobalMaxPool2d::new()).architecture(0)?.into_model()?;
    /// let image = ndarray::Array4::from_shape_fn((1, 2, 2, 1), |(_, row, column, _)| (2 * row + column) as f32);
    /// assert_eq!(model.predict(&image)?, ndarray::arr2(&[[3.0]]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) if the input is no image.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct GlobalMaxPool2d("GlobalMaxPooling2D") {
        /// Whether to keep the pooled axes, with size 1. Defaults to `false`.
        added keepdims: bool = false,
    }
}

impl GlobalMaxPool2d {
    /// Creates the layer without the pooled axes in the output, as in Keras.
    pub fn new() -> GlobalMaxPool2d {
        GlobalMaxPool2d::with_defaults()
    }
}

impl Layer for GlobalMaxPool2d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        match inputs {
            [images] if images.rank() == 3 && self.keepdims => Ok(vec![Shape::from([1, 1, images.last()])]),
            [images] if images.rank() == 3 => Ok(vec![images.last().into()]),
            _ => Err(Error::expected("images height × width × channels; Reshape adds a missing axis")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let y = inputs[0].global_max_pool2d();
        let kept = [y.shape().axis(0), 1, 1, y.shape().last()];
        vec![if self.keepdims { y.reshape(kept) } else { y }.without_mask()]
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
            (Box::new(GlobalMaxPool2d::new().keepdims(true)), Shape::from([3, 4, 2])),
            (Box::new(GlobalMaxPool2d::new()), Shape::from([5, 4, 3])),
            (Box::new(GlobalMaxPool2d::new()), Shape::from([1, 1, 1])),
        ]
    }

    #[test]
    fn inputs_that_are_not_images_are_rejected() {
        let message = crate::Sequential::new([4]).add(GlobalMaxPool2d::new()).summary().unwrap_err().to_string();
        assert!(
            message.ends_with("found shape 4, expected images height × width × channels; Reshape adds a missing axis"),
            "{message}"
        );
    }
}
