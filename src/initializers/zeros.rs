//! Zeros.

without_settings! {
    /// All 0. Keras' `Zeros`.
    Zeros = |shape, _key| vec![0.0; shape.len()]
}
