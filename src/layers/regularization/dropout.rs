//! Dropout: while training, elements are dropped at random.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::ops;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// While training, sets each element to 0 with probability `rate` and scales the others by 1 / (1 − rate); nothing
    /// otherwise. Keras' `Dropout`.
    #[derive(Clone, Copy, Debug)]
    pub struct Dropout("Dropout") of (rate: f32);
}

impl Dropout {
    /// Drops elements with this probability, 0 ≤ rate < 1.
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
