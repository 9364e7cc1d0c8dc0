//! He initialization with a uniform distribution.

use super::draw::scaled_uniform;
use super::fans::fans;

without_settings! {
    /// A uniform distribution within ±√(6 / fan-in) (He et al. 2015). `HeUniform` in Keras.
    ///
    /// [`fans`](super::fans()) computes fan-in and fan-out from the shape.
    ///
    /// ```
    /// use gradus::{Key, initializers::{HeUniform, Initializer}};
    /// let values = HeUniform.array(&[6, 3], Key::from_seed(1))?;
    /// assert!(values.iter().all(|value| value.abs() <= 1.0));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    HeUniform = |shape, key| {
        let (fan_in, _) = fans(shape);
        scaled_uniform(shape, 2.0 / fan_in, key)
    }
}
