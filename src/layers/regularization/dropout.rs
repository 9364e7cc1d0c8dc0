//! Dropout: random zeros in training.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::ops;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Dropout: in training, sets each element to 0 with probability `rate` and multiplies the others by 1 / (1 − rate)
    /// (Srivastava et al. 2014). `Dropout` in Keras.
    ///
    /// In evaluation and prediction, the output is the input. The random numbers follow from the seed of the model, the layer
    /// and the step, so the layer has no seed; `noise_shape` of Keras has no counterpart.
    ///
    /// ```
    /// use gradus::{Sequential, layers::Dropout};
    /// let model = Sequential::new([3]).add(Dropout::new(0.5)).architecture(0)?.into_model()?;
    /// let samples = ndarray::arr2(&[[1.0, 2.0, 3.0]]);
    /// assert_eq!(model.predict(&samples)?, samples.into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless 0 ≤ rate < 1.
    #[derive(Clone, Copy, Debug)]
    pub struct Dropout("Dropout") of (rate: f32);
}

impl Dropout {
    /// Creates the layer for this probability of a zero, 0 ≤ rate < 1.
    pub fn new(rate: f32) -> Dropout {
        Dropout::with_defaults(rate)
    }
}

impl Layer for Dropout {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        ops::check_dropout_rate(self.rate)?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        Ok(vec![*x])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].dropout(self.rate)]
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
        vec![(Box::new(Dropout::new(0.2)), Shape::from([3, 2]))]
    }
}
