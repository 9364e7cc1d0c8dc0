//! Glorot initialization with a truncated normal distribution.

use super::draw::scaled_normal;
use super::fans::fans;

without_settings! {
    /// A truncated normal distribution of variance 2 / (fan-in + fan-out) (Glorot and Bengio 2010). `GlorotNormal` in Keras.
    ///
    /// ```
    /// use gradus::{initializers::GlorotNormal, layers::Dense};
    /// let layer = Dense::new(10).kernel_initializer(GlorotNormal);
    /// ```
    GlorotNormal = |shape, key| {
        let (fan_in, fan_out) = fans(shape);
        let fan_average = (fan_in + fan_out) / 2.0;
        scaled_normal(shape, 1.0 / fan_average, key)
    }
}
