//! Glorot, uniform.

use super::draw::scaled_uniform;
use super::fans::fans;

without_settings! {
    /// Uniform within ±√(6 / (fan-in + fan-out)): Glorot and Bengio 2010. Keras' `GlorotUniform`, its default for kernels.
    GlorotUniform = |shape, key| {
        let (fan_in, fan_out) = fans(shape);
        let fan_average = (fan_in + fan_out) / 2.0;
        scaled_uniform(shape, 1.0 / fan_average, key)
    }
}
