//! LeCun, normal.

use super::Initializer;
use super::draw::scaled_normal;
use super::fans::fans;
use crate::error::Result;
use crate::random::Key;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;

/// Truncated normal of variance 1 / fan-in. Keras' `LecunNormal`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LecunNormal;

impl Initializer for LecunNormal {
    fn values(&self, shape: Shape, key: Key) -> Result<Vec<f32>> {
        let (fan_in, _) = fans(shape);
        Ok(scaled_normal(shape, 1.0 / fan_in, key))
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for LecunNormal {
    const CLASS: &'static str = "LecunNormal";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<LecunNormal> {
        Ok(LecunNormal)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        vec![Box::new(LecunNormal)]
    }
}
