//! Normal without its tails.

use super::Initializer;
use super::draw::{BELOW_MINUS_TWO, check_deviation, normal};
use crate::error::Result;
use crate::random::Key;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;

/// A normal distribution truncated at two standard deviations from the mean. `TruncatedNormal` in Keras.
///
/// ```
/// use gradus::{initializers::TruncatedNormal, layers::Dense};
/// let layer = Dense::new(10).kernel_initializer(TruncatedNormal::new(0.0, 0.1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TruncatedNormal {
    mean: f32,
    deviation: f32,
}

impl Default for TruncatedNormal {
    /// Mean 0 and standard deviation 0.05, as in Keras.
    fn default() -> TruncatedNormal {
        TruncatedNormal::new(0.0, 0.05)
    }
}

impl TruncatedNormal {
    /// Creates the initializer from its mean and its standard deviation before truncation, which is finite and ≥ 0.
    pub fn new(mean: f32, deviation: f32) -> TruncatedNormal {
        TruncatedNormal { mean, deviation }
    }
}

impl Initializer for TruncatedNormal {
    fn values(&self, shape: Shape, key: Key) -> Result<Vec<f32>> {
        check_deviation("TruncatedNormal", self.deviation)?;
        normal(shape, self.mean, f64::from(self.deviation), BELOW_MINUS_TWO, key)
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("mean", self.mean).with("stddev", self.deviation)
    }
}

impl FromSpec for TruncatedNormal {
    const CLASS: &'static str = "TruncatedNormal";

    fn from_spec(settings: &mut Settings<'_>) -> Result<TruncatedNormal> {
        Ok(TruncatedNormal { mean: settings.number("mean")?, deviation: settings.number("stddev")? })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        vec![Box::new(TruncatedNormal::default()), Box::new(TruncatedNormal::new(0.5, 0.7))]
    }
}
