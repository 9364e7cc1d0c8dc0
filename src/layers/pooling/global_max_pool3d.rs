//! GlobalMaxPool3d: maximum of each channel over a volume.

use crate::error::Result;
use crate::layers::{Cursor, Layer, Weights, volumes};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Global max pooling: the maximum of each channel over a volume. `GlobalMaxPooling3D` in Keras.
    ///
    /// Inputs are volumes depth × height × width × channels; the output has one axis of channels. Volumes have channels last;
    /// `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::GlobalMaxPool3d};
    /// let model = Sequential::new([4, 3, 3, 2]).add(GlobalMaxPool3d::new()).architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([2])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) if the input is no volume.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct GlobalMaxPool3d("GlobalMaxPooling3D") {
        /// Whether to keep the pooled axes, with size 1. Defaults to `false`.
        added keepdims: bool = false,
    }
}

impl GlobalMaxPool3d {
    /// Creates the layer without the pooled axes in the output, as in Keras.
    pub fn new() -> GlobalMaxPool3d {
        GlobalMaxPool3d::with_defaults()
    }
}

impl Layer for GlobalMaxPool3d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [.., channels] = volumes::check(inputs)?;
        Ok(vec![if self.keepdims { Shape::from([1, 1, 1, channels]) } else { channels.into() }])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let x = inputs[0];
        let [rows, depth, height, width, channels] = [0, 1, 2, 3, 4].map(|axis| x.shape().axis(axis));
        let y = x.reshape([rows, depth.saturating_mul(height), width, channels]).global_max_pool2d();
        vec![if self.keepdims { y.reshape([rows, 1, 1, 1, channels]) } else { y }.without_mask()]
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
            (Box::new(GlobalMaxPool3d::new().keepdims(true)), Shape::from([3, 4, 2, 2])),
            (Box::new(GlobalMaxPool3d::new()), Shape::from([2, 1, 3, 1])),
        ]
    }
}
