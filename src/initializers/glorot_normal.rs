//! Glorot, normal.

use super::Initializer;
use super::draw::scaled_normal;
use super::fans::fans;
use crate::error::Result;
use crate::random::Key;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;

/// Truncated normal of variance 2 / (fan-in + fan-out). Keras' `GlorotNormal`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GlorotNormal;

impl Initializer for GlorotNormal {
    fn values(&self, shape: Shape, key: Key) -> Result<Vec<f32>> {
        let (fan_in, fan_out) = fans(shape);
        let fan_average = (fan_in + fan_out) / 2.0;
        Ok(scaled_normal(shape, 1.0 / fan_average, key))
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for GlorotNormal {
    const CLASS: &'static str = "GlorotNormal";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<GlorotNormal> {
        Ok(GlorotNormal)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        vec![Box::new(GlorotNormal)]
    }
}
