//! He initialization with a uniform distribution.

use super::draw::scaled_uniform;
use super::fans::fans;

without_settings! {
    /// A uniform distribution within ±√(6 / fan-in) (He et al. 2015). `HeUniform` in Keras.
    ///
    /// ```
    /// use gradus::{initializers::HeUniform, layers::Dense};
    /// let layer = Dense::new(10).kernel_initializer(HeUniform);
    /// ```
    HeUniform = |shape, key| {
        let (fan_in, _) = fans(shape);
        scaled_uniform(shape, 2.0 / fan_in, key)
    }
}
