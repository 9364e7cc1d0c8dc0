//! Ones.

use super::Initializer;
use crate::error::Result;
use crate::random::Key;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;

/// All 1. Keras' `Ones`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ones;

impl Initializer for Ones {
    fn values(&self, shape: Shape, _key: Key) -> Result<Vec<f32>> {
        Ok(vec![1.0; shape.len()])
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for Ones {
    const CLASS: &'static str = "Ones";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<Ones> {
        Ok(Ones)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        vec![Box::new(Ones)]
    }
}
