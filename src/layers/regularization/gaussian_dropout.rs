//! GaussianDropout: normal random factors in training.

use crate::error::{Error, Result};
use crate::layers::noise::ones;
use crate::layers::{Cursor, Layer, Weights};
use crate::ops;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::{Mode, Var};

options! {
    /// Multiplies by normal random numbers of mean 1 and standard deviation √(rate / (1 − rate)) in training (Srivastava et al.
    /// 2014). `GaussianDropout` in Keras.
    ///
    /// In evaluation and prediction, the output is the input.
    ///
    /// ```
    /// use gradus::{Sequential, layers::GaussianDropout};
    /// let model = Sequential::new([3]).add(GaussianDropout::new(0.5)).architecture(0)?.into_model()?;
    /// let samples = ndarray::arr2(&[[1.0, 2.0, 3.0]]);
    /// assert_eq!(model.predict(&samples)?, samples.into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless 0 ≤ rate < 1.
    #[derive(Clone, Copy, Debug)]
    pub struct GaussianDropout("GaussianDropout") of (rate: f32);
}

impl GaussianDropout {
    /// Creates the layer for this rate, 0 ≤ rate < 1.
    pub fn new(rate: f32) -> GaussianDropout {
        GaussianDropout::with_defaults(rate)
    }
}

impl Layer for GaussianDropout {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        ops::check_dropout_rate(self.rate)?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        Ok(vec![*x])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let x = inputs[0];
        if x.recorder().mode() == Mode::Inference {
            return vec![x];
        }
        vec![x * ones(x, x.shape()).gaussian_noise((self.rate / (1.0 - self.rate)).sqrt())]
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
        vec![(Box::new(GaussianDropout::new(0.2)), Shape::from([3, 2]))]
    }
}
