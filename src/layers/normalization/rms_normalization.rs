//! RmsNormalization: features divided by their root mean square.

use crate::error::{Error, Result, check_setting};
use crate::initializers::Ones;
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Divides the last axis by its root mean square and multiplies it by learned factors. Keras' `RMSNormalization` with
    /// axis −1 (Zhang and Sennrich, 2019).
    ///
    /// y = scale · x / √(mean(x²) + epsilon)
    ///
    /// ```
    /// use gradus::{Sequential, layers::*};
    /// use ndarray::arr2;
    /// let model = Sequential::new([2]).add(RmsNormalization::new().epsilon(1e-12)).architecture(1)?.into_model()?;
    /// let error = model.predict(&arr2(&[[1.0f32, 7.0]]))? - arr2(&[[0.2f32, 1.4]]);
    /// assert!(error.iter().all(|error| error.abs() < 1e-6));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct RmsNormalization("RMSNormalization") {
        /// Constant that is added to the mean square before its root is taken, > 0. Defaults to 1e-6.
        value epsilon: f32 = 1e-6,
    }
}

impl RmsNormalization {
    /// Epsilon 1e-6 and factors of 1, as in Keras.
    pub fn new() -> RmsNormalization {
        RmsNormalization::with_defaults()
    }
}

impl Layer for RmsNormalization {
    fn build(&self, inputs: &[Shape], weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let epsilon = self.epsilon;
        check_setting(epsilon > 0.0 && epsilon.is_finite(), "RmsNormalization", "epsilon", f64::from(epsilon), "> 0")?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        if x.rank() == 0 {
            return Err(Error::expected("at least one axis per sample"));
        }
        weights.add("scale", x.last(), &Ones)?;
        Ok(vec![*x])
    }

    fn record<'r>(&self, weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        let (x, [scale]) = (inputs[0], weights.take());
        let y = x / ((x * x).mean_axes(&[-1], true) + self.epsilon).sqrt() * scale;
        vec![y.without_mask()]
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
            (Box::new(RmsNormalization::new()), Shape::from([5])),
            (Box::new(RmsNormalization::new().epsilon(0.1)), Shape::from([3, 2])),
        ]
    }
}
