//! Softmax: probabilities along an axis.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::ops;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Probabilities along an axis. Keras' `Softmax`; along the last axis it is [`Activation::Softmax`](crate::layers::Activation).
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct Softmax("Softmax") {
        /// Axis along which the outputs are probabilities: counted from the batch axis, which is 0 and is refused, or from
        /// the last axis, which is −1. Defaults to −1.
        value axis: isize = -1,
    }
}

impl Softmax {
    /// Along the last axis, as in Keras.
    pub fn new() -> Softmax {
        Softmax::with_defaults()
    }
}

impl Layer for Softmax {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let [x] = inputs else { return Err(Error::expected("one input")) };
        match ops::find_axis(x.batch(1)?, self.axis)? {
            0 => Err(Error::expected("another axis than 0, along which the samples of a batch lie")),
            _ => Ok(vec![*x]),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].softmax_axis(self.axis)]
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![(Box::new(Softmax::new()), Shape::from([3, 2])), (Box::new(Softmax::new().axis(1)), Shape::from([3, 2]))]
    }
}
