//! A uniform distribution.

use super::Initializer;
use super::draw::uniform;
use crate::error::{Result, check_setting};
use crate::random::Key;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;

/// A uniform distribution between two limits, inclusive. `RandomUniform` in Keras.
///
/// ```
/// use gradus::{initializers::RandomUniform, layers::Dense};
/// let layer = Dense::new(10).kernel_initializer(RandomUniform::new(-0.1, 0.1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomUniform {
    low: f32,
    high: f32,
}

impl Default for RandomUniform {
    /// Limits ±0.05, as in Keras.
    fn default() -> RandomUniform {
        RandomUniform::new(-0.05, 0.05)
    }
}

impl RandomUniform {
    /// Creates the initializer from its lower and upper limit, which are finite.
    pub fn new(low: f32, high: f32) -> RandomUniform {
        RandomUniform { low, high }
    }
}

impl Initializer for RandomUniform {
    fn values(&self, shape: Shape, key: Key) -> Result<Vec<f32>> {
        let (low, high) = (f64::from(self.low), f64::from(self.high));
        let fits = low.is_finite() && high.is_finite() && low <= high;
        check_setting(fits, format!("RandomUniform from {low}"), "high", high, "finite and ≥ low")?;
        uniform(shape, self.low, self.high, key)
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("minval", self.low).with("maxval", self.high)
    }
}

impl FromSpec for RandomUniform {
    const CLASS: &'static str = "RandomUniform";

    fn from_spec(settings: &mut Settings<'_>) -> Result<RandomUniform> {
        Ok(RandomUniform { low: settings.number("minval")?, high: settings.number("maxval")? })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        vec![Box::new(RandomUniform::default()), Box::new(RandomUniform::new(-0.1, 0.3))]
    }
}
