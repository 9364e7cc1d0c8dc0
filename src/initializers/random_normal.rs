//! A normal distribution.

use super::Initializer;
use super::draw::{check_deviation, normal};
use crate::error::Result;
use crate::random::Key;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;

options! {
    /// A normal distribution. `RandomNormal` in Keras.
    ///
    /// ```
    /// use gradus::{Key, initializers::{Initializer, RandomNormal}};
    /// let values = RandomNormal::new(3.0, 0.5).array(&[100, 10], Key::from_seed(1))?;
    /// assert!((values.mean().unwrap() - 3.0).abs() < 0.1);
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the standard deviation is finite and ≥ 0.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct RandomNormal("RandomNormal") of (mean: f32, stddev: f32);
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
