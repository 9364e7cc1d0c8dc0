//! GlobalAveragePool3d: mean of each channel over a volume.

use crate::error::Result;
use crate::layers::{Cursor, Layer, Weights, volumes};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Global average pooling: the mean of each channel over a volume. `GlobalAveragePooling3D` in Keras.
    ///
    /// Inputs are volumes depth × height × width × channels; the output has one axis of channels. Volumes have channels last;
    /// `data_format` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, Shape, layers::GlobalAveragePool3d};
    /// let model = Sequential::new([4, 3, 3, 2]).add(GlobalAveragePool3d::new()).architecture(0)?.into_model()?;
    /// assert_eq!(model.output_shapes(), [Shape::from([2])]);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Shape`](crate::Error::Shape) if the input is no volume.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct GlobalAveragePool3d("GlobalAveragePooling3D") {
        /// Whether to keep the pooled axes, with size 1. Defaults to `false`.
        added keepdims: bool = false,
    }
}

impl GlobalAveragePool3d {
    /// Creates the layer without the pooled axes in the output, as in Keras.
    pub fn new() -> GlobalAveragePool3d {
        GlobalAveragePool3d::with_defaults()
    }
}

impl Layer for GlobalAveragePool3d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [.., channels] = volumes::check(inputs)?;
        Ok(vec![if self.keepdims { Shape::from([1, 1, 1, channels]) } else { channels.into() }])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].mean_axes(&[1, 2, 3], self.keepdims).without_mask()]
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
            (Box::new(GlobalAveragePool3d::new().keepdims(true)), Shape::from([3, 4, 2, 2])),
            (Box::new(GlobalAveragePool3d::new()), Shape::from([2, 1, 3, 1])),
        ]
    }
}
