//! He initialization with a truncated normal distribution.

use super::draw::scaled_normal;
use super::fans::fans;

without_settings! {
    /// A truncated normal distribution of variance 2 / fan-in (He et al. 2015). `HeNormal` in Keras.
    ///
    /// ```
    /// use gradus::{initializers::HeNormal, layers::Dense};
    /// let layer = Dense::new(10).kernel_initializer(HeNormal);
    /// ```
    HeNormal = |shape, key| {
        let (fan_in, _) = fans(shape);
        scaled_normal(shape, 2.0 / fan_in, key)
    }
}
