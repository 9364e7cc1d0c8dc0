//! Reshape: each sample's elements under other axes.

use crate::error::{Error, Result};
use crate::layers::{Cursor, Layer, Weights};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// Each sample's elements, row-major, as another shape, without a copy. Keras' `Reshape`.
    #[derive(Clone, Copy, Debug)]
    pub struct Reshape("Reshape") of (target_shape: Shape);
}

impl Reshape {
    /// To this shape of one sample.
    pub fn new(target: impl Into<Shape>) -> Reshape {
        Reshape::with_defaults(target.into())
    }
}

impl Layer for Reshape {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        match inputs {
            [x] if x.len() == self.target_shape.len() => Ok(vec![self.target_shape]),
            _ => Err(Error::expected(format!(
                "{} elements per sample, as in {}",
                self.target_shape.len(),
                self.target_shape
            ))),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].reshape_samples(self.target_shape)]
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(in crate::layers) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![(Box::new(Reshape::new([2, 6])), Shape::from([3, 4])), (Box::new(Reshape::new(4)), Shape::from([2, 2]))]
    }
}
