//! The logarithm of the hyperbolic cosine of the error.

use super::accepted::values;
use super::loss::Loss;
use crate::accepts::Accepts;
use crate::settings::{FromSpec, options};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

options! {
    /// The mean of ln cosh e over rows and outputs, with e = p − t: about ½ · e² for small errors and |e| − ln 2 for large
    /// ones. `LogCosh` in Keras.
    ///
    /// Targets t are floats in the shape of the outputs p.
    ///
    /// ```
    /// use gradus::{Compile, Sequential, data::Arrays, initializers::Ones, layers::*, losses::LogCosh, optimizers::Sgd};
    /// use ndarray::arr2;
    /// let network = Sequential::new([1]).add(Dense::new(1).kernel_initializer(Ones));
    /// let model = network.compile(Compile::new(Sgd::new(0.1), LogCosh::new()))?;
    /// let data = Arrays::new(arr2(&[[1.0f32], [2.0]]), arr2(&[[1.0f32], [3.0]]))?;
    /// assert!((model.evaluate(&data)?.loss - 1f64.cosh().ln() / 2.0).abs() < 1e-6); // outputs 1 and 2
    /// # Ok::<(), gradus::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug, Default)]
    pub struct LogCosh("LogCosh");
}

impl LogCosh {
    /// Creates the loss, which has no settings.
    pub fn new() -> LogCosh {
        LogCosh
    }
}

impl Loss for LogCosh {
    fn accepts(&self, _output: Shape) -> Accepts {
        values()
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        prediction.log_cosh(target)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        prediction.log_cosh_of(target, Some(weights))
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}
