//! The logarithm of the hyperbolic cosine of the error.

use super::{Accepts, FromSpec, Loss, Shape, Spec, Var, values};
use crate::settings::options;

options! {
    /// The mean of ln cosh(p − t): like half the square of small errors, like large ones themselves. Keras' `LogCosh`.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct LogCosh("LogCosh");
}

impl LogCosh {
    /// Without settings.
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
