//! Ones.

without_settings! {
    /// Sets all values to 1. `Ones` in Keras.
    ///
    /// ```
    /// use gradus::{Key, initializers::{Initializer, Ones}};
    /// let values = Ones.array(&[2], Key::from_seed(1))?;
    /// assert_eq!(values, ndarray::arr1(&[1.0, 1.0]).into_dyn());
    /// # Ok::<(), gradus::Error>(())
    /// ```
    Ones = |shape, _key| crate::sizes::filled(1.0, shape.sizes())
}
