//! GlobalMaxPool1d: maximum of each feature over a sequence.

use crate::error::{Error, Result};
use crate::layers::sequence_image::to_images;
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Global max pooling: the maximum of each feature over all steps of a sequence. `GlobalMaxPooling1D` in Keras.
    ///
    /// Inputs are sequences steps × features; the output has one axis of features. `data_format` of Keras has no
    /// counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::{arr2, arr3};
    /// let model = Sequential::new([3, 1]).add(GlobalMaxPool1d::new()).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr3(&[[[1.0f32], [2.0], [3.0]]]))? - arr2(&[[3.0f32]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) if the input is not a sequence.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct GlobalMaxPool1d("GlobalMaxPooling1D") {
        /// Whether to keep the pooled axes, with size 1. Defaults to `false`.
        added keepdims: bool = false,
    }
}

impl GlobalMaxPool1d {
    /// Creates the layer without the pooled axes in the output, as in Keras.
    pub fn new() -> GlobalMaxPool1d {
        GlobalMaxPool1d::with_defaults()
    }
}

impl Layer for GlobalMaxPool1d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        match inputs {
            [x] if x.rank() == 2 && self.keepdims => Ok(vec![Shape::from([1, x.last()])]),
            [x] if x.rank() == 2 => Ok(vec![x.last().into()]),
            _ => Err(Error::expected("sequences steps × features; Reshape adds a missing axis")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let y = to_images(inputs[0]).global_max_pool2d();
        let kept = [y.shape().axis(0), 1, y.shape().last()];
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
            (Box::new(GlobalMaxPool1d::new().keepdims(true)), Shape::from([4, 2])),
            (Box::new(GlobalMaxPool1d::new()), Shape::from([5, 3])),
            (Box::new(GlobalMaxPool1d::new()), Shape::from([1, 1])),
        ]
    }
}
