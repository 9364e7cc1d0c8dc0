//! Elu: exponential linear unit.

use crate::error::{Error, Result, check_setting};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// The exponential linear unit: x for x ≥ 0, alpha · (eˣ − 1) for x < 0 (Clevert et al. 2016). `ELU` in Keras.
    ///
    /// The output has the shape of the input.
    ///
    /// ```
    /// use gradus::{Sequential, layers::Elu};
    /// let model = Sequential::new([2]).add(Elu::new().alpha(2.0)).architecture(0)?.into_model()?;
    /// let outputs = model.predict(&ndarray::arr2(&[[3.0, -100.0]]))?;
    /// assert_eq!(outputs, ndarray::arr2(&[[3.0, -2.0]]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) if alpha is not finite.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct Elu("ELU") {
        /// Scale of the negative part, finite: outputs approach −alpha for large negative inputs. Defaults to 1.
        value alpha: f32 = 1.0,
    }
}

impl Elu {
    /// Creates the layer with alpha 1, as in Keras.
    pub fn new() -> Elu {
        Elu::with_defaults()
    }
}

impl Layer for Elu {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let alpha = self.alpha;
        check_setting(alpha.is_finite(), "Elu", "alpha", f64::from(alpha), "finite")?;
        let [x] = inputs else { return Err(Error::expected("one input")) };
        Ok(vec![*x])
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].elu(self.alpha)]
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
        vec![(Box::new(Elu::new()), Shape::from([3, 2])), (Box::new(Elu::new().alpha(0.5)), Shape::from([7]))]
    }

    #[test]
    fn a_setting_out_of_range_is_refused() {
        let message = crate::Sequential::new([2]).add(Elu::new().alpha(f32::NAN)).summary().unwrap_err().to_string();
        assert_eq!(message, "Elu: alpha must be finite, got NaN");
    }
}
