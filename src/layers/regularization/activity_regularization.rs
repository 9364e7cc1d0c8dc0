//! ActivityRegularization: a penalty on the values between two layers.

use crate::error::{Error, Result};
use crate::layers::regularized::add_penalty;
use crate::layers::{Cursor, Layer, Weights};
use crate::ops;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Adds the penalty (l1 · Σ |x| + l2 · Σ x²) / rows on its input to the loss, and returns the input. `ActivityRegularization`
    /// in Keras.
    ///
    /// The sums are over a batch, and divided by the number of its rows, as in Keras 3. [`Layer::activity_regularizer`] adds any
    /// regularizer to the outputs of any layer.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, data::Arrays, layers::*, losses::MeanSquaredError, optimizers::Sgd};
    /// let network = Sequential::new([1]).add(ActivityRegularization::new(0.5, 0.25));
    /// let model = network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()))?;
    /// let data = Arrays::new(ndarray::arr2(&[[2.0f32], [4.0]]), ndarray::arr2(&[[2.0f32], [4.0]]))?;
    /// assert_eq!(model.evaluate(&data)?.loss, (0.5 * (2.0 + 4.0) + 0.25 * (4.0 + 16.0)) / 2.0);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless both factors are finite and ≥ 0.
    #[derive(Clone, Copy, Debug)]
    pub struct ActivityRegularization("ActivityRegularization") of (l1: f32, l2: f32);
}

impl ActivityRegularization {
    /// Creates the layer from its factors, which are finite and ≥ 0.
    pub fn new(l1: f32, l2: f32) -> ActivityRegularization {
        ActivityRegularization::with_defaults(l1, l2)
    }
}

impl Layer for ActivityRegularization {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        ops::check_penalty_factor("ActivityRegularization", "l1", self.l1)?;
        ops::check_penalty_factor("ActivityRegularization", "l2", self.l2)?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        Ok(vec![*x])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let x = inputs[0];
        add_penalty(x, x.penalty(self.l1, self.l2));
        vec![x]
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
        vec![(Box::new(ActivityRegularization::new(0.1, 0.2)), Shape::from([3, 2]))]
    }
}
