//! LeCun initialization with a uniform distribution.

use super::draw::scaled_uniform;
use super::fans::fans;

without_settings! {
    /// A uniform distribution within ±√(3 / fan-in) (LeCun et al. 1998). `LecunUniform` in Keras.
    ///
    /// ```
    /// use gradus::{initializers::LecunUniform, layers::Dense};
    /// let layer = Dense::new(10).kernel_initializer(LecunUniform);
    /// ```
    LecunUniform = |shape, key| {
        let (fan_in, _) = fans(shape);
        scaled_uniform(shape, 1.0 / fan_in, key)
    }
}
