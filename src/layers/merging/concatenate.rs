//! Concatenate: branches of a model come together side by side.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::ops;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Several inputs side by side along an axis. Keras' `Concatenate`, for models with branches.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct Concatenate("Concatenate") {
        /// Axis along which the inputs are joined: counted from the batch axis, which is 0 and is refused, or from the last
        /// axis, which is −1. Defaults to −1.
        value axis: isize = -1,
    }
}

impl Concatenate {
    /// Along the last axis, as in Keras.
    pub fn new() -> Concatenate {
        Concatenate::with_defaults()
    }
}

impl Layer for Concatenate {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        let batches = inputs.iter().map(|shape| shape.batch(1)).collect::<Result<Vec<Shape>>>()?;
        let [first, _, ..] = batches[..] else { return Err(Error::expected("at least two branches to concatenate")) };
        match ops::find_axis(first, self.axis)? {
            0 => Err(Error::expected("another axis than 0, along which the samples of a batch lie")),
            _ => Ok(vec![ops::concatenated(&batches, self.axis)?.sample()]),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].concatenate(&inputs[1..], self.axis)]
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Vec<Shape>)> {
        vec![
            (Box::new(Concatenate::new()), vec![Shape::from([3, 2]), Shape::from([3, 4])]),
            (Box::new(Concatenate::new().axis(1)), vec![Shape::from([3, 2]), Shape::from([1, 2]), Shape::from([2, 2])]),
        ]
    }

    #[test]
    fn the_batch_axis_is_refused() {
        let mut params = crate::tape::Params::new();
        let source = crate::layers::Source::Init(crate::Key::from_seed(0));
        let mut weights = Weights::new(&mut params, "concatenate", source);
        for axis in [0, -3, 3] {
            let layer = Concatenate::new().axis(axis);
            assert!(layer.build(&[Shape::from([3, 2]); 2], &mut weights).is_err(), "{axis}");
        }
    }
}
