//! Ones.

without_settings! {
    /// All 1. Keras' `Ones`.
    Ones = |shape, _key| vec![1.0; shape.len()]
}
