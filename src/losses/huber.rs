//! The Huber loss, which is less sensitive to outliers than the mean squared error.

use super::accepted::values;
use super::loss::Loss;
use crate::accepts::Accepts;
use crate::error::{Result, check_setting};
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// The Huber loss: the mean over rows and outputs of ½ · e² if |e| ≤ delta and of delta · |e| − ½ · delta² otherwise, with
    /// e = p − t (Huber 1964). `Huber` in Keras.
    ///
    /// Targets t are floats in the shape of the outputs p.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, data::Arrays, initializers::Ones, layers::*, losses::Huber, optimizers::Sgd};
    /// use ndarray::arr2;
    /// let network = Sequential::new([1]).add(Dense::new(1).kernel_initializer(Ones));
    /// let model = network.compile(Compile::new(Sgd::new(0.1), Huber::new().delta(2.0)))?;
    /// let data = Arrays::new(arr2(&[[1.0f32], [2.0]]), arr2(&[[0.5f32], [3.0]]))?;
    /// assert_eq!(model.evaluate(&data)?.loss, 0.3125); // outputs 1 and 2
    /// # Ok::<(), gradus::Error>(())
    /// ```
    ///
    /// # Errors
    /// `compile` returns [`Error::Setting`](crate::Error::Setting) unless delta is finite and > 0.
    #[derive(Clone, Copy, Debug)]
    #[must_use]
    pub struct Huber("Huber") {
        /// Sets the error beyond which the loss is linear instead of quadratic. Finite and > 0, defaults to 1.
        value delta: f32 = 1.0,
    }
}

impl Huber {
    /// Creates the loss with delta 1, as in Keras.
    pub fn new() -> Huber {
        Huber::with_defaults()
    }
}

impl Loss for Huber {
    fn accepts(&self, _output: Shape) -> Accepts {
        values()
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        prediction.huber(target, self.delta)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        prediction.huber_of(target, self.delta, Some(weights))
    }

    fn check_settings(&self) -> Result<()> {
        let fits = self.delta > 0.0 && self.delta.is_finite();
        check_setting(fits, Self::CLASS, "delta", f64::from(self.delta), "finite and > 0")
    }

    fn spec(&self) -> Spec {
        self.write_options(Spec::new(Self::CLASS))
    }
}
