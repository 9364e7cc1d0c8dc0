//! A uniform distribution.

use super::Initializer;
use super::draw::uniform;
use crate::error::{Result, check_setting};
use crate::random::Key;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;

options! {
    /// A uniform distribution between two limits, inclusive. `RandomUniform` in Keras.
    ///
    /// ```
    /// use gradus::{Key, initializers::{Initializer, RandomUniform}};
    /// let values = RandomUniform::new(-0.5, 0.25).array(&[10, 10], Key::from_seed(1))?;
    /// assert!(values.iter().all(|value| (-0.5..=0.25).contains(value)));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the limits are finite and in ascending order.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct RandomUniform("RandomUniform") of (minval: f32, maxval: f32);
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
        RandomUniform::with_defaults(low, high)
    }
}

impl Initializer for RandomUniform {
    fn values(&self, shape: Shape, key: Key) -> Result<Vec<f32>> {
        let (low, high) = (f64::from(self.minval), f64::from(self.maxval));
        let fits = low.is_finite() && high.is_finite() && low <= high;
        check_setting(fits, format!("RandomUniform from {low}"), "high", high, "finite and ≥ low")?;
        uniform(shape, self.minval, self.maxval, key)
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        vec![Box::new(RandomUniform::default()), Box::new(RandomUniform::new(-0.1, 0.3))]
    }
}
