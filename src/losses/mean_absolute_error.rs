//! The mean absolute error.

use super::accepted::values;
use super::loss::Loss;
use crate::accepts::Accepts;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

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
