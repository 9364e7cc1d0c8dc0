//! LeCun initialization with a uniform distribution.

use super::draw::scaled_uniform;
use super::fans::fans;

without_settings! {
    /// A uniform distribution within ±√(3 / fan-in) (LeCun et al. 1998). `LecunUniform` in Keras.
    ///
    /// [`fans`](super::fans()) computes fan-in and fan-out from the shape.
    ///
    /// ```
    /// use gradus::{Key, initializers::{Initializer, LecunUniform}};
    /// let values = LecunUniform.array(&[3, 5], Key::from_seed(1))?;
    /// assert!(values.iter().all(|value| value.abs() <= 1.0));
    /// # Ok::<(), gradus::Error>(())
    /// ```
    LecunUniform = |shape, key| {
        let (fan_in, _) = fans(shape);
        scaled_uniform(shape, 1.0 / fan_in, key)
    }
}
