//! The mean squared error.

use super::accepted::values;
use super::loss::Loss;
use crate::accepts::Accepts;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// The mean squared error: the mean of (p − t)² over rows and outputs. `MeanSquaredError` in Keras.
    ///
    /// Targets t are floats in the shape of the outputs p.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, data::Arrays, initializers::Ones, layers::Dense};
    /// use gradus::{losses::MeanSquaredError, optimizers::Sgd};
    /// use ndarray::arr2;
    /// let network = Sequential::new([1]).add(Dense::new(1).kernel_initializer(Ones));
    /// let model = network.compile(Compile::new(Sgd::new(0.1), MeanSquaredError::new()))?;
    /// let data = Arrays::new(arr2(&[[1.0f32], [2.0]]), arr2(&[[0.5f32], [3.0]]))?;
    /// assert_eq!(model.evaluate(&data)?.loss, 0.625); // outputs 1 and 2
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug, Default)]
    pub struct MeanSquaredError("MeanSquaredError");
}

impl MeanSquaredError {
    /// Creates the loss, which has no settings.
    pub fn new() -> MeanSquaredError {
        MeanSquaredError
    }
}

impl Loss for MeanSquaredError {
    fn accepts(&self, _output: Shape) -> Accepts {
        values()
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        prediction.mean_squared_error(target)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        prediction.mean_squared_error_of(target, Some(weights))
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}
