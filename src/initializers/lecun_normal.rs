//! LeCun initialization with a truncated normal distribution.

use super::draw::scaled_normal;
use super::fans::fans;

without_settings! {
    /// A truncated normal distribution of variance 1 / fan-in (LeCun et al. 1998). `LecunNormal` in Keras.
    ///
    /// [`fans`](super::fans()) computes fan-in and fan-out from the shape.
    ///
    /// ```
    /// use gradus::{Key, initializers::{Initializer, LecunNormal}};
    /// let values = LecunNormal.array(&[4, 3], Key::from_seed(1))?;
    /// assert!(values.iter().all(|value| value.abs() <= 1.14)); // two standard deviations before truncation
    /// # Ok::<(), gradus::Error>(())
    /// ```
    LecunNormal = |shape, key| {
        let (fan_in, _) = fans(shape);
        scaled_normal(shape, 1.0 / fan_in, key)
    }
}
