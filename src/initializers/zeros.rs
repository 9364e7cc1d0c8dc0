//! Zeros.

without_settings! {
    /// Sets all values to 0. The default of biases. `Zeros` in Keras.
    ///
    /// ```
    /// use gradus::{Key, initializers::{Initializer, Zeros}};
    /// let values = Zeros.array(&[2], Key::from_seed(1))?;
    /// assert_eq!(values, ndarray::arr1(&[0.0, 0.0]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Zeros = |shape, _key| crate::sizes::zeros(shape.sizes())
}
