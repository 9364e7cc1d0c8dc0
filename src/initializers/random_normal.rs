//! A normal distribution.

use super::Initializer;
use super::draw::{check_deviation, normal};
use crate::error::Result;
use crate::random::Key;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;

/// A normal distribution. `RandomNormal` in Keras.
///
/// ```
/// use gradus::{initializers::RandomNormal, layers::Dense};
/// let layer = Dense::new(10).kernel_initializer(RandomNormal::new(0.0, 0.1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomNormal {
    mean: f32,
    deviation: f32,
}

impl Default for RandomNormal {
    /// Mean 0 and standard deviation 0.05, as in Keras.
    fn default() -> RandomNormal {
        RandomNormal::new(0.0, 0.05)
    }
}

impl RandomNormal {
    /// Creates the initializer from its mean and its standard deviation, which is finite and ≥ 0.
    pub fn new(mean: f32, deviation: f32) -> RandomNormal {
        RandomNormal { mean, deviation }
    }
}

impl Initializer for RandomNormal {
    fn values(&self, shape: Shape, key: Key) -> Result<Vec<f32>> {
        check_deviation("RandomNormal", self.deviation)?;
        normal(shape, self.mean, f64::from(self.deviation), 0.0, key)
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("mean", self.mean).with("stddev", self.deviation)
    }
}

impl FromSpec for RandomNormal {
    const CLASS: &'static str = "RandomNormal";

    fn from_spec(settings: &mut Settings<'_>) -> Result<RandomNormal> {
        Ok(RandomNormal { mean: settings.number("mean")?, deviation: settings.number("stddev")? })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        vec![Box::new(RandomNormal::default()), Box::new(RandomNormal::new(0.5, 0.7))]
    }
}
