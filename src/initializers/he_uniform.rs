//! He, uniform.

use super::draw::scaled_uniform;
use super::fans::fans;

without_settings! {
    /// Uniform within ±√(6 / fan-in): He et al. 2015. Keras' `HeUniform`.
    HeUniform = |shape, key| {
        let (fan_in, _) = fans(shape);
        scaled_uniform(shape, 2.0 / fan_in, key)
    }
}
