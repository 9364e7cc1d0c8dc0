//! Glorot, uniform.

use super::Initializer;
use super::draw::scaled_uniform;
use super::fans::fans;
use crate::error::Result;
use crate::random::Key;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;

/// Uniform within ±√(6 / (fan-in + fan-out)): Glorot and Bengio 2010. Keras' `GlorotUniform`, its default for kernels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GlorotUniform;

impl Initializer for GlorotUniform {
    fn values(&self, shape: Shape, key: Key) -> Result<Vec<f32>> {
        let (fan_in, fan_out) = fans(shape);
        let fan_average = (fan_in + fan_out) / 2.0;
        Ok(scaled_uniform(shape, 1.0 / fan_average, key))
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for GlorotUniform {
    const CLASS: &'static str = "GlorotUniform";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<GlorotUniform> {
        Ok(GlorotUniform)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        vec![Box::new(GlorotUniform)]
    }
}
