//! Ones.

without_settings! {
    /// All 1. Keras' `Ones`.
    Ones = |shape, _key| crate::sizes::filled(1.0, shape.sizes())
}
