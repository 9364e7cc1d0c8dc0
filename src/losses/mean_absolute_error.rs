//! The mean absolute error.

use super::{Accepts, FromSpec, Loss, Shape, Spec, Var, values};
use crate::settings::options;

options! {
    /// The mean of |p − t| over rows and outputs. `MeanAbsoluteError` in Keras.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, layers::*, losses::MeanAbsoluteError, optimizers::Sgd};
    /// let network = Sequential::new([4]).add(Dense::new(1));
    /// let model = network.compile(Compile::new(Sgd::new(0.1), MeanAbsoluteError::new()))?;
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug, Default)]
    pub struct MeanAbsoluteError("MeanAbsoluteError");
}

impl MeanAbsoluteError {
    /// Creates the loss, which has no settings.
    pub fn new() -> MeanAbsoluteError {
        MeanAbsoluteError
    }
}

impl Loss for MeanAbsoluteError {
    fn accepts(&self, _output: Shape) -> Accepts {
        values()
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        prediction.mean_absolute_error(target)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        prediction.mean_absolute_error_of(target, Some(weights))
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}
