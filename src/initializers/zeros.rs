//! Zeros.

use super::Initializer;
use crate::error::Result;
use crate::random::Key;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;

/// All 0. Keras' `Zeros`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zeros;

impl Initializer for Zeros {
    fn values(&self, shape: Shape, _key: Key) -> Result<Vec<f32>> {
        Ok(vec![0.0; shape.len()])
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for Zeros {
    const CLASS: &'static str = "Zeros";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<Zeros> {
        Ok(Zeros)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        vec![Box::new(Zeros)]
    }
}
