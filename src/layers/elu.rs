//! Elu: a rectifier with a smooth bend.

use super::{Cursor, Layer, Weights};
use crate::error::{Error, Result, check_setting};
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

/// x, and alpha · (eˣ − 1) below 0. Keras' `ELU`.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Elu {
    alpha: f32,
}

impl Default for Elu {
    fn default() -> Elu {
        Elu::new()
    }
}

impl Elu {
    /// With Keras' alpha of 1.
    pub fn new() -> Elu {
        Elu { alpha: 1.0 }
    }

    /// How far below 0 it goes.
    pub fn alpha(mut self, alpha: f32) -> Elu {
        self.alpha = alpha;
        self
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
        Spec::new(Self::CLASS).with("alpha", self.alpha)
    }
}

impl FromSpec for Elu {
    const CLASS: &'static str = "ELU";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Elu> {
        Ok(Elu { alpha: settings.number("alpha")? })
    }
}

#[cfg(test)]
pub(super) mod tests {
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
