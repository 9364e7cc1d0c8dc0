//! LeCun, normal.

use super::draw::scaled_normal;
use super::fans::fans;

without_settings! {
    /// Truncated normal of variance 1 / fan-in. Keras' `LecunNormal`.
    LecunNormal = |shape, key| {
        let (fan_in, _) = fans(shape);
        scaled_normal(shape, 1.0 / fan_in, key)
    }
}
