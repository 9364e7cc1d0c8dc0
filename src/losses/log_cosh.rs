//! The logarithm of the hyperbolic cosine of the error.

use super::accepted::values;
use super::loss::Loss;
use crate::accepts::Accepts;
use crate::error::Result;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

/// The mean of ln cosh(p − t) over rows and outputs: about ½ · e² for small errors e, |e| − ln 2 for large ones. `LogCosh` in
/// Keras.
///
/// ```
/// use gradus::{Compile, Sequential, layers::*, losses::LogCosh, optimizers::Sgd};
/// let network = Sequential::new([4]).add(Dense::new(1));
/// let model = network.compile(Compile::new(Sgd::new(0.1), LogCosh::new()))?;
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct LogCosh;

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

impl FromSpec for LogCosh {
    const CLASS: &'static str = "LogCosh";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<LogCosh> {
        Ok(LogCosh)
    }
}
