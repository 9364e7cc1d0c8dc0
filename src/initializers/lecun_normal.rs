//! LeCun initialization with a truncated normal distribution.

use super::draw::scaled_normal;
use super::fans::fans;

without_settings! {
    /// A truncated normal distribution of variance 1 / fan-in (LeCun et al. 1998). `LecunNormal` in Keras.
    ///
    /// ```
    /// use gradus::{initializers::LecunNormal, layers::Dense};
    /// let layer = Dense::new(10).kernel_initializer(LecunNormal);
    /// ```
    LecunNormal = |shape, key| {
        let (fan_in, _) = fans(shape);
        scaled_normal(shape, 1.0 / fan_in, key)
    }
}
