//! Elu: a rectifier with a smooth bend.

use crate::error::{Error, Result, check_setting};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// x, and alpha · (eˣ − 1) below 0. Keras' `ELU`.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct Elu("ELU") {
        /// Negative of the limit for large negative inputs, finite. Defaults to 1.
        value alpha: f32 = 1.0,
    }
}

impl Elu {
    /// With Keras' alpha of 1.
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
