//! A truncated normal distribution.

use super::Initializer;
use super::draw::{BELOW_MINUS_TWO, check_deviation, normal};
use crate::error::Result;
use crate::random::Key;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;

options! {
    /// A normal distribution truncated at two standard deviations from the mean. `TruncatedNormal` in Keras.
    ///
    /// ```
    /// use gradus::{Key, initializers::{Initializer, TruncatedNormal}};
    /// let values = TruncatedNormal::new(0.0, 0.5).array(&[10, 10], Key::from_seed(1))?;
    /// assert!(values.iter().all(|value| value.abs() <= 1.0));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the standard deviation is finite and ≥ 0.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct TruncatedNormal("TruncatedNormal") of (mean: f32, stddev: f32);
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
        TruncatedNormal::with_defaults(mean, deviation)
    }
}

impl Initializer for TruncatedNormal {
    fn values(&self, shape: Shape, key: Key) -> Result<Vec<f32>> {
        check_deviation("TruncatedNormal", self.stddev)?;
        normal(shape, self.mean, f64::from(self.stddev), BELOW_MINUS_TWO, key)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        vec![Box::new(TruncatedNormal::default()), Box::new(TruncatedNormal::new(0.5, 0.7))]
    }
}
