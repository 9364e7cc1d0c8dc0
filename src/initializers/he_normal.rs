//! He, normal.

use super::Initializer;
use super::draw::scaled_normal;
use super::fans::fans;
use crate::error::Result;
use crate::random::Key;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;

/// Truncated normal of variance 2 / fan-in. Keras' `HeNormal`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeNormal;

impl Initializer for HeNormal {
    fn values(&self, shape: Shape, key: Key) -> Result<Vec<f32>> {
        let (fan_in, _) = fans(shape);
        Ok(scaled_normal(shape, 2.0 / fan_in, key))
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for HeNormal {
    const CLASS: &'static str = "HeNormal";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<HeNormal> {
        Ok(HeNormal)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        vec![Box::new(HeNormal)]
    }
}
