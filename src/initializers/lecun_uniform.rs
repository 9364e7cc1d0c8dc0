//! LeCun, uniform.

use super::draw::scaled_uniform;
use super::fans::fans;

without_settings! {
    /// Uniform within ±√(3 / fan-in): LeCun et al. 1998. Keras' `LecunUniform`.
    LecunUniform = |shape, key| {
        let (fan_in, _) = fans(shape);
        scaled_uniform(shape, 1.0 / fan_in, key)
    }
}
