//! A constant.

use super::Initializer;
use crate::error::Result;
use crate::random::Key;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::sizes;
use crate::spec::Spec;

options! {
    /// Sets all values to a constant, 0 by default. `Constant` in Keras.
    ///
    /// ```
    /// use gradus::{Key, initializers::{Constant, Initializer}};
    /// let values = Constant::new(0.5).array(&[2], Key::from_seed(1))?;
    /// assert_eq!(values, ndarray::arr1(&[0.5, 0.5]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct Constant("Constant") of (value: f32);
}

impl Constant {
    /// Creates the initializer for this value.
    pub fn new(value: f32) -> Constant {
        Constant::with_defaults(value)
    }
}

impl Initializer for Constant {
    fn values(&self, shape: Shape, _key: Key) -> Result<Vec<f32>> {
        sizes::filled(self.value, shape.sizes())
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        vec![Box::new(Constant::new(-1.5)), Box::new(Constant::default())]
    }
}
