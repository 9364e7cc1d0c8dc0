//! LeakyRelu: rectifier with a small slope for negative inputs.

use crate::error::{Error, Result, check_setting};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// The leaky rectifier: x for x ≥ 0, negative_slope · x for x < 0 (Maas et al. 2013). `LeakyReLU` in Keras.
    ///
    /// The output has the shape of the input. [`Activation::LeakyRelu`](crate::layers::Activation::LeakyRelu) has a slope of
    /// 0.2, as in Keras.
    ///
    /// ```
    /// use gradus::{Sequential, layers::LeakyRelu};
    /// let model = Sequential::new([2]).add(LeakyRelu::new().negative_slope(0.5)).architecture(0)?.into_model()?;
    /// let outputs = model.predict(&ndarray::arr2(&[[2.0, -2.0]]))?;
    /// assert_eq!(outputs, ndarray::arr2(&[[2.0, -1.0]]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if the slope is negative or NaN.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct LeakyRelu("LeakyReLU") {
        /// Slope for negative inputs, ≥ 0. Defaults to 0.3.
        value negative_slope: f32 = 0.3,
    }
}

impl LeakyRelu {
    /// Creates the layer with a slope of 0.3, as in Keras.
    pub fn new() -> LeakyRelu {
        LeakyRelu::with_defaults()
    }
}

impl Layer for LeakyRelu {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let negative_slope = self.negative_slope;
        check_setting(negative_slope >= 0.0, "LeakyRelu", "negative_slope", f64::from(negative_slope), "≥ 0")?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        Ok(vec![*x])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].leaky_relu(self.negative_slope)]
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
            (Box::new(LeakyRelu::new()), Shape::from([3, 2])),
            (Box::new(LeakyRelu::new().negative_slope(0.5)), Shape::from([7])),
        ]
    }

    #[test]
    fn a_setting_out_of_range_is_refused() {
        let message = crate::Sequential::new([2])
            .add(LeakyRelu::new().negative_slope(f32::NAN))
            .summary()
            .unwrap_err()
            .to_string();
        assert_eq!(message, "LeakyRelu: negative_slope must be ≥ 0, got NaN");
    }
}
