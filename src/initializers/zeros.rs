//! Zeros.

without_settings! {
    /// Zeros. `Zeros` in Keras.
    ///
    /// ```
    /// use gradus::{initializers::Zeros, layers::Dense};
    /// let layer = Dense::new(10).kernel_initializer(Zeros);
    /// ```
    Zeros = |shape, _key| crate::sizes::zeros(shape.sizes())
}
