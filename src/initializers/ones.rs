//! Ones.

without_settings! {
    /// Ones. `Ones` in Keras.
    ///
    /// ```
    /// use gradus::{initializers::Ones, layers::Dense};
    /// let layer = Dense::new(10).kernel_initializer(Ones);
    /// ```
    Ones = |shape, _key| crate::sizes::filled(1.0, shape.sizes())
}
