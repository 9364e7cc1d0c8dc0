//! AdaptiveAveragePool3d: the mean of each of a given number of windows of a volume.

use crate::error::Result;
use crate::layers::{Cursor, Layer, Weights, adaptive};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::size3d::Size3d;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Adaptive average pooling: the mean of each channel over a given number of windows of a volume. `AdaptiveAveragePooling3D` in
    /// Keras.
    ///
    /// Inputs are volumes depth × height × width × channels; outputs are depth × rows × columns × channels. Window i of n along an axis of s elements contains those from ⌊i·s/n⌋
    /// to ⌈(i + 1)·s/n⌉. Channels are last; `data_format` of Keras has no counterpart.
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

impl Layer for AdaptiveAveragePool3d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        Ok(vec![adaptive::pooled(
            inputs,
            "AdaptiveAveragePool3d",
            &self.output_size.sizes(),
            "volumes depth × height × width × channels",
        )?])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![adaptive::average(inputs[0], &self.output_size.sizes()).without_mask()]
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
            (Box::new(AdaptiveAveragePool3d::new((3, 2, 2))), Shape::from([7, 5, 4, 3])),
            (Box::new(AdaptiveAveragePool3d::new(2)), Shape::from([4, 2, 3, 2])),
            (Box::new(AdaptiveAveragePool3d::new((3, 1, 2))), Shape::from([2, 3, 2, 1])),
        ]
    }
}
