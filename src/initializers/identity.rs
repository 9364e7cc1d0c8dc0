//! The identity matrix.

use super::Initializer;
use crate::error::{Error, Result, check_setting};
use crate::random::Key;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::sizes;
use crate::spec::Spec;

options! {
    /// A matrix with a gain on the diagonal and zeros elsewhere. `Identity` in Keras, also called `IdentityInitializer`.
    ///
    /// ```
    /// use gradus::{Key, initializers::{Identity, Initializer}};
    /// let values = Identity::new(2.0).array(&[2, 3], Key::from_seed(1))?;
    /// assert_eq!(values, ndarray::arr2(&[[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless the gain is finite, and
    /// [`Error::Shape`](crate::Error::Shape) for weights that are not a matrix.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Identity("Identity") of (gain: f32);
}

impl Default for Identity {
    /// A gain of 1, as in Keras.
    fn default() -> Identity {
        Identity::new(1.0)
    }
}

impl Identity {
    /// Creates the initializer from the values of the diagonal, which are finite.
    pub fn new(gain: f32) -> Identity {
        Identity::with_defaults(gain)
    }
}

impl Initializer for Identity {
    fn values(&self, shape: Shape, _key: Key) -> Result<Vec<f32>> {
        check_setting(self.gain.is_finite(), "Identity", "gain", f64::from(self.gain), "finite")?;
        let [_, columns] = *shape.sizes() else {
            let expected = Error::expected("weights with two axes");
            return Err(expected.at(|| "initializer Identity".into(), &[shape]));
        };
        sizes::collect(shape.sizes(), |at| if at / columns == at % columns { self.gain } else { 0.0 })
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn samples() -> Vec<Box<dyn Initializer>> {
        vec![Box::new(Identity::default()), Box::new(Identity::new(0.5))]
    }

    #[test]
    fn weights_that_are_not_a_matrix_are_rejected() {
        let message = Identity::default().values([2, 2, 2].into(), Key::from_seed(0)).unwrap_err().to_string();
        assert_eq!(message, "initializer Identity: found shape 2 × 2 × 2, expected weights with two axes");
    }
}
