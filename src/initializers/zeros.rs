//! Zeros.

without_settings! {
    /// All 0. Keras' `Zeros`.
    Zeros = |shape, _key| crate::sizes::zeros(shape.sizes())
}
