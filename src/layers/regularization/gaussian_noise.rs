//! GaussianNoise: normal random numbers added in training.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::ops;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Adds normal random numbers of mean 0 and standard deviation `stddev` in training. `GaussianNoise` in Keras.
    ///
    /// In evaluation and prediction, the output is the input.
    ///
    /// ```
    /// use gradus::{Sequential, layers::GaussianNoise};
    /// let model = Sequential::new([3]).add(GaussianNoise::new(0.5)).architecture(0)?.into_model()?;
    /// let samples = ndarray::arr2(&[[1.0, 2.0, 3.0]]);
    /// assert_eq!(model.predict(&samples)?, samples.into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the standard deviation is finite and ≥ 0.
    #[derive(Clone, Copy, Debug)]
    pub struct GaussianNoise("GaussianNoise") of (stddev: f32);
}

impl GaussianNoise {
    /// Creates the layer for this standard deviation, finite and ≥ 0.
    pub fn new(stddev: f32) -> GaussianNoise {
        GaussianNoise::with_defaults(stddev)
    }
}

impl Layer for GaussianNoise {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        ops::check_stddev(self.stddev)?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        Ok(vec![*x])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].gaussian_noise(self.stddev)]
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
        vec![(Box::new(GaussianNoise::new(0.2)), Shape::from([3, 2]))]
    }
}
