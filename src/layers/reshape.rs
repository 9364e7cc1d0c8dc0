//! Reshape: each sample's elements under other axes.

use super::{Cursor, Layer, Weights};
use crate::error::{Error, Result};
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

/// Each sample's elements, row-major, as another shape, without a copy. Keras' `Reshape`.
#[derive(Clone, Copy, Debug)]
pub struct Reshape {
    target: Shape,
}

impl Reshape {
    /// To this shape of one sample.
    pub fn new(target: impl Into<Shape>) -> Reshape {
        Reshape { target: target.into() }
    }
}

impl Layer for Reshape {
    fn build(&self, inputs: &[Shape], _weights: &mut Weights<'_>) -> Result<Vec<Shape>> {
        match inputs {
            [x] if x.len() == self.target.len() => Ok(vec![self.target]),
            _ => Err(Error::expected(format!("{} elements per sample, as in {}", self.target.len(), self.target))),
        }
    }

    fn record<'r>(&self, _weights: &mut Cursor<'_, 'r>, inputs: &[Var<'r>]) -> Vec<Var<'r>> {
        vec![inputs[0].reshape_samples(self.target)]
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("target_shape", self.target.sizes())
    }
}

impl FromSpec for Reshape {
    const CLASS: &'static str = "Reshape";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Reshape> {
        Ok(Reshape { target: Shape::new(settings.sizes("target_shape")?)? })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<(Box<dyn Layer>, Shape)> {
        vec![(Box::new(Reshape::new([2, 6])), Shape::from([3, 4])), (Box::new(Reshape::new(4)), Shape::from([2, 2]))]
    }
}
