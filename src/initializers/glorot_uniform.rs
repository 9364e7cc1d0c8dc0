//! Glorot initialization with a uniform distribution.

use super::draw::scaled_uniform;
use super::fans::fans;

without_settings! {
    /// A uniform distribution within ±√(6 / (fan-in + fan-out)) (Glorot and Bengio 2010). The default of kernels.
    /// `GlorotUniform` in Keras.
    ///
    /// ```
    /// use gradus::{initializers::GlorotUniform, layers::Dense};
    /// let layer = Dense::new(10).kernel_initializer(GlorotUniform);
    /// ```
    GlorotUniform = |shape, key| {
        let (fan_in, fan_out) = fans(shape);
        let fan_average = (fan_in + fan_out) / 2.0;
        scaled_uniform(shape, 1.0 / fan_average, key)
    }
}
