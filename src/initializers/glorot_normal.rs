//! Glorot, normal.

use super::draw::scaled_normal;
use super::fans::fans;

without_settings! {
    /// Truncated normal of variance 2 / (fan-in + fan-out). Keras' `GlorotNormal`.
    GlorotNormal = |shape, key| {
        let (fan_in, fan_out) = fans(shape);
        let fan_average = (fan_in + fan_out) / 2.0;
        scaled_normal(shape, 1.0 / fan_average, key)
    }
}
