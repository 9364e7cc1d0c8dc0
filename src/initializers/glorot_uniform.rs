//! Glorot initialization with a uniform distribution.

use super::draw::scaled_uniform;
use super::fans::fans;

without_settings! {
    /// A uniform distribution within ±√(6 / (fan-in + fan-out)) (Glorot and Bengio 2010). The default of kernels.
    /// `GlorotUniform` in Keras.
    ///
    /// [`fans`](super::fans()) computes fan-in and fan-out from the shape.
    ///
    /// ```
    /// use gradus::{Key, initializers::{GlorotUniform, Initializer}};
    /// let values = GlorotUniform.array(&[4, 2], Key::from_seed(1))?;
    /// assert!(values.iter().all(|value| value.abs() <= 1.0));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    GlorotUniform = |shape, key| {
        let (fan_in, fan_out) = fans(shape);
        let fan_average = (fan_in + fan_out) / 2.0;
        scaled_uniform(shape, 1.0 / fan_average, key)
    }
}
