//! Glorot initialization with a truncated normal distribution.

use super::draw::scaled_normal;
use super::fans::fans;

without_settings! {
    /// A truncated normal distribution of variance 2 / (fan-in + fan-out) (Glorot and Bengio 2010). `GlorotNormal` in Keras.
    ///
    /// [`fans`](super::fans()) computes fan-in and fan-out from the shape.
    ///
    /// ```
    /// use gradus::{Key, initializers::{GlorotNormal, Initializer}};
    /// let values = GlorotNormal.array(&[4, 4], Key::from_seed(1))?;
    /// assert!(values.iter().all(|value| value.abs() <= 1.14)); // two standard deviations before truncation
    /// # Ok::<(), gradus::Error>(())
    /// ```
    GlorotNormal = |shape, key| {
        let (fan_in, fan_out) = fans(shape);
        let fan_average = (fan_in + fan_out) / 2.0;
        scaled_normal(shape, 1.0 / fan_average, key)
    }
}
