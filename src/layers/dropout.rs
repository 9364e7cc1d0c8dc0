//! Dropout: while training, elements are dropped at random.

use super::{Cursor, Layer, Weights};
use crate::error::{Error, Result};
use crate::ops;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

/// While training, sets each element to 0 with probability `rate` and scales the others by 1 / (1 − rate); nothing
/// otherwise. Keras' `Dropout`.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    rate: f32,
}

impl Dropout {
    /// Drops elements with this probability, 0 ≤ rate < 1.
    pub fn new(rate: f32) -> Dropout {
        Dropout { rate }
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

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("rate", self.rate)
    }
}

impl FromSpec for Dropout {
    const CLASS: &'static str = "Dropout";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Dropout> {
        Ok(Dropout { rate: settings.number("rate")? })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![(Box::new(Dropout::new(0.2)), Shape::from([3, 2]))]
    }
}
