//! He, uniform.

use super::Initializer;
use super::draw::scaled_uniform;
use super::fans::fans;
use crate::error::Result;
use crate::random::Key;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;

/// Uniform within ±√(6 / fan-in): He et al. 2015. Keras' `HeUniform`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeUniform;

impl Initializer for HeUniform {
    fn values(&self, shape: Shape, key: Key) -> Result<Vec<f32>> {
        let (fan_in, _) = fans(shape);
        Ok(scaled_uniform(shape, 2.0 / fan_in, key))
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for HeUniform {
    const CLASS: &'static str = "HeUniform";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<HeUniform> {
        Ok(HeUniform)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        vec![Box::new(HeUniform)]
    }
}
