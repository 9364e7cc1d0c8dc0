//! He, normal.

use super::draw::scaled_normal;
use super::fans::fans;

without_settings! {
    /// Truncated normal of variance 2 / fan-in. Keras' `HeNormal`.
    HeNormal = |shape, key| {
        let (fan_in, _) = fans(shape);
        scaled_normal(shape, 2.0 / fan_in, key)
    }
}
