//! SpatialDropout3d: random zeros for whole channels of volumes in training.

use crate::error::{Error, Result};
use crate::layers::noise::dropped;
use crate::layers::{Cursor, Layer, Weights};
use crate::ops;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Dropout of whole channels: in training, sets each channel of a sample to 0 with probability `rate`, at all positions, and
    /// multiplies the others by 1 / (1 − rate) (Tompson et al. 2015). `SpatialDropout3D` in Keras.
    ///
    /// Samples are three axes × channels. In evaluation and prediction, the output is the input.
    ///
    /// ```
    /// use gradus::{Sequential, layers::SpatialDropout3d};
    /// let network = Sequential::new([2, 1, 2, 2]).add(SpatialDropout3d::new(0.5));
    /// assert_eq!(network.architecture(0)?.into_model()?.output_shapes()[0].rank(), 4);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless 0 ≤ rate < 1, and
    /// [`Error::Shape`](crate::Error::Shape) for samples with another number of axes.
    #[derive(Clone, Copy, Debug)]
    pub struct SpatialDropout3d("SpatialDropout3D") of (rate: f32);
}

impl SpatialDropout3d {
    /// Creates the layer for this probability of a zero, 0 ≤ rate < 1.
    pub fn new(rate: f32) -> SpatialDropout3d {
        SpatialDropout3d::with_defaults(rate)
    }
}

impl Layer for SpatialDropout3d {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        ops::check_dropout_rate(self.rate)?;
        match inputs {
            [x] if x.rank() == 4 => Ok(vec![*x]),
            _ => Err(Error::expected("one input of three axes × channels")),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![dropped(inputs[0], self.rate, &[0, 1, 1, 1, 0])]
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
        vec![(Box::new(SpatialDropout3d::new(0.2)), Shape::from([2, 1, 2, 2]))]
    }
}
