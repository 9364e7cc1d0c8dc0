//! Dropout: random zeros in training.

use crate::error::{Error, Result};
use crate::layers::noise::{check_noise_shape, dropped};
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
    /// and the step, so the layer has no seed.
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
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless 0 ≤ rate < 1, and
    /// [`Error::Shape`](crate::Error::Shape) if the noise shape does not fit the input.
    #[derive(Clone, Debug)]
    #[must_use]
    pub struct Dropout("Dropout") of (rate: f32) {
        /// The sizes of the array of random factors, starting with that of the batch axis: 1 where a factor is shared along an
        /// axis, and 0 (`None` in Keras) for the size of the input. `[0, 1, 0]` drops whole features of sequences. Defaults to a
        /// separate factor for each element.
        some noise_shape: Vec<usize>,
    }
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
        self.noise_shape.as_ref().map_or(Ok(()), |noise_shape| check_noise_shape(*x, noise_shape))?;
        Ok(vec![*x])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![match &self.noise_shape {
            None => inputs[0].dropout(self.rate),
            Some(noise_shape) => dropped(inputs[0], self.rate, noise_shape),
        }]
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
            (Box::new(Dropout::new(0.2)), Shape::from([3, 2])),
            (Box::new(Dropout::new(0.2).noise_shape(vec![0, 1, 2])), Shape::from([3, 2])),
        ]
    }
}
