//! A constant.

use super::Initializer;
use crate::error::Result;
use crate::random::Key;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::sizes;
use crate::spec::Spec;

/// A constant, 0 by default. `Constant` in Keras.
///
/// ```
/// use gradus::{initializers::Constant, layers::Dense};
/// let layer = Dense::new(10).kernel_initializer(Constant::new(0.1));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Constant {
    value: f32,
}

impl Constant {
    /// Creates the initializer for this value.
    pub fn new(value: f32) -> Constant {
        Constant { value }
    }
}

impl Initializer for Constant {
    fn values(&self, shape: Shape, _key: Key) -> Result<Vec<f32>> {
        sizes::filled(self.value, shape.sizes())
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS).with("value", self.value)
    }
}

impl FromSpec for Constant {
    const CLASS: &'static str = "Constant";

    fn from_spec(settings: &mut Settings<'_>) -> Result<Constant> {
        Ok(Constant { value: settings.number("value")? })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        vec![Box::new(Constant::new(-1.5)), Box::new(Constant::default())]
    }
}
