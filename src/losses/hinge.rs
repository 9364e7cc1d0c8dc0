//! The hinge loss.

use super::accepted::ONE_HOT;
use super::loss::Loss;
use crate::accepts::{Accepts, TargetKind};
use crate::error::Result;
use crate::output_scale::OutputScale;
use crate::settings::{FromSpec, Settings};
use crate::shape::Shape;
use crate::spec::Spec;
use crate::tape::Var;

/// The mean of max(1 − t · p, 0) over rows and outputs, for targets −1 and 1. Targets 0 and 1 are converted to −1 and 1.
/// `Hinge` in Keras.
///
/// ```
/// use gradus::{Compile, Sequential, layers::*, losses::Hinge, optimizers::Sgd};
/// let network = Sequential::new([4]).add(Dense::new(1));
/// let model = network.compile(Compile::new(Sgd::new(0.1), Hinge::new()))?;
/// # Ok::<(), gradus::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Hinge;

impl Hinge {
    /// Creates the loss, which has no settings.
    pub fn new() -> Hinge {
        Hinge
    }
}

impl Loss for Hinge {
    fn accepts(&self, _output: Shape) -> Accepts {
        Accepts::new(&[TargetKind::Signs]).remedy(ONE_HOT)
    }

    fn record<'r>(&self, prediction: Var<'r>, target: Var<'r>) -> Var<'r> {
        prediction.hinge(target)
    }

    fn record_weighted<'r>(&self, prediction: Var<'r>, target: Var<'r>, weights: Var<'r>) -> Var<'r> {
        prediction.hinge_of(target, Some(weights))
    }

    fn output_scale(&self) -> OutputScale {
        OutputScale::Margins
    }

    fn spec(&self) -> Spec {
        Spec::new(Self::CLASS)
    }
}

impl FromSpec for Hinge {
    const CLASS: &'static str = "Hinge";

    fn from_spec(_settings: &mut Settings<'_>) -> Result<Hinge> {
        Ok(Hinge)
    }
}
