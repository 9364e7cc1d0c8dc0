//! Softmax: probabilities along an axis.

use super::{Cursor, Layer, Weights};
use crate::error::{Error, Result};
use crate::ops;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::{Spec, SpecValue};
use crate::tape::Var;

/// Probabilities along an axis. Keras' `Softmax`; along the last axis it is [`Activation::Softmax`](super::Activation).
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Softmax {
    axis: isize,
}

impl Default for Softmax {
    fn default() -> Softmax {
        Softmax::new()
    }
}

impl Softmax {
    /// Along the last axis, as in Keras.
    pub fn new() -> Softmax {
        Softmax { axis: -1 }
    }

    /// Along this axis: counted from the batch axis, which is 0 and cannot be taken, or below 0 from the last, which is −1.
    pub fn axis(mut self, axis: isize) -> Softmax {
        self.axis = axis;
        self
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
        Spec::new(Self::CLASS).with("axis", SpecValue::axis(self.axis))
    }
}

impl FromSpec for Softmax {
    const CLASS: &'static str = "Softmax";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Softmax> {
        Ok(Softmax { axis: settings.axis("axis")? })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![(Box::new(Softmax::new()), Shape::from([3, 2])), (Box::new(Softmax::new().axis(1)), Shape::from([3, 2]))]
    }
}
