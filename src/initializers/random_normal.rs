//! Normal.

use super::Initializer;
use super::draw::{check_deviation, normal};
use crate::error::Result;
use crate::random::Key;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;

options! {
    /// Normal. Keras' `RandomNormal`.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct RandomNormal("RandomNormal") of (mean: f32, stddev: f32);
}

impl Default for RandomNormal {
    /// With mean 0 and standard deviation 0.05, as in Keras.
    fn default() -> RandomNormal {
        RandomNormal::new(0.0, 0.05)
    }
}

impl RandomNormal {
    /// With this mean and this standard deviation.
    pub fn new(mean: f32, deviation: f32) -> RandomNormal {
        RandomNormal::with_defaults(mean, deviation)
    }
}

impl Initializer for RandomNormal {
    fn values(&self, shape: Shape, key: Key) -> Result<Vec<f32>> {
        check_deviation("RandomNormal", self.stddev)?;
        normal(shape, self.mean, f64::from(self.stddev), 0.0, key)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        vec![Box::new(RandomNormal::default()), Box::new(RandomNormal::new(0.5, 0.7))]
    }
}
