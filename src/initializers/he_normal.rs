//! He initialization with a truncated normal distribution.

use super::draw::scaled_normal;
use super::fans::fans;

without_settings! {
    /// A truncated normal distribution of variance 2 / fan-in (He et al. 2015). `HeNormal` in Keras.
    ///
    /// [`fans`](super::fans()) computes fan-in and fan-out from the shape.
    ///
    /// ```
    /// use gradus::{Key, initializers::{HeNormal, Initializer}};
    /// let values = HeNormal.array(&[8, 3], Key::from_seed(1))?;
    /// assert!(values.iter().all(|value| value.abs() <= 1.14)); // two standard deviations before truncation
    /// # Ok::<(), gradus::Error>(())
    /// ```
    HeNormal = |shape, key| {
        let (fan_in, _) = fans(shape);
        scaled_normal(shape, 2.0 / fan_in, key)
    }
}
