//! LeCun, uniform.

use super::Initializer;
use super::draw::scaled_uniform;
use super::fans::fans;
use crate::error::Result;
use crate::random::Key;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;

/// Uniform within ±√(3 / fan-in): LeCun et al. 1998. Keras' `LecunUniform`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LecunUniform;

impl Initializer for LecunUniform {
    fn values(&self, shape: Shape, key: Key) -> Result<Vec<f32>> {
        let (fan_in, _) = fans(shape);
        Ok(scaled_uniform(shape, 1.0 / fan_in, key))
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for LecunUniform {
    const CLASS: &'static str = "LecunUniform";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<LecunUniform> {
        Ok(LecunUniform)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        vec![Box::new(LecunUniform)]
    }
}
